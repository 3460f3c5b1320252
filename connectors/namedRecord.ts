import type { NamedRecord } from './kind.ts'
import type { Mapping } from './mapping/compileMapping.ts'
import { scopeOf } from './mapping/path.ts'
import { isMap } from './mapping/rule.ts'

/**
 * Returns the record that an event names, by the event's id or that of its record; null without an
 * id. Throws MessageError for an unknown object.
 */
export function namedRecord(
  mapping: Mapping,
  object: string,
  { id, record, deleted }: { id: unknown; record: unknown; deleted: boolean },
): NamedRecord[] | null {
  const stated = typeof id === 'string' || typeof id === 'number' ? String(id) : null
  const known = stated ?? (isMap(record) ? mapping.require(object).idOf(scopeOf(record)) : null)
  return known === null ? null : [{ object, id: known, deleted }]
}
