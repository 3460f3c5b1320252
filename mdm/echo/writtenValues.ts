import type { Json } from '../../connectors/connection/row.ts'
import { recordKey } from '../../schema/recordKey.ts'
import { documents } from '../db/arrays.ts'
import type { Transaction } from '../db/database.ts'
import { lock, lockNumber } from '../db/locks.ts'
import { requeue } from '../inbox/requeue.ts'
import { NEVER } from '../records/stamp.ts'
import type { WrittenValue } from './echo.ts'

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

/**
 * Stores the values of a write before it is sent, in the transaction that says so: the system may
 * state them before its response arrives. Locks the record.
 */
export async function saveWritten(tx: Transaction, write: Written): Promise<void> {
  const { intentId, goldenId, source, object, sourceId, values } = write
  const key = sourceId === null ? null : recordKey(source, object, sourceId)
  if (key !== null) await beginLog(tx, key)
  const written = Object.entries(values)
  await tx`
    insert into written_value (intent_id, path, source, object, source_id, record_key, golden_id, value, since)
    select ${intentId}::bigint, v.path, ${source}, ${object}, ${sourceId}, ${key}::uuid, ${goldenId}::uuid, v.value,
      coalesce(greatest(
        (select version from source_record where key = ${key}::uuid),
        (select (newest->>0)::numeric::bigint from written_record where record_key = ${key}::uuid)), ${NEVER[0]}::bigint)
    from unnest(${written.map(([path]) => path)}::text[],
      string_to_array(${documents(written.map(([, value]) => ({ value })))}, E'\\x1f')::jsonb[]) as w (path, document),
      lateral (select w.path, w.document->'value' as value) v
    on conflict (intent_id, path) do nothing`
}

/**
 * Notes that the system confirmed a write. For a record that it created, `sourceId` is the id that
 * the system gave it.
 */
export async function confirmWritten(
  tx: Transaction,
  intentId: number,
  sourceId: string,
): Promise<void> {
  const row = await nameRecord(tx, intentId, sourceId)
  if (!row) return
  await tx`
    update written_value set applied_at = coalesce(applied_at, clock_timestamp()) where intent_id = ${intentId}`
  // Another record looked like the created one.
  if (row.before === null || row.before === row.key) return
  await tx`update source_record set stated_golden = null where key = ${row.before}::uuid`
  await foldLater(tx, row.before)
}

/** Notes the id of the record that a write created. Returns the record key before and now. */
export async function nameRecord(
  tx: Transaction,
  intentId: number,
  sourceId: string,
): Promise<{ key: string; before: string | null } | null> {
  const [row] = await tx<{ source: string; object: string; before: string | null }[]>`
    select source, object, record_key as before from written_value where intent_id = ${intentId} limit 1`
  if (!row) return null
  const key = recordKey(row.source, row.object, sourceId)
  if (row.before === key) return { key, before: key }
  await beginLog(tx, key)
  await tx`
    update written_value set source_id = ${sourceId}, record_key = ${key}::uuid where intent_id = ${intentId}`
  return { key, before: row.before }
}

/**
 * Removes the values of a write that the system certainly did not apply. What looked like its echo
 * is a statement of the system.
 */
export async function withdrawWritten(tx: Transaction, intentId: number): Promise<void> {
  const rows = await tx<{ key: string | null; state: string }[]>`
    delete from written_value where intent_id = ${intentId} returning record_key as key, state`
  const seen = rows.filter((r) => r.state !== 'WRITTEN').flatMap((r) => r.key ?? [])
  for (const key of new Set(seen)) await foldLater(tx, key)
}

/** Folds the statements of a record again later. */
async function foldLater(tx: Transaction, key: string): Promise<void> {
  const [log] = await tx<{ messages: number[] }[]>`
    select messages from written_record where record_key = ${key}::uuid`
  await requeue(tx, log?.messages ?? [])
}

/** Returns the written values of records by record key. */
export async function loadWritten(
  tx: Transaction,
  keys: readonly string[],
): Promise<Map<string, WrittenValue[]>> {
  if (keys.length === 0) return new Map()
  const rows = await tx<({ key: string } & WrittenValue)[]>`
    select record_key as key, intent_id as "intentId", path, value, since, state,
      (extract(epoch from applied_at) * 1e6)::bigint as "appliedAt"
    from written_value where record_key = any(${keys as string[]}::uuid[]) order by intent_id, path`
  const values = new Map<string, WrittenValue[]>()
  for (const { key, ...value } of rows) values.set(key, [...(values.get(key) ?? []), value])
  return values
}

/** Begins the log of a record's statements at its present state. */
async function beginLog(tx: Transaction, key: string): Promise<void> {
  await lock(tx, 'record', [lockNumber(key)])
  const never = { state: null, upTo: NEVER, states: {} }
  await tx`
    insert into written_record (record_key, base, newest, messages)
    select ${key}::uuid, coalesce(b.base, ${tx.json(never)}::json), coalesce(b.newest, ${tx.json(NEVER)}::jsonb), '{}'
    from (select 1) as one
    left join lateral (
      select json_build_object('state', json_build_object('version', version, 'tie', tie, 'deleted', deleted, 'raw', raw,
          'fieldVersions', field_versions, 'tied', tied), 'upTo', json_build_array(version, tie), 'states', '{}'::json) as base,
        jsonb_build_array(version, tie) as newest
      from source_record where key = ${key}::uuid) b on true
    on conflict (record_key) do nothing`
}
