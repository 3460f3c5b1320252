import { MessageError } from '../../contract.ts'
import { type Scope, scopeOf } from '../../mapping/path.ts'
import { isMap } from '../../mapping/rule.ts'
import type { PulledRow } from '../contract.ts'
import type { RowsPath } from '../definition/listing.ts'
import type { ObjectDefinition } from '../definition/object.ts'
import type { Refuse } from '../pages/pager.ts'
import { floorTo } from './bounds.ts'

/** A row with the time of its last change in microseconds since 1970. */
export interface TimedRow {
  row: PulledRow
  at: bigint | null
}

/** Returns the rows of an answer. An answer without the list is refused: it is no empty page. */
export function rowsOf(
  { path, list }: RowsPath,
  body: unknown,
  refuse: Refuse,
): Record<string, unknown>[] {
  const scope = scopeOf(body)
  const holder = list ? list.first(scope) : body
  if (!Array.isArray(holder))
    return refuse(
      'ROWS_MISSING',
      `the answer has no list at ${list?.text ?? 'its top'}, where rows: says that its rows are`,
    )
  const rows = path.all(scope).flat()
  // A list of wrapped rows of which one lacks the row: it would vanish without a word.
  if (/^[^[\]]*\[\][^[\]]*$/.test(path.text) && rows.length < holder.length)
    refuse(
      'ROWS_MISSING',
      `${holder.length - rows.length} elements of the list have no ${path.text}`,
    )
  return rows.map((row) =>
    isMap(row) ? row : refuse('ROWS_MISSING', `a row at ${path.text} is not an object`),
  )
}

/** Reads the id, the version and the deletion of a row. A row without an id is refused. */
export function timedRow(
  object: ObjectDefinition,
  record: Record<string, unknown>,
  refuse: Refuse,
): TimedRow {
  const scope = scopeOf(record)
  const id = idIn(object, scope, refuse)
  if (object.deletes.tombstone?.when(scope)) return { row: deletedRow(object.name, id), at: null }
  const at = versionOf(object, scope)
  return { row: { object: object.name, id, version: stamp(at), deleted: false, record }, at }
}

/** Reads the id of a row alone. */
export function rowId(
  object: ObjectDefinition,
  record: Record<string, unknown>,
  refuse: Refuse,
): string {
  return idIn(object, scopeOf(record), refuse)
}

function idIn(object: ObjectDefinition, scope: Scope, refuse: Refuse): string {
  const { tombstone } = object.deletes
  if (tombstone?.when(scope)) {
    const id = idText(tombstone.id.first(scope))
    return id === null
      ? refuse('ROW_WITHOUT_ID', `a deleted row has no id at ${tombstone.id.text}`)
      : idOfAddress(id)
  }
  const id = idOfRow(object, scope, refuse)
  return id ?? refuse('ROW_WITHOUT_ID', 'a row has no id where id: says that it is')
}

/** A time that is none is an issue of the record, which the pipeline reports; a keyset refuses it. */
function versionOf(object: ObjectDefinition, scope: Scope): bigint | null {
  try {
    return object.versionOf?.(scope) ?? null
  } catch (e) {
    if (e instanceof MessageError) return null
    throw e
  }
}

export function deletedRow(object: string, id: string, at: bigint | null = null): PulledRow {
  return { object, id, version: stamp(at), deleted: true, record: null }
}

/** Writes a version with microseconds. Written by hand: it is made for each row. */
function stamp(at: bigint | null): string | null {
  if (at === null) return null
  const text = new Date(Number(floorTo(at, 1_000n) / 1_000n)).toISOString()
  return `${text.slice(0, -1)}${String(at - floorTo(at, 1_000n)).padStart(3, '0')}Z`
}

/** A tombstone may name the address of the record, as OData does: the id stands in brackets. */
function idOfAddress(text: string): string {
  const [, inside] = /\(([^()]+)\)$/.exec(text) ?? []
  return text.includes('/') && inside !== undefined ? inside.replace(/^'(.*)'$/, '$1') : text
}

/** Reads an id; a number that has lost digits is refused. */
function idOfRow(object: ObjectDefinition, scope: Scope, refuse: Refuse): string | null {
  try {
    return object.idOf(scope)
  } catch (e) {
    if (e instanceof MessageError) return refuse(e.code, e.message)
    throw e
  }
}

/** Returns the id that a path of an event or child names; null where there is none. */
export function idText(given: unknown): string | null {
  return typeof given === 'string' || typeof given === 'number' ? String(given) : null
}
