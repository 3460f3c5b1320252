import { parse } from 'yaml'
import { KEPT } from '../../schema/operational.ts'
import { isMap } from './rule.ts'

/** One difference between two states of a mapping. */
export interface MappingChange {
  level: 'BREAKING' | 'DANGEROUS' | 'SAFE'
  /** `connectors/stripe/mapping.yaml customer.emails`. */
  coordinate: string
  text: string
}

/**
 * Compares mappings with those of `before`; both are texts of mapping files by path. Removing an
 * object, alias, field or value of a map is breaking, because messages of sources are no longer
 * read. So is a changed id, because every record would be a new one. A changed rule is dangerous,
 * an added one safe. A type for objects that were only kept is safe: their records are mapped again.
 */
export function mappingChanges(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): MappingChange[] {
  const changes: MappingChange[] = []
  for (const file of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(file), after.get(file)]
    if (is === undefined)
      changes.push({
        level: 'BREAKING',
        coordinate: file,
        text: 'was removed, with all that it maps',
      })
    else if (was === undefined) changes.push({ level: 'SAFE', coordinate: file, text: 'was added' })
    else changes.push(...withinFile(file, was, is))
  }
  return changes
}

function withinFile(file: string, was: string, is: string): MappingChange[] {
  const [old, now] = [leavesOf(asObjects(parse(was))), leavesOf(asObjects(parse(is)))]
  const within = (path: string, all: ReadonlyMap<string, unknown>) =>
    [...all.keys()].some((p) => p.startsWith(`${path}.`) || path.startsWith(`${p}.`))
  const at = (path: string) => `${file} ${path}`
  const changes: MappingChange[] = []
  for (const [path, value] of old) {
    const identity = /(^|\.)(id|as)$/.test(path) && !path.includes('.fields.')
    if (!now.has(path)) {
      // The same field in another form: one path where there were several, or with a map.
      const reshaped = within(path, now)
      changes.push({
        level: reshaped && !identity ? 'DANGEROUS' : 'BREAKING',
        coordinate: at(path),
        text: reshaped
          ? `was ${text(value)}, and now has another form`
          : `is no longer mapped; it was ${text(value)}`,
      })
    } else if (text(now.get(path)) !== text(value)) {
      if (value === KEPT && /^[^.]+\.as$/.test(path)) {
        changes.push({
          level: 'SAFE',
          coordinate: at(path),
          text: `was ${KEPT}, is ${now.get(path)}`,
        })
        continue
      }
      const wasText = `was ${text(value)}, is ${text(now.get(path))}`
      changes.push({
        level: identity ? 'BREAKING' : 'DANGEROUS',
        coordinate: at(path),
        text: identity ? `${wasText}: its records would be new ones` : wasText,
      })
    }
  }
  for (const [path, value] of now)
    if (!old.has(path) && !within(path, old))
      changes.push({ level: 'SAFE', coordinate: at(path), text: `was added: ${text(value)}` })
  return changes
}

/** Returns a mapping with its kept objects beside the others, as the objects of type `Kept` they are. */
function asObjects(mapping: unknown): unknown {
  if (!isMap(mapping) || !isMap(mapping.kept)) return mapping
  const { kept, objects, ...rest } = mapping
  const named = Object.entries(kept).map(([name, spec]) => {
    const parts = Array.isArray(spec) ? { aliases: spec } : isMap(spec) ? spec : {}
    return [name, { as: KEPT, ...parts }]
  })
  return { ...rest, objects: { ...Object.fromEntries(named), ...(isMap(objects) ? objects : {}) } }
}

/**
 * Returns every value of a mapping by its path; a list is one value, but each alias counts by
 * itself.
 */
function leavesOf(
  value: unknown,
  path: string[] = [],
  found = new Map<string, unknown>(),
): Map<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    for (const [key, part] of Object.entries(value))
      leavesOf(part, path.length === 0 && key === 'objects' ? [] : [...path, key], found)
  else if (Array.isArray(value) && path.at(-1) === 'aliases')
    for (const a of value) found.set([...path, String(a)].join('.'), a)
  else if (path.length > 0) found.set(path.join('.'), value)
  return found
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
