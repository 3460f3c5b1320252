import {
  type Connection,
  ConnectionError,
  type PulledRow,
  type Verdict,
} from '../../connectors/connection/contract.ts'
import type { WriteAbility, WrittenRecord } from '../../connectors/connection/writing.ts'
import { readAt } from '../../connectors/mapping/rawPath.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { LeaseLost } from '../connections/lease.ts'
import type { RowReader } from '../connections/readRows.ts'
import { retryAt } from '../connections/retryAt.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { isTransientDatabaseError } from '../db/isTransientDatabaseError.ts'
import { transaction } from '../db/transaction.ts'
import { isSameValue } from './sameValue.ts'
import {
  beginSending,
  endConflict,
  endDone,
  endRefused,
  noteUnknown,
  type Problem,
  putBack,
  type SendableIntent,
  stateRow,
} from './sentIntent.ts'
import type { Target, TargetMapping } from './target.ts'
import type { TargetLease } from './targetLease.ts'
import { mayBeHeld } from './undecided.ts'

export interface SendTools {
  sql: Sql
  lease: TargetLease
  connection: Pick<Connection, 'read' | 'writing'>
  reader: RowReader
  target: Pick<Target, 'types'> & { mapping: Pick<TargetMapping, 'map'> }
  /**
   * How long after a request of unknown outcome its effect may still come, in ms. A create that
   * nothing makes harmless is not repeated before.
   */
  settleMs: number
}

/**
 * What an attempt says about the target as a whole. WORKS: it answers. FAILS: it does not, or not
 * now, until `notBefore` (ms since 1970; null: it does not say).
 */
export type Attempt =
  | { target: 'WORKS' }
  | { target: 'FAILS'; problem: Problem; notBefore: number | null }

const WORKS: Attempt = { target: 'WORKS' }

/** Verdicts about the target or its credential, not about the one write. */
const OF_TARGET: ReadonlySet<Verdict> = new Set(['RETRY', 'WAIT', 'SIGN_IN', 'FORBIDDEN', 'CLOSED'])

/**
 * Sends one intent and stores what came of it. One whose outcome is unknown is looked for first. A
 * record that has changed since the plan is a conflict. Throws LeaseLost, and errors of the database
 * and of the program; then the intent stays SENT, and the next holder of the lease asks for it.
 */
export async function sendIntent(
  tools: SendTools,
  intent: SendableIntent,
  signal: AbortSignal,
): Promise<Attempt> {
  const ability = tools.connection.writing.abilityOf(intent.object)
  if (!ability) {
    const detail = `connection.yaml of ${tools.lease.source} has no write: for ${intent.object}`
    return await refuse(tools, intent, { code: 'NOT_WRITABLE', detail, verdict: null })
  }
  try {
    const now = await lookBefore(tools, intent, ability, signal)
    return now.ended ?? (await send(tools, now.again, now.row, signal))
  } catch (e) {
    // Nothing was sent: the question before the write failed.
    if (!(e instanceof ConnectionError)) throw e
    return await fail(
      tools,
      intent,
      e,
      intent.state === 'UNKNOWN' ? 'UNKNOWN' : 'NOT_APPLIED',
      signal,
    )
  }
}

/** The intent to send with the record as it is, or how it ended without being sent. */
type Before = { ended: Attempt } | { ended: null; again: SendableIntent; row: PulledRow | null }

async function lookBefore(
  tools: SendTools,
  intent: SendableIntent,
  ability: WriteAbility,
  signal: AbortSignal,
): Promise<Before> {
  if (intent.operation === 'CREATE')
    return intent.state === 'UNKNOWN'
      ? await lookForCreated(tools, intent, ability, signal)
      : { ended: null, again: intent, row: null }
  const { sourceId, object } = intent
  const row = sourceId === null ? null : await tools.connection.read(object, sourceId, signal)
  const { record } = row ?? {}
  if (!row || !record || row.deleted) {
    const detail = `${tools.lease.source} has no ${object} ${sourceId ?? ''} any more`
    return { ended: await refuse(tools, intent, { code: 'RECORD_GONE', detail, verdict: null }) }
  }
  const found = differences(tools.target.mapping, intent, record)
  // What was sent once may have come late, so it is no statement of the system.
  if (found.isThere) return { ended: await done(tools, intent, row, intent.attempts > 0) }
  if (intent.state === 'UNKNOWN' && found.isFormer) {
    const isHarmless = !Object.keys(intent.values).some((path) => ability.addsElement(path))
    const settleMs = isHarmless ? Math.min(tools.settleMs, updateSettleMsMax) : tools.settleMs
    const settledAt = (intent.sentAt?.getTime() ?? 0) + settleMs
    if (Date.now() < settledAt) {
      await inTransaction(tools, (tx) =>
        noteUnknown(tx, tools.lease, intent, notApplied(tools), settledAt),
      )
      return { ended: WORKS }
    }
    return { ended: null, again: { ...intent, key: crypto.randomUUID() }, row }
  }
  if (!found.isFormer) return { ended: await conflict(tools, intent, changedSince(intent), row) }
  return { ended: null, again: intent, row }
}

/** An update without new elements is harmless when it comes twice, so it does not wait long. */
const updateSettleMsMax = 5_000

async function lookForCreated(
  tools: SendTools,
  intent: SendableIntent,
  ability: WriteAbility,
  signal: AbortSignal,
): Promise<Before> {
  const { connection, lease } = tools
  const again: Before = { ended: null, again: intent, row: null }
  const sinceMs = Date.now() - (intent.sentAt?.getTime() ?? 0)
  const firstMs = Date.now() - (intent.firstSentAt?.getTime() ?? 0)
  if (ability.find) {
    const row = await connection.writing.find(intent.object, intent.goldenId, signal)
    if (row) return { ended: await done(tools, intent, row, true) }
  }
  // The first attempt may have made it; a further one must not, if the target has the thing already.
  const mayRepeat = !(await inTransaction(tools, (tx) =>
    mayBeHeld(tx, intent.goldenId, lease.source, objectsOf(tools, intent)),
  ))
  if (mayRepeat && ability.once.by === 'UPSERT') return again
  const isKnown = ability.once.by === 'KEY' && firstMs < ability.once.onceMs
  if (mayRepeat && isKnown && intent.attempts < sameKeyAttemptsMax) return again
  if (!ability.find) {
    const detail = `${lease.source} cannot be asked whether it created ${intent.object} for ${intent.goldenId}: look there, then release the write`
    return {
      ended: await refuse(tools, intent, { code: 'OUTCOME_UNKNOWN', detail, verdict: null }),
    }
  }
  const settleMs = Math.max(tools.settleMs, 2 * ability.find.lagMs)
  if (sinceMs < settleMs) {
    const problem = {
      ...notApplied(tools),
      detail: 'the record is not there yet: it is looked for again',
    }
    const at = Date.now() + Math.min(settleMs - sinceMs, settleMs / 3 + 1)
    await inTransaction(tools, (tx) => noteUnknown(tx, lease, intent, problem, at))
    return { ended: WORKS }
  }
  // It is planned again: its golden record may have a record there by now, or be merged.
  return { ended: await back(tools, intent, notApplied(tools), Date.now()) }
}

/** Returns the objects in which the target may hold the thing. */
function objectsOf({ target }: SendTools, { type, object }: SendableIntent): readonly string[] {
  return target.types.get(type)?.objects ?? [object]
}

/** A key is sent again this often. Then the system has stored a failure under it. */
const sameKeyAttemptsMax = 4

async function send(
  tools: SendTools,
  intent: SendableIntent,
  row: PulledRow | null,
  signal: AbortSignal,
): Promise<Attempt> {
  const { lease, connection } = tools
  const objects = objectsOf(tools, intent)
  const isOurs = await inTransaction(tools, (tx) => beginSending(tx, lease, intent, objects))
  if (!isOurs) return WORKS
  const { object, sourceId, values, goldenId, key, attempts } = intent
  let written: WrittenRecord
  try {
    const write = { object, id: sourceId, values, goldenId, key, expected: row }
    written = await connection.writing.write(write, signal)
  } catch (e) {
    if (e instanceof ConnectionError) return await fail(tools, intent, e, e.outcome, signal, row)
    if (e instanceof LeaseLost || signal.aborted || isTransientDatabaseError(e)) throw e
    const problem = {
      code: 'INTERNAL',
      detail: 'the write failed within the program',
      verdict: null,
    }
    await inTransaction(tools, (tx) =>
      noteUnknown(tx, lease, intent, problem, Date.now() + tools.settleMs),
    )
    throw e
  }
  const certain = written.created || intent.operation === 'UPDATE' || attempts > 0
  const after = certain
    ? written.row
    : (written.row ?? (await readFound(tools, object, written.id, signal)))
  // A record that was found may be that of an earlier request, or of somebody else.
  const isOwn =
    certain || (!!after?.record && differences(tools.target.mapping, intent, after.record).isThere)
  await inTransaction(tools, async (tx) => {
    await endDone(tx, lease, intent, written.id, isOwn)
    if (after) await stateRow(tx, lease.source, tools.reader, after)
  })
  return WORKS
}

/** Reads a record that a create found; null where it cannot be read now, so that it is nobody's. */
async function readFound(
  { connection }: SendTools,
  object: string,
  id: string,
  signal: AbortSignal,
): Promise<PulledRow | null> {
  try {
    return await connection.read(object, id, signal)
  } catch (e) {
    if (e instanceof ConnectionError) return null
    throw e
  }
}

/** Compares a record with what the plan wants and what it expects, by raw and canonical values. */
function differences(
  mapping: SendTools['target']['mapping'],
  intent: SendableIntent,
  record: Record<string, unknown>,
): { isThere: boolean; isFormer: boolean } {
  const fields = mapping.map(intent.object, record)
  const result = { isThere: true, isFormer: true }
  for (const [path, value] of Object.entries(intent.values)) {
    const now = readAt(record, path)
    if (!isSameValue(now, value)) result.isThere = false
    if (!isSameValue(now, ownValue(intent.former, path))) result.isFormer = false
  }
  const changes = Object.entries(intent.changes)
  if (changes.length === 0) return result
  // The same value in another spelling is no change by somebody else.
  return {
    isThere:
      result.isThere || changes.every(([f, { after }]) => isSameValue(ownValue(fields, f), after)),
    isFormer:
      result.isFormer ||
      changes.every(([f, { before }]) => isSameValue(ownValue(fields, f), before)),
  }
}

async function fail(
  tools: SendTools,
  intent: SendableIntent,
  e: ConnectionError,
  outcome: ConnectionError['outcome'],
  signal: AbortSignal,
  row: PulledRow | null = null,
): Promise<Attempt> {
  const problem = { code: e.code, detail: e.message, verdict: e.verdict }
  const attempt: Attempt = OF_TARGET.has(e.verdict)
    ? { target: 'FAILS', problem, notBefore: e.notBefore }
    : WORKS
  if (outcome === 'UNKNOWN') {
    const at = Math.max(
      e.notBefore ?? 0,
      Date.now() + unknownPauseMs * 2 ** Math.min(intent.attempts, 6),
    )
    await inTransaction(tools, (tx) => noteUnknown(tx, tools.lease, intent, problem, at))
    return { target: 'FAILS', problem, notBefore: e.notBefore }
  }
  if (attempt.target === 'FAILS') {
    const at = retryAt(e.verdict, 1, e.notBefore, Date.now())
    return {
      ...(await back(
        tools,
        intent,
        problem,
        e.verdict === 'RETRY' ? Date.now() + unknownPauseMs : at,
      )),
      ...attempt,
    }
  }
  if (e.verdict === 'CONFLICT' && row) return await afterConflict(tools, intent, problem, signal)
  if (e.verdict === 'CONFLICT') return await conflict(tools, intent, problem, row)
  return await refuse(tools, intent, problem)
}
const unknownPauseMs = 500

/**
 * Looks at a record whose system says that it has changed. A proxy that repeats a request, or the
 * program after an answer that was lost, meets the version that the first request made: then the
 * values are there, and are ours. Taken for a statement of the system they would be evidence (I11).
 */
async function afterConflict(
  tools: SendTools,
  intent: SendableIntent,
  problem: Problem,
  signal: AbortSignal,
): Promise<Attempt> {
  let now: PulledRow | null
  try {
    now = await tools.connection.read(intent.object, intent.sourceId ?? '', signal)
  } catch (e) {
    if (!(e instanceof ConnectionError)) throw e
    return await fail(tools, intent, e, 'UNKNOWN', signal)
  }
  const isOurs =
    now?.record && !now.deleted && differences(tools.target.mapping, intent, now.record).isThere
  return isOurs && now
    ? await done(tools, intent, now, true)
    : await conflict(tools, intent, problem, now)
}

async function done(
  tools: SendTools,
  intent: SendableIntent,
  row: PulledRow,
  isOurs: boolean,
): Promise<Attempt> {
  await inTransaction(tools, async (tx) => {
    await endDone(tx, tools.lease, intent, row.id, isOurs)
    await stateRow(tx, tools.lease.source, tools.reader, row)
  })
  return WORKS
}

async function conflict(
  tools: SendTools,
  intent: SendableIntent,
  problem: Problem,
  row: PulledRow | null,
): Promise<Attempt> {
  await inTransaction(tools, async (tx) => {
    const stated = row && (await stateRow(tx, tools.lease.source, tools.reader, row))
    await endConflict(tx, tools.lease, intent, problem, stated)
  })
  return WORKS
}

async function refuse(
  tools: SendTools,
  intent: SendableIntent,
  problem: Problem,
): Promise<Attempt> {
  await inTransaction(tools, (tx) => endRefused(tx, tools.lease, intent, problem))
  return WORKS
}

async function back(
  tools: SendTools,
  intent: SendableIntent,
  problem: Problem,
  notBefore: number,
): Promise<Attempt> {
  await inTransaction(tools, (tx) => putBack(tx, tools.lease, intent, problem, notBefore))
  return WORKS
}

function notApplied({ lease }: SendTools): Problem {
  return {
    code: 'NOT_APPLIED',
    detail: `${lease.source} has not applied it, as a read shows`,
    verdict: null,
  }
}

function changedSince(intent: SendableIntent): Problem {
  return {
    code: 'CHANGED_SINCE',
    detail: `${intent.object} ${intent.sourceId ?? ''} has other values than when the write was planned`,
    verdict: 'CONFLICT',
  }
}

async function inTransaction<T>(
  { sql }: SendTools,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return await transaction(sql, work)
}
