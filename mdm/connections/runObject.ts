import {
  type Connection,
  ConnectionError,
  type PullPosition,
  type RequestCounts,
} from '../../connectors/connection/contract.ts'
import type { Sql } from '../db/database.ts'
import { isTransientDatabaseError } from '../db/isTransientDatabaseError.ts'
import { takeCensus } from './census.ts'
import { removeBefore } from './hints/dueHints.ts'
import { type HintsEnded, planHints, removeWhole, tryHints } from './hints/hintsOfRun.ts'
import { settleHinted } from './hints/settleHints.ts'
import { holdLease } from './holdLease.ts'
import { type ClaimedObject, type Lease, LeaseLost } from './lease.ts'
import { type PullTools, pullObject } from './pullObject.ts'
import type { RowReader } from './readRows.ts'
import { retryAt } from './retryAt.ts'
import { beginRun, endRun, type Problem, type Run } from './runs.ts'
import {
  delayCensus,
  saveCensus,
  settleAbsent,
  settleDone,
  settleFailed,
  settleGone,
  settleStopped,
} from './settle.ts'

export interface RunTools extends PullTools {
  /** How often each object is read, in ms. */
  everyMs: number
  /** How often a census is taken of an object whose deletions are found by one alone, in ms. */
  censusEveryMs: number
}

/** Reason of a signal that stops runs. They go on from their last page. */
export class RunStopped extends Error {}

/** What a complete run asks of a person, and when the next one is due, in ms. */
export interface Completed {
  asks: Problem | null
  /** What a complete run did in another way than usual, or left to the next one. */
  note?: Problem | null
  /** Null where the next one is due as before, because hints alone were read. */
  dueMs: number | null
  hints?: HintsEnded
}

const NO_HINTS: HintsEnded = { read: null, problem: null }

/**
 * How a claim ended. FENCED: a person paused it, or another process holds it. ABSENT: its system
 * does not have the object.
 */
export type RunResult =
  | { ended: 'DONE'; asks: Problem | null; note: Problem | null; hints: HintsEnded }
  | { ended: 'FAILED'; problem: Problem; dueAt: number }
  | { ended: 'ABSENT'; problem: Problem }
  | { ended: 'STOPPED' | 'FENCED' }

/**
 * Pulls a claimed object once and takes a census where one is due, then ends the claim. A position
 * that has expired is forgotten, visibly, and the object is read as a whole. Throws only where the
 * database is away; then the lease expires.
 */
export async function runObject(
  tools: RunTools,
  claimed: ClaimedObject,
  signal: AbortSignal,
): Promise<RunResult> {
  const isOptional = tools.connection.isOptional?.(claimed.lease.object)
  return await runClaim(
    tools.sql,
    claimed,
    signal,
    (own) => runClaimed(tools, claimed, own),
    isOptional,
  )
}

/**
 * Does the work of a claim while the lease is renewed, then ends the claim. Throws only where the
 * database is away; then the lease expires.
 */
export async function runClaim(
  sql: Sql,
  claimed: ClaimedObject,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Completed>,
  isOptional = false,
): Promise<RunResult> {
  const { lease } = claimed
  try {
    const done = await holdLease(sql, lease, signal, work)
    const { asks, note = null, dueMs, hints = NO_HINTS } = done
    if (dueMs === null) await settleHinted(sql, lease)
    else await settleDone(sql, lease, dueMs, asks, note)
    return { ended: 'DONE', asks, note, hints }
  } catch (e) {
    if (e instanceof LeaseLost) return { ended: 'FENCED' }
    if (isTransientDatabaseError(e)) throw e
    if (e instanceof RunStopped || signal.aborted) {
      await unlessFenced(() => settleStopped(sql, lease))
      return { ended: 'STOPPED' }
    }
    if (isOptional && isAbsent(claimed, e)) return await endAbsent(sql, lease, problemOf(e))
    return await fail(sql, claimed, e)
  }
}

/**
 * Returns whether a system does not seem to have an object. One that was ever read is there: its
 * permission was taken away, which is a failure.
 */
function isAbsent({ position, successAt }: ClaimedObject, error: unknown): boolean {
  const isRefused = error instanceof ConnectionError && error.verdict === 'FORBIDDEN'
  return isRefused && position === null && successAt === null
}

async function endAbsent(sql: Sql, lease: Lease, found: Problem): Promise<RunResult> {
  const problem = {
    ...found,
    code: 'OBJECT_NOT_THERE',
    detail: `${found.detail}. Not every system has ${lease.object}, so it is not asked again. If it is there, give the permission, then "touchstone sync resume ${lease.source} --object ${lease.object}"`,
  }
  const kept = await unlessFenced(() => settleAbsent(sql, lease, problem))
  return kept ? { ended: 'ABSENT', problem } : { ended: 'FENCED' }
}

async function fail(sql: Sql, { lease }: ClaimedObject, error: unknown): Promise<RunResult> {
  const problem = problemOf(error)
  const notBefore = error instanceof ConnectionError ? error.notBefore : null
  const [row] = await sql<{ attempts: number }[]>`
    select attempts from sync_state where source = ${lease.source} and object = ${lease.object}`
  const attempts = (row?.attempts ?? 0) + 1
  const dueAt = retryAt(problem.verdict, attempts, notBefore, Date.now())
  const kept = await unlessFenced(() => settleFailed(sql, lease, problem, attempts, dueAt))
  return kept ? { ended: 'FAILED', problem, dueAt } : { ended: 'FENCED' }
}

async function runClaimed(
  tools: RunTools,
  claimed: ClaimedObject,
  signal: AbortSignal,
): Promise<Completed> {
  const { reader } = tools
  const { source, object } = claimed.lease
  checkReader(reader, source, object)
  const plan = await planHints(tools, claimed)
  const pulled = claimed.isDue || plan.pulls
  let hints = NO_HINTS
  if (plan.read === 'BEFORE') hints = await tryHints(tools, claimed, signal)
  const { asks, note } = pulled
    ? await pullAndCensus(tools, claimed, signal)
    : { asks: null, note: null }
  if (pulled) await removeWhole(tools, claimed, plan)
  if (plan.read === 'AFTER') hints = await tryHints(tools, claimed, signal)
  return { asks, note, dueMs: pulled ? tools.everyMs : null, hints }
}

/** Returns what a census asks, or why it failed, and the note of the pull. */
async function pullAndCensus(
  tools: RunTools,
  claimed: ClaimedObject,
  signal: AbortSignal,
): Promise<{ asks: Problem | null; note: Problem | null }> {
  let note: Problem | null = null
  if (claimed.requested !== 'CENSUS' || claimed.rescanSince)
    note = await pull(tools, claimed, signal)
  if (claimed.requested === 'CENSUS') return { asks: await census(tools, claimed, signal), note }
  if (!isCensusDue(tools, claimed)) return { asks: null, note }
  try {
    return { asks: await census(tools, claimed, signal), note }
  } catch (e) {
    // The pull is complete; a list of ids that cannot be read must not hold back the next ones.
    if (!(e instanceof ConnectionError)) throw e
    await delayCensus(tools.sql, claimed.lease, tools.censusEveryMs)
    return { asks: problemOf(e), note }
  }
}

/**
 * Nothing is missing right after everything was read for the first time. Later no census is taken as
 * long as all deletions since the last one are known without it, and those of the last days too.
 */
function isCensusDue({ connection, censusEveryMs }: RunTools, claimed: ClaimedObject): boolean {
  const { object } = claimed.lease
  const since = (claimed.censusAt ?? claimed.successAt ?? new Date()).getTime()
  const now = Date.now()
  if (!connection.needsCensus(object) || now - since < censusEveryMs) return false
  const known = connection.deletionsKnown(object, claimed.position)
  return known === null || known.from > since || now - known.to >= censusEveryMs
}

/** Throws ConnectionError where the mapping of the source system cannot read the object. */
export function checkReader(reader: RowReader, source: string, object: string): void {
  if (reader.held !== undefined)
    throw new ConnectionError(
      'INVALID',
      'SOURCE_HELD',
      `${source} is held until its mapping is right: ${reader.held}`,
    )
  if (reader.objectName(object) === null)
    throw new ConnectionError(
      'INVALID',
      'UNKNOWN_OBJECT',
      `the mapping of ${source} has no object ${object}`,
    )
}

/** Returns the note of the run. */
async function pull(
  tools: RunTools,
  claimed: ClaimedObject,
  signal: AbortSignal,
): Promise<Problem | null> {
  const { lease, position, withinRun } = claimed
  // Without a delta a run between two others begins at the beginning again.
  const from = withinRun || tools.connection.hasDelta(lease.object) ? position : null
  const pullFrom = (at: PullPosition | null) =>
    recordRun(
      tools,
      beginRun(tools.sql, lease, at?.mode ?? 'FULL', at === null),
      signal,
      async (run) => {
        const { note } = await pullObject(tools, run, at, signal)
        if (at === null && run.hasHints) await removeBefore(tools.sql, run)
        return note && problemOf(note)
      },
      { note: (note) => note },
    )
  try {
    return await pullFrom(from)
  } catch (e) {
    if (!(e instanceof ConnectionError && e.verdict === 'GONE') || from === null) throw e
    await settleGone(tools.sql, lease, problemOf(e))
    return await pullFrom(null)
  }
}

async function census(
  tools: RunTools,
  { lease, censusAllowed }: ClaimedObject,
  signal: AbortSignal,
): Promise<Problem | null> {
  const result = await recordRun(
    tools,
    beginRun(tools.sql, lease, 'CENSUS'),
    signal,
    (run) => takeCensus(tools, run, censusAllowed, signal),
    { asks: (r) => r.problem },
  )
  await saveCensus(tools.sql, lease, result)
  return result.problem
}

/**
 * Runs `work` as a run of the history. `asks` returns the problem that a complete run found, `note`
 * what stands beside one that found none.
 */
export async function recordRun<T>(
  { sql, connection }: { sql: Sql; connection: Pick<Connection, 'counts'> },
  begun: Promise<Run>,
  signal: AbortSignal,
  work: (run: Run) => Promise<T>,
  {
    asks = () => null,
    note = () => null,
  }: { asks?: (result: T) => Problem | null; note?: (result: T) => Problem | null } = {},
): Promise<T> {
  const run = await begun
  const before = connection.counts()
  try {
    const result = await work(run)
    const problem = asks(result)
    const state = problem ? 'FAILED' : 'DONE'
    const used = since(before, connection.counts())
    await endRun(sql, run, state, used, problem ?? note(result))
    return result
  } catch (e) {
    const fenced = e instanceof LeaseLost || signal.reason instanceof LeaseLost
    const state = fenced || signal.aborted ? 'STOPPED' : 'FAILED'
    if (!isTransientDatabaseError(e))
      await endRun(sql, run, state, since(before, connection.counts()), problemOf(e))
    throw signal.aborted ? signal.reason : e
  }
}

function since(before: RequestCounts, now: RequestCounts): RequestCounts {
  return {
    requests: now.requests - before.requests,
    retries: now.retries - before.retries,
    waits: now.waits - before.waits,
    bytes: now.bytes - before.bytes,
  }
}

/** Returns what a person sees of an error. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ConnectionError)
    return { code: error.code, detail: error.message, verdict: error.verdict }
  const detail = error instanceof Error ? error.message : String(error)
  if (error instanceof RunStopped) return { code: 'STOPPED', detail, verdict: null }
  if (error instanceof LeaseLost) return { code: 'LEASE_LOST', detail, verdict: null }
  return { code: 'INTERNAL', detail, verdict: null }
}

/** Returns false where the lease was lost meanwhile. */
async function unlessFenced(work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (e) {
    if (e instanceof LeaseLost) return false
    throw e
  }
}
