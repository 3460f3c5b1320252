import { documents } from '../db/arrays.ts'
import type { Transaction } from '../db/database.ts'
import { isAfter, type Stamp } from '../records/stamp.ts'
import { loadWritten } from '../writeback/writtenValues.ts'
import {
  compact,
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
    logs.map(({ key, ...log }) => [key, { ...log, values: values.get(key) ?? [] }]),
  )
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
