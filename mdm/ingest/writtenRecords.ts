import type { Json } from '../../connectors/connection/row.ts'
import { documents } from '../db/arrays.ts'
import type { Transaction } from '../db/database.ts'
import { holdsValue, type WrittenValue } from '../echo/echo.ts'
import { loadWritten, nameRecord } from '../echo/writtenValues.ts'
import { isAfter, type Stamp } from '../records/stamp.ts'
import {
  compact,
  isCreated,
  type LoggedMessages,
  stampOfItem,
  statementsMax,
  valueName,
  type WrittenBase,
  type WrittenRecord,
} from './foldWritten.ts'
import type { FoldedMessage, KeyedChange, Reader, TieReader } from './ties.ts'

/** The records of a batch that were written to, with the messages that folding may need. */
export interface WrittenRecords {
  records: Map<string, WrittenRecord>
  logged: LoggedMessages
}

/** Loads what folding needs of the records that were written to; two reads, if there is any. */
export async function loadWrittenRecords(
  tx: Transaction,
  changes: readonly KeyedChange[],
): Promise<WrittenRecords> {
  const keys = [...new Set(changes.map((c) => c.key))]
  const logs = await tx<{ key: string; base: WrittenBase; newest: Stamp; messages: number[] }[]>`
    select record_key as key, base, newest, messages from written_record where record_key = any(${keys}::uuid[])`
  const logged = new Map<number, FoldedMessage>()
  if (logs.length === 0) return { records: new Map(), logged }
  const values = await loadWritten(
    tx,
    logs.map((l) => l.key),
  )
  const records = new Map(
    logs.map(({ key, ...log }): [string, WrittenRecord] => [
      key,
      { ...log, values: values.get(key) ?? [] },
    ]),
  )
  const created = logs.filter((l) => isCreated(l.base)).map((l) => l.key)
  if (created.length > 0)
    for (const row of await tx<{ key: string; goldenId: string }[]>`
      select distinct on (record_key) record_key as key, golden_id as "goldenId" from written_value
      where record_key = any(${created}::uuid[]) order by record_key, intent_id`) {
      const record = records.get(row.key)
      if (record) record.createdFor = row.goldenId
    }
  const own = changes.filter((c) => records.has(c.key))
  for (const { message } of own) logged.set(message.inboxId, message)
  const again = [...Map.groupBy(own, (c) => c.key)].flatMap(([key, all]) => {
    const record = records.get(key)
    return record && needsMessages(record, all) ? record.messages : []
  })
  const missing = [...new Set(again)].filter((id) => !logged.has(id))
  if (missing.length > 0)
    for (const m of await tx<FoldedMessage[]>`
      select id as "inboxId", source, object, format, body, correlation_id as "correlationId",
        received_at as "receivedAt", corrects, stated_at as "statedAt"
      from inbox where id = any(${missing}::bigint[])`)
      logged.set(m.inboxId, m)
  return { records, logged }
}

/** Returns the written values of those records that writes created, by record key. */
export async function loadCreated(
  tx: Transaction,
  keys: readonly string[],
): Promise<Map<string, WrittenValue[]>> {
  const rows = await tx<{ key: string }[]>`
    select record_key as key from written_record where record_key = any(${[...keys]}::uuid[])
      and (base->>'state' is null or base->>'isCreated' = 'true')`
  return rows.length === 0
    ? new Map()
    : await loadWritten(
        tx,
        rows.map((r) => r.key),
      )
}

/**
 * Finds the records that writes created and whose ids no response has named yet, and names them. A
 * record is one of them if it bears the golden id of the write; where its system has no place for
 * one, if it holds all that was written.
 */
export async function nameCreated(
  tx: Transaction,
  fresh: readonly KeyedChange[],
  connectors: ReadonlyMap<string, Reader>,
): Promise<boolean> {
  if (fresh.length === 0) return false
  const rows = await tx<
    {
      intentId: number
      source: string
      object: string
      goldenId: string
      path: string
      value: Json
    }[]
  >`
    select intent_id as "intentId", source, object, golden_id as "goldenId", path, value from written_value
    where record_key is null and source = any(${[...new Set(fresh.map((c) => c.message.source))]}::text[])`
  let named = false
  for (const [intentId, values] of Map.groupBy(rows, (r) => r.intentId)) {
    const [first] = values
    const connector = connectors.get(first?.source ?? '')
    if (!first || !connector) continue
    const alike = fresh.filter(({ message, change }) => {
      if (message.source !== first.source || change.object !== first.object) return false
      const stated = connector.goldenIdOf?.(change.object, change.raw)
      if (stated !== undefined) return stated === first.goldenId
      const map = (raw: Record<string, unknown>) => connector.map(change.object, raw)
      return values.every((v) => holdsValue(change.raw, v.path, v.value, map))
    })
    const [record] = alike
    if (!record || new Set(alike.map((c) => c.key)).size > 1) continue
    await nameRecord(tx, intentId, record.change.sourceId)
    named = true
  }
  return named
}

/** Returns true if some changes come late, or make the statements of a record too many. */
function needsMessages(record: WrittenRecord, changes: readonly KeyedChange[]): boolean {
  let { newest } = record
  for (const change of changes) {
    const stamp = stampOfItem(change)
    if (!isAfter(stamp, newest)) return true
    newest = stamp
  }
  return record.messages.length + changes.length > statementsMax
}

/** Saves records that were written to, after statements of theirs were folded. */
export async function saveWrittenRecords(
  tx: Transaction,
  { records, logged }: WrittenRecords,
  folded: ReadonlyMap<string, WrittenRecord>,
  connectors: ReadonlyMap<string, Reader>,
  ties: TieReader,
): Promise<void> {
  if (folded.size === 0) return
  const compacted = [...folded].map(([key, record]) => {
    const connector = connectors.get(logged.get(record.messages.at(-1) ?? 0)?.source ?? '')
    return [key, connector ? compact(key, connector, ties, record, logged) : record] as const
  })
  const logs = compacted.flatMap(([key, r]) => (r ? [{ key, ...r }] : []))
  const gone = compacted.flatMap(([key, r]) => (r ? [] : [key]))
  await tx`
    update written_record r set base = n.base, newest = n.newest, messages = n.messages::bigint[]
    from unnest(${logs.map((l) => l.key)}::uuid[],
      string_to_array(${documents(logs.map((l) => l.base))}, E'\\x1f')::json[],
      string_to_array(${documents(logs.map((l) => l.newest))}, E'\\x1f')::jsonb[],
      ${logs.map((l) => `{${l.messages.join(',')}}`)}::text[]) as n (key, base, newest, messages)
    where r.record_key = n.key`
  const now = logs.flatMap((l) => l.values)
  const before = new Map(
    [...records.values()].flatMap((r) => r.values).map((v) => [valueName(v), v.state]),
  )
  const moved = now.filter((v) => before.get(valueName(v)) !== v.state)
  if (moved.length > 0)
    await tx`
      update written_value w set state = n.state
      from unnest(${moved.map((v) => v.intentId)}::bigint[], ${moved.map((v) => v.path)}::text[],
        ${moved.map((v) => v.state)}::text[]) as n (intent_id, path, state)
      where w.intent_id = n.intent_id and w.path = n.path`
  const left = new Set(now.map(valueName))
  const dropped = [...folded.keys()]
    .flatMap((key) => records.get(key)?.values ?? [])
    .filter((v) => !left.has(valueName(v)))
  if (dropped.length > 0)
    await tx`
      delete from written_value w
      using unnest(${dropped.map((v) => v.intentId)}::bigint[], ${dropped.map((v) => v.path)}::text[]) as n (intent_id, path)
      where w.intent_id = n.intent_id and w.path = n.path`
  if (gone.length > 0) await tx`delete from written_record where record_key = any(${gone}::uuid[])`
}
