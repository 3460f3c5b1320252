import type { PulledRow } from '../../connectors/connection/contract.ts'
import { MessageError } from '../../connectors/contract.ts'
import type { Restatement } from '../../connectors/pulledMessage.ts'
import { queueOf } from '../../connectors/queueOf.ts'
import { recordKey } from '../../schema/recordKey.ts'
import type { Transaction } from '../db/database.ts'
import { loadWritten } from '../echo/writtenValues.ts'
import type { NewMessage } from '../inbox/accept.ts'
import { arrivalOf } from '../records/stamp.ts'
import type { ReadRow, RowReader } from './readRows.ts'
import { compare, type Decision, decide, type StoredRecord } from './restate.ts'

export interface PageContext {
  source: string
  reader: RowReader
  /** Makes the keys of repeated contents unique: one for each page. */
  again: string
  correlationOf(row: PulledRow): string
  /** The object's last message that was put into the inbox before this page. */
  lastInboxId: number
}

interface Stored extends StoredRecord {
  id: number
}

/**
 * Returns the messages of a page. Reads the stored records, the known messages of these and, of few
 * rows, their contents and what was written to them, each by its key.
 */
export async function pageMessages(
  tx: Transaction,
  read: readonly ReadRow[],
  context: PageContext,
): Promise<NewMessage[]> {
  const keys = read.flatMap((r) => r.stated.key ?? [])
  const [stored, [queue]] = await Promise.all([
    loadStored(tx, keys, context.reader),
    tx<{ oldest: number | null }[]>`select min(inbox_id) as oldest from pending`,
  ])
  const settled = (queue?.oldest ?? Number.MAX_SAFE_INTEGER) > context.lastInboxId
  // In a first load nothing is stored, and the inbox itself takes each message once.
  const maybeKnown = read.filter(
    ({ stated: { key, version } }) =>
      key !== null && (stored.has(key) || (version === null && !settled)),
  )
  const known = await loadKnown(
    tx,
    context.source,
    maybeKnown.map((r) => r.stated.messageId),
  )
  const decided = read.map(({ row, message, stated, restate }) => ({
    row,
    message,
    stated,
    restate,
    record: (stated.key && stored.get(stated.key)) || null,
    decision: decide(
      stated,
      known.get(stated.messageId) ?? null,
      (stated.key && stored.get(stated.key)) || null,
      settled,
    ),
  }))
  const contents = await loadContents(
    tx,
    decided.flatMap(({ row, record, decision }) =>
      record && (decision === 'COMPARE' || (row.deleted && row.record === null)) ? record.id : [],
    ),
  )
  const written = await loadWritten(
    tx,
    decided.flatMap((d) => (d.decision === 'COMPARE' ? (d.stated.key ?? []) : [])),
  )
  const nowMicros = Date.now() * 1_000
  const { reader } = context
  return decided.flatMap(({ row, message, stated, record, decision, restate }) => {
    const raw = record ? contents.get(record.id) : undefined
    const final: Decision =
      decision === 'COMPARE'
        ? compare(
            stated,
            known.get(stated.messageId) ?? null,
            { raw: raw ?? {}, written: written.get(stated.key ?? '') ?? [] },
            (r) => reader.map(reader.objectName(row.object) ?? row.object, r),
            nowMicros,
          )
        : decision
    if (final === 'SKIP') return []
    const restated: Restatement = {
      ...(final === 'ONCE' ? {} : { again: context.again }),
      ...(final === 'NOW' ? { arrival: true } : {}),
      ...(row.deleted && row.record === null && raw ? { stored: raw } : {}),
    }
    const plain = Object.keys(restated).length === 0
    return {
      ...(plain ? message : restate(restated)),
      source: context.source,
      correlationId: context.correlationOf(row),
      ...queueOf(context.reader, row.object),
    }
  })
}

async function loadKnown(
  tx: Transaction,
  source: string,
  messageIds: string[],
): Promise<Map<string, { inboxId: number }>> {
  if (messageIds.length === 0) return new Map()
  const rows = await tx<{ messageId: string; inboxId: number }[]>`
    select message_id as "messageId", id as "inboxId" from inbox
    where source = ${source} and message_id = any(${messageIds}::text[])`
  return new Map(rows.map((r) => [r.messageId, r]))
}

interface StoredRow {
  id: number
  key: string
  version: number
  tie: string
  deleted: boolean
  deletedTie: string | null
}

async function loadStored(
  tx: Transaction,
  keys: string[],
  reader: RowReader,
): Promise<Map<string, Stored>> {
  if (keys.length === 0) return new Map()
  const rows = await tx<StoredRow[]>`
    select id, key, version, tie, deleted, field_versions->' deleted'->>1 as "deletedTie"
    from source_record where key = any(${keys}::uuid[])`
  const byArrival = await loadUnversioned(
    tx,
    rows.filter((r) => r.deleted),
    reader,
  )
  return new Map(
    rows.map((r) => [
      r.key,
      {
        id: r.id,
        version: r.version,
        deleted: r.deleted,
        statedBy: arrivalOf(r.tie),
        deletedByArrival: byArrival.has(r.id),
      },
    ]),
  )
}

/** Returns the ids of deleted records whose deletion has no version of the source system. */
async function loadUnversioned(
  tx: Transaction,
  deleted: StoredRow[],
  reader: RowReader,
): Promise<Set<number>> {
  const byMessage = Map.groupBy(deleted, (r) => arrivalOf(r.deletedTie ?? r.tie) ?? 0)
  if (byMessage.size === 0) return new Set()
  const messages = await tx<
    { id: number; source: string; format: 'event' | 'row'; body: string; object: string | null }[]
  >`select id, source, format, body, object from inbox where id = any(${[...byMessage.keys()]}::bigint[])`
  const found = new Set<number>()
  for (const m of messages)
    for (const record of byMessage.get(m.id) ?? [])
      if (isUnversioned(m, record.key, reader)) found.add(record.id)
  return found
}

function isUnversioned(
  message: { source: string; format: 'event' | 'row'; body: string; object: string | null },
  key: string,
  reader: RowReader,
): boolean {
  try {
    const change = reader
      .read(message.format, message.body, message.object)
      .find((c) => recordKey(message.source, c.object, c.sourceId) === key)
    return change?.version === null
  } catch (e) {
    // A message that the mapping no longer reads has no version either.
    if (e instanceof MessageError) return true
    throw e
  }
}

async function loadContents(
  tx: Transaction,
  ids: number[],
): Promise<Map<number, Record<string, unknown>>> {
  if (ids.length === 0) return new Map()
  const rows = await tx<{ id: number; raw: Record<string, unknown> }[]>`
    select id, raw from source_record where id = any(${ids}::bigint[])`
  return new Map(rows.map((r) => [r.id, r.raw]))
}
