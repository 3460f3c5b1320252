import { setTimeout as sleep } from 'node:timers/promises'
import { missingScopeOfIssue } from '../../schema/hiddenFields.ts'
import { isOperational } from '../../schema/operational.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { isTransientDatabaseError } from '../db/isTransientDatabaseError.ts'
import { isLockTableFull, lockSlots } from '../db/locks.ts'
import { transaction } from '../db/transaction.ts'
import { appendChanges } from '../feed/append.ts'
import { claim, type Message, postpone, type Share, withdraw } from '../inbox/claim.ts'
import { saveNotCompared, settleNotCompared } from '../inbox/notCompared.ts'
import { outcomeOf, saveOutcomes, settleIncomplete } from '../inbox/outcomes.ts'
import { requeue } from '../inbox/requeue.ts'
import {
  forgetFeatures,
  saveMatched,
  saveRecords,
  saveStamps,
  type WholeRecord,
} from '../records/records.ts'
import { saveReferences } from '../records/references.ts'
import { isLive, newResolutionState } from '../resolution/context.ts'
import { references, referring } from '../resolution/referring.ts'
import { resolve } from '../resolution/resolve.ts'
import { saveSearchText } from '../search/saveSearchText.ts'
import { saveForeignGoldenIds } from '../tasks/foreignGoldenIds.ts'
import { syncHierarchyRings } from '../tasks/hierarchyRings.ts'
import { DEFAULT_RULES } from '../tasks/rules.ts'
import { syncFindings, type TaskContext } from '../tasks/syncFindings.ts'
import { syncValidationTasks } from '../tasks/tasks.ts'
import { syncUnknownGoldenIds } from '../tasks/unknownGoldenIds.ts'
import { markMembersDue } from '../writeback/due.ts'
import { type AppliedMessages, applyMessages } from './applyMessages.ts'
import { BatchSpans } from './batchSpans.ts'
import { asError, StepError } from './failure.ts'
import { saveOperational } from './operational.ts'
import { operationalEvents } from './operationalEvents.ts'
import { issuesOf, type Reader } from './ties.ts'

export interface Pipeline extends TaskContext {
  sql: Sql
  connectors: ReadonlyMap<string, Reader>
  /** A message that failed this often becomes an exception. */
  attemptsMax: number
  /** The share of this worker among several. */
  share?: Share | undefined
  /** Called with the error of a message that failed alone, before its next attempt. */
  onError(error: Error, inboxId: number): void
  /**
   * Called after each commit with its counts, the messages that left the queue, and the time of the
   * claim.
   */
  onCommitted?(applied: Applied, messages: readonly Message[], claimedAt: Date): void
}

/**
 * Returns the largest batch so that `workers` batches fit the server's lock table with room for
 * others. Each record locks itself, its old and new blocking keys and its golden records.
 */
export async function batchRowsMax(sql: Sql, workers: number, wanted: number): Promise<number> {
  return Math.max(
    1,
    Math.min(wanted, Math.floor((await lockSlots(sql)) / 2 / workers / locksPerRecord)),
  )
}
const locksPerRecord = 28

/** Counts of committed results. Each message of a call counts once. */
export interface Applied {
  claimed: number
  applied: number
  skipped: number
  exceptions: number
  /** Messages put back into the queue after an error. */
  postponed: number
}
/** The scopes of everybody: a stored reason is read by callers with different ones. */
const NO_SCOPES: ReadonlySet<string> = new Set()
const NOTHING: Applied = { claimed: 0, applied: 0, skipped: 0, exceptions: 0, postponed: 0 }

/**
 * Applies the next waiting messages, at most `rowsMax`, in one transaction: from the inbox to
 * golden records and events. If a batch fails, its halves are tried, down to the one message that
 * cannot be applied, so the rest is not delayed. A deadlock that outlasts the retries of
 * `transaction` counts as a failure: a message that always deadlocks would never become an
 * exception otherwise. Throws only if the database is unavailable. A batch that ends its connection
 * again and again, while the database answers, fails like any other.
 */
export async function applyPending(
  pipeline: Pipeline,
  rowsMax: number,
  only: number[] | null = null,
): Promise<Applied> {
  const spans = new BatchSpans()
  let messages: Message[] = []
  let claimedAt = new Date()
  let done: Applied
  try {
    done = await spans.record(() =>
      transaction(pipeline.sql, async (tx) => {
        messages = []
        spans.step = 'claiming'
        messages = await claim(tx, rowsMax, only, pipeline.share)
        claimedAt = new Date()
        return await applyBatch(tx, pipeline, messages, spans)
      }),
    )
  } catch (error) {
    const inboxIds = messages.map((m) => m.inboxId)
    const [first] = inboxIds
    if (first === undefined) throw error
    if (isAway(error) && !(await endsItsConnection(pipeline, error, first, only !== null)))
      throw error
    if (inboxIds.length === 1) return await setAside(pipeline, first, error, spans.step, claimedAt)
    const middle = inboxIds.length >> 1
    const halves = [inboxIds.slice(0, middle), inboxIds.slice(middle)]
    const [a, b] = [
      await applyPending(pipeline, rowsMax, halves[0]),
      await applyPending(pipeline, rowsMax, halves[1]),
    ]
    return {
      claimed: a.claimed + b.claimed,
      applied: a.applied + b.applied,
      skipped: a.skipped + b.skipped,
      exceptions: a.exceptions + b.exceptions,
      postponed: a.postponed + b.postponed,
    }
  }
  if (messages.length > 0) {
    if (only === null) losses.delete(pipeline)
    pipeline.onCommitted?.(done, messages, claimedAt)
  }
  return done
}

/** The server ends a connection so when one statement crashes it or needs too much memory. */
const LOST =
  /^(08(?!P01)...|57P0[12]|53200|CONNECTION_CLOSED|CONNECTION_DESTROYED|ECONNRESET|EPIPE)$/
/** Connections that a batch may lose one after the other before its messages are tried apart. */
const lossesMax = 4
/** A server that crashed replays its log before it answers again. */
const answerMsMax = 10_000
/** The batch that lost the last connections of a pipeline, by its first message. */
const losses = new WeakMap<Pipeline, { first: number; times: number }>()

/**
 * Returns true if a batch has lost several connections in a row, and the database answers without
 * it. One message that always crashes its connection would block all others for ever. `isPart`: the
 * message is being searched already.
 */
async function endsItsConnection(
  pipeline: Pipeline,
  error: unknown,
  first: number,
  isPart: boolean,
): Promise<boolean> {
  if (!(error instanceof Error && 'code' in error && LOST.test(String(error.code)))) return false
  const before = losses.get(pipeline)
  const times = isPart ? (before?.times ?? 0) : before?.first === first ? before.times + 1 : 1
  if (!isPart) losses.set(pipeline, { first, times })
  if (times < lossesMax) return false
  for (const until = Date.now() + answerMsMax; Date.now() < until; await sleep(200))
    try {
      await pipeline.sql`select 1`
      return true
    } catch (e) {
      if (!isTransientDatabaseError(e)) throw e
    }
  return false
}

/**
 * Returns true if the database itself fails, so no message is at fault. A full lock table is the
 * batch's fault: half of the batch takes half the locks, and one message that needs more than there
 * are would block all others for ever.
 */
function isAway(error: unknown): boolean {
  return isTransientDatabaseError(error) && !isLockTableFull(error)
}

/**
 * Path 1 on one screen. Up to `appendChanges` it waits only for transactions that touch the same
 * things.
 */
async function applyBatch(
  tx: Transaction,
  pipeline: Pipeline,
  messages: Message[],
  spans: BatchSpans,
): Promise<Applied> {
  spans.step = 'folding'
  const arrived = await applyMessages(tx, pipeline.connectors, messages)
  Object.assign(spans, { messages, events: [] })
  const { settled } = await masterRecords(tx, pipeline, arrived, spans)
  await saveForeignGoldenIds(tx, pipeline.connectors, arrived.records)
  const outcomes = arrived.outcomes.filter((o) => !settled.has(o.inboxId))
  const exceptions = outcomes.filter((o) => o.outcome === 'EXCEPTION').length
  const skipped = outcomes.length - exceptions
  return {
    claimed: messages.length,
    applied: messages.length - outcomes.length,
    skipped,
    exceptions,
    postponed: 0,
  }
}

/**
 * Resolves locked source records to golden records and events and writes all of it. Returns the
 * number of events, and the messages that are no exceptions any more because their records became
 * complete.
 */
export async function masterRecords(
  tx: Transaction,
  pipeline: TaskContext,
  { records, unchanged, restamped, outcomes }: AppliedMessages,
  spans = new BatchSpans(),
): Promise<{ events: number; settled: ReadonlySet<number> }> {
  const state = newResolutionState()
  for (const r of [...records, ...unchanged]) state.causes.set(r.record.key, r.cause)
  for (const { record, stored } of records)
    if (stored) state.canonicalBefore.set(record.key, stored.canonical)

  // Records without a golden type depend on nothing, so they are written before contended locks are
  // taken.
  const whole = records.map((r) => r.record)
  const [mastered, plain] = [
    whole.filter((r) => pipeline.engines.has(r.type)),
    whole.filter((r) => !pipeline.engines.has(r.type)),
  ]
  spans.step = 'saving'
  await Promise.all([saveRecords(tx, plain), ...saveByType(tx, plain), saveStamps(tx, restamped)])

  for (const type of pipeline.policy.types) {
    spans.step = `resolving ${type.name}`
    const own = records.map((r) => r.record).filter((r) => r.type === type.name)
    // An unchanged record is locked too, so other transactions leave its references to this one.
    if (type.resolvesAfter.length > 0)
      own.push(...unchanged.map((r) => r.record).filter((r) => r.type === type.name))
    const touched = [...own, ...(await referring(tx, pipeline, type, state, own))]
    if (touched.length > 0) await resolve(tx, pipeline, type, touched, state)
  }
  spans.step = 'saving'
  await syncFindings(tx, pipeline, state.findings)
  const ids = new Set(mastered.map((r) => r.id))
  await settleNotCompared(tx, [...ids])
  await Promise.all([
    saveRecords(tx, mastered),
    saveMatched(
      tx,
      [...state.changedRecords.values()].filter((r) => !ids.has(r.id)),
      state.keyedIds,
    ),
    saveReferences(
      tx,
      mastered.flatMap((r) => references(pipeline, r)),
    ),
    saveOutcomes(tx, outcomes),
    // A statement that changes no field may still show that the system has changed a written value back.
    markMembersDue(tx, [...mastered, ...restamped, ...unchanged.map((r) => r.record)]),
  ])
  await forgetFeatures(tx, state.brokenIds)
  await saveNotCompared(tx, state.notCompared)
  // After the outcomes, so that the exception of an incomplete version in this batch is settled
  // too.
  const settled = await settleIncomplete(
    tx,
    records.filter((r) => r.settled).map((r) => r.record),
  )
  await syncValidationTasks(
    tx,
    pipeline.rules ?? DEFAULT_RULES,
    (type, field) => {
      const found = pipeline.policy.types.find((t) => t.name === type)
      return !!found && missingScopeOfIssue(pipeline.policy, found, field, NO_SCOPES) !== null
    },
    [
      ...mastered.map((r) => ({ ...r, issues: isLive(r) ? (r.issues ?? []) : [] })),
      // For an operational object only a doubt about its latest statement needs a person.
      ...records
        .filter((r) => r.doubted && !pipeline.engines.has(r.record.type))
        .map(({ record }) => ({ ...record, issues: issuesOf({ issues: [] }, record.tied) })),
    ],
  )
  await syncUnknownGoldenIds(
    tx,
    pipeline.rules ?? DEFAULT_RULES,
    records
      .filter((r) => pipeline.engines.has(r.record.type))
      .map(({ record, stored }) => ({
        key: record.key,
        statedGolden: record.statedGolden,
        before: stored?.type === record.type ? stored.statedGolden : undefined,
      })),
  )
  await requeue(tx, state.deferredInboxIds)
  const operational = await operationalEvents(
    tx,
    pipeline.systems,
    pipeline.policy.version,
    records.filter((r) => !pipeline.engines.has(r.record.type)),
  )
  await syncHierarchyRings(tx, pipeline, state, true)
  spans.step = 'writing the words of search'
  await saveSearchText(tx, pipeline.policy, state.events)
  spans.step = 'appending to the feed'
  // After the golden events, so that a customer comes before its first invoice.
  const events = [...state.events, ...operational]
  if (events.length > 0) await appendChanges(tx, events)
  spans.events = events
  spans.step = 'committing'
  return { events: events.length, settled: new Set(settled) }
}

/** Writes operational objects to their tables. */
function saveByType(tx: Transaction, records: WholeRecord[]): Promise<void>[] {
  return [...Map.groupBy(records, (r) => r.type)].flatMap(([type, rows]) =>
    isOperational(type)
      ? saveOperational(
          tx,
          type,
          rows.map((r) => ({
            recordId: r.id,
            deleted: r.deleted || !r.complete,
            fields: r.canonical,
          })),
        )
      : [],
  )
}

/**
 * Puts one failed message back into the queue with a delay; the last attempt makes it an exception.
 * Counts nothing if another worker holds it.
 */
async function setAside(
  pipeline: Pipeline,
  inboxId: number,
  error: unknown,
  step: string,
  claimedAt: Date,
): Promise<Applied> {
  pipeline.onError(asError(error), inboxId)
  const { message: detail } = error instanceof StepError ? error : new StepError(step, error)
  let settled: Message[] = []
  const attempt = async (tx: Transaction, last: boolean): Promise<Applied> => {
    settled = []
    const attempts = await postpone(tx, inboxId)
    if (attempts === null) return NOTHING
    if (attempts < pipeline.attemptsMax || !last) return { ...NOTHING, claimed: 1, postponed: 1 }
    const message = await withdraw(tx, inboxId)
    if (!message) return NOTHING
    await saveOutcomes(tx, [outcomeOf(message, 'EXCEPTION', 'NOT_APPLICABLE', detail, {})])
    settled = [message]
    return { ...NOTHING, claimed: 1, exceptions: 1 }
  }
  let done: Applied
  try {
    done = await transaction(pipeline.sql, (tx) => attempt(tx, true))
  } catch (failed) {
    if (isAway(failed)) throw failed
    // The exception could not be stored. The message stays in the queue, so it is not lost and
    // blocks nothing.
    pipeline.onError(asError(failed), inboxId)
    done = await transaction(pipeline.sql, (tx) => attempt(tx, false))
  }
  if (done.claimed > 0) pipeline.onCommitted?.(done, settled, claimedAt)
  return done
}
