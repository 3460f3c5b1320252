import { ConnectionError, type RequestCounts } from '../../../connectors/connection/contract.ts'
import type { EventStream, StreamPage } from '../../../connectors/connection/stream/contract.ts'
import type { Connector } from '../../../connectors/contract.ts'
import { laneOf, queueOf } from '../../../connectors/queueOf.ts'
import type { Sql } from '../../db/database.ts'
import { transaction } from '../../db/transaction.ts'
import { acceptDeliveryWithin, addHints } from '../hints/addHints.ts'
import { type ClaimedObject, leaseMs } from '../lease.ts'
import { type Completed, type RunResult, recordRun, runClaim } from '../runObject.ts'
import { beginRun, type Run } from '../runs.ts'
import type { SharedTools } from '../scheduler.ts'
import { countPage, lockObject } from '../storePage.ts'

export interface StreamTools {
  stream: EventStream
  connector: Connector
  /** The objects that are pulled: they are read on where events were lost. */
  objects: readonly string[]
  counts: RequestCounts
}

/**
 * Reads the stream of a source system until it is stopped or fails. Events are stored with the
 * position after them. Where the system no longer has the position, the stream begins with the
 * oldest event and every object is pulled at once. Throws only where the database is away.
 */
export async function runStream(
  tools: StreamTools,
  shared: SharedTools,
  claimed: ClaimedObject,
  signal: AbortSignal,
): Promise<RunResult> {
  const { sql } = shared
  return await runClaim(sql, claimed, signal, async (own) => {
    const run = (from: ClaimedObject['position']) =>
      recordRun(
        { sql, connection: { counts: () => ({ ...tools.counts }) } },
        beginRun(sql, claimed.lease, 'DELTA'),
        own,
        (begun) => readStream(tools, shared, begun, from, own),
      )
    try {
      return await run(claimed.position)
    } catch (e) {
      if (!(e instanceof ConnectionError && e.verdict === 'GONE') || !claimed.position) throw e
      return await run(await beginAgain(sql, tools, claimed))
    }
  })
}

/** Never returns: a stream that ends is connected again. */
async function readStream(
  tools: StreamTools,
  shared: SharedTools,
  run: Run,
  from: ClaimedObject['position'],
  signal: AbortSignal,
): Promise<Completed> {
  const { stream, connector } = tools
  for await (const page of stream.read(from, signal)) {
    tools.counts.requests++
    const messages = messagesOf(tools, page)
    for (const lane of new Set(messages.map((m) => laneOf(connector, m.object))))
      await shared.backlog.pass(lane, signal)
    signal.throwIfAborted()
    await storePage(shared.sql, run, page, messages)
  }
  throw new Error(`the stream ${stream.topic} of ${stream.source} ended by itself`)
}

function messagesOf({ stream, connector }: StreamTools, { events }: StreamPage) {
  const correlationId = crypto.randomUUID()
  return events.flatMap((event) =>
    connector.split(stream.bodyOf(event), null, event.id, {}).map((message) => ({
      ...message,
      ...{ source: stream.source, correlationId },
      ...queueOf(connector, message.object),
    })),
  )
}

async function storePage(
  sql: Sql,
  run: Run,
  { events, position }: StreamPage,
  messages: ReturnType<typeof messagesOf>,
): Promise<void> {
  const { lease } = run
  await transaction(sql, async (tx) => {
    await lockObject(tx, lease)
    const { accepted, lastId } = await acceptDeliveryWithin(tx, messages)
    await tx`
      update sync_state set position = ${tx.json({ ...position })}, position_at = clock_timestamp(),
        expires_at = ${position.expiresAt === null ? null : new Date(position.expiresAt)}, rows = rows + ${events.length},
        attempts = 0, failed_since = null, code = null, detail = null, verdict = null, rescan_since = null,
        state = 'RUNNING', success_at = clock_timestamp(), inbox_id = greatest(inbox_id, ${lastId ?? 0}::bigint),
        leased_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000})
      where source = ${lease.source} and object = ${lease.object}`
    await countPage(tx, run, events.length, { messages: accepted, deletions: 0 })
  })
}

/** Forgets the position and lets every object be pulled, in one transaction. */
async function beginAgain(
  sql: Sql,
  { stream, objects }: StreamTools,
  { lease }: ClaimedObject,
): Promise<ClaimedObject['position']> {
  const position = stream.earliest()
  await transaction(sql, async (tx) => {
    await lockObject(tx, lease)
    const correlationId = crypto.randomUUID()
    const { source } = lease
    await addHints(
      tx,
      objects.map((object) => ({ ...{ source, object, id: null, gone: false }, correlationId })),
    )
    await tx`
      update sync_state set position = ${tx.json({ ...position })}, position_at = clock_timestamp(), code = 'POSITION_EXPIRED',
        detail = 'the system no longer has the position of the stream: it begins with the oldest event, and every object is pulled'
      where source = ${lease.source} and object = ${lease.object}`
  })
  return position
}
