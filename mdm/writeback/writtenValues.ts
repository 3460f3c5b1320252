import type { Json } from '../../connectors/connection/row.ts'
import { recordKey } from '../../schema/recordKey.ts'
import { documents } from '../db/arrays.ts'
import type { Transaction } from '../db/database.ts'

/** What a record of a source system holds at a path because it was written there. */
export interface WrittenValue {
  intentId: number
  path: string
  value: Json
}

/** A write that is about to be sent. */
export interface Written {
  intentId: number
  goldenId: string
  source: string
  object: string
  /** Null for a record that the system does not have yet. */
  sourceId: string | null
  /** New values by path; null empties a field. */
  values: Readonly<Record<string, Json>>
}

/** Stores the values of a write before it is sent, in the transaction that says so. */
export async function saveWritten(tx: Transaction, write: Written): Promise<void> {
  const { intentId, source, object, sourceId, values } = write
  if (sourceId === null) return
  const entries = Object.entries(values)
  await tx`
    insert into written_value (source, object, source_id, path, value, intent_id)
    select ${source}, ${object}, ${sourceId}, w.path, w.document->'v', ${intentId}
    from unnest(${entries.map(([path]) => path)}::text[], string_to_array(${documents(entries.map(([, v]) => ({ v })))}, E'\\x1f')::jsonb[]) as w (path, document)
    on conflict (source, object, source_id, path) do update set value = excluded.value, intent_id = excluded.intent_id`
}

/** Notes that the system confirmed a write, and the id of a record that it created. */
export async function confirmWritten(
  tx: Transaction,
  intentId: number,
  sourceId: string,
): Promise<void> {
  await tx`
    insert into written_value (source, object, source_id, path, value, intent_id)
    select source, object, ${sourceId}, v.key, v.value, id
    from write_intent, jsonb_each(values) v where id = ${intentId}
    on conflict do nothing`
}

/** Removes the values of a write that the system certainly did not apply. */
export async function withdrawWritten(tx: Transaction, intentId: number): Promise<void> {
  await tx`delete from written_value where intent_id = ${intentId}`
}

/** Returns the written values of records by record key. */
export async function loadWritten(
  tx: Transaction,
  keys: readonly string[],
): Promise<Map<string, WrittenValue[]>> {
  const rows = await tx<
    ({ source: string; object: string; sourceId: string } & WrittenValue)[]
  >`select source, object, source_id as "sourceId", path, value, intent_id as "intentId" from written_value`
  const wanted = new Set(keys)
  const values = new Map<string, WrittenValue[]>()
  for (const { source, object, sourceId, ...value } of rows) {
    const key = recordKey(source, object, sourceId)
    if (wanted.has(key)) values.set(key, [...(values.get(key) ?? []), value])
  }
  return values
}
