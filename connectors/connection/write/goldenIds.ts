import { scopeOf } from '../../mapping/path.ts'
import type { SourceConnection } from '../sourceConnection.ts'
import { openWrite } from './ability.ts'

/** A uuid of version 8, as `recordKey` makes them: other systems use this field with ids of their own. */
const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/**
 * Returns a function that reads the golden id which a raw record of a source system bears: null for
 * none, or for a text that is no golden id; undefined where its object has no place for one.
 */
export function goldenIdReader({
  definition,
  values,
}: Pick<SourceConnection, 'definition' | 'values'>) {
  const paths = new Map(
    [...definition.objects].flatMap(([name, { write }]) => {
      const path = write ? openWrite(write, values).goldenId : null
      return path ? [[name, path] as const] : []
    }),
  )
  return (object: string, raw: Record<string, unknown>): string | null | undefined => {
    const path = paths.get(object)
    if (!path) return undefined
    const value = path.first(scopeOf(raw))
    const id = typeof value === 'string' ? value.trim().toLowerCase() : ''
    return FORM.test(id) ? id : null
  }
}
