import type { InboundMessage } from '../../connectors/contract.ts'
import { laneOf } from '../../connectors/queueOf.ts'
import { leaseMs } from '../connections/lease.ts'
import { type ReadRow, stateOf } from '../connections/readRows.ts'
import { countPage, storeRows } from '../connections/storePage.ts'
import type { FileBatch } from '../ingest/load.ts'
import { type FileRunContext, fenced } from './context.ts'
import type { Delivery } from './deliveries.ts'

/**
 * Puts the rows of a batch into the inbox and stores the position after them, in one transaction.
 * A row whose record has that content already is no new message; one that returns to an earlier
 * content is.
 */
export async function storeRowsOfFile(
  context: FileRunContext,
  delivery: Delivery,
  batch: FileBatch,
  readRow: MessageReader,
  signal: AbortSignal,
): Promise<void> {
  const { shared, reader, run } = context
  const rows = batch.messages.map(readRow)
  await shared.backlog.pass(laneOf(reader, run.lease.object), signal)
  const stored = await fenced(context, async (tx, lastInboxId) => {
    const { lease } = run
    const result = await storeRows(tx, lease, reader, rows, {
      lastInboxId,
      measured: true,
      correlationId: delivery.correlationId,
    })
    await tx`
      update file_delivery set rows = ${batch.rows}, messages = messages + ${result.messages} where id = ${delivery.id}`
    await tx`
      update sync_state set rows = rows + ${rows.length}, attempts = 0, inbox_id = greatest(inbox_id, ${result.lastId}::bigint),
        leased_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000})
      where source = ${lease.source} and object = ${lease.object}`
    await countPage(tx, run, rows.length, result)
    return result
  })
  shared.onProgress?.({
    ...{ source: run.lease.source, object: run.lease.object, mode: run.mode },
    ...{ pages: 0, rows: batch.rows, messages: stored.messages, deletions: stored.deletions },
    ...{ announced: null, waiting: false, note: null },
  })
}

/** Reads what a message states; each message once. */
export type MessageReader = (message: InboundMessage) => ReadRow

export function createMessageReader({ shelf, reader, own }: FileRunContext): MessageReader {
  const known = new WeakMap<InboundMessage, ReadRow>()
  return (message) => {
    const before = known.get(message)
    if (before) return before
    const stated =
      message.format === 'row'
        ? stateOf(shelf.source, reader, message.object ?? own.object, message)
        : { messageId: message.messageId, key: null, version: null, deleted: false, raw: {} }
    const row: ReadRow = {
      row: {
        object: message.object ?? own.object,
        id: message.messageId,
        version: null,
        deleted: stated.deleted,
        record: {},
      },
      message,
      stated,
      restate: ({ again }) =>
        again === undefined ? message : { ...message, messageId: `${message.messageId}@${again}` },
    }
    known.set(message, row)
    return row
  }
}
