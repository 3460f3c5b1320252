import { isInherited, ownValue, setOwn } from '../../schema/kit/dictionary.ts'
import type { Entities } from './entities.ts'

/** Merges the results of a fetch into their entities. */
export function mergeEntities({ entities, order }: Entities, results: unknown): void {
  if (!Array.isArray(results)) return
  for (let n = 0; n < entities.length; n++) {
    const result = results[order[n] ?? -1]
    if (result) merge(entities[n] as Record<string, unknown>, result)
  }
}

/**
 * Merges the result of another fetch of the same object. Lists of different lengths are replaced.
 */
export function merge(target: Record<string, unknown>, source: Record<string, unknown>): void {
  for (const key in source) {
    const is = source[key] // dictionary: `for in` names the object's own keys
    // dictionary: keys that objects inherit are read as their own
    const was = isInherited(key) ? ownValue(target, key) : target[key]
    if (isObject(was) && isObject(is)) {
      if (was === is) continue
      if (
        Array.isArray(was) !== Array.isArray(is) ||
        (Array.isArray(was) && was.length !== (is as unknown as unknown[]).length)
      )
        setOwn(target, key, is)
      else merge(was, is)
    } else if (is !== undefined) setOwn(target, key, is)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
