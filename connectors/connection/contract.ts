import { CodedError } from '../../schema/kit/codedError.ts'
import type { Json, PulledRow } from './row.ts'
import type { Writing } from './writing.ts'

export type { Json, PulledRow } from './row.ts'

/**
 * FULL: every row, without a filter by time. DELTA: what changed since the position. CENSUS: the
 * ids alone, to find rows that were deleted without a message.
 */
export type PullMode = 'FULL' | 'DELTA' | 'CENSUS'

/**
 * Where a pull goes on. It is stored in the transaction that stores the page before it. `at` is
 * written and read by connectors/connection alone; others store it as it is.
 */
export interface PullPosition {
  mode: PullMode
  at: Json
  /** Milliseconds since 1970 from which the system no longer accepts the position; null: never. */
  expiresAt: number | null
}

export interface PulledPage {
  rows: PulledRow[]
  /** Where to go on after the rows are stored. After the last page: where the next run begins. */
  position: PullPosition
  /** Whether the run ends with this page. */
  last: boolean
  /** Rows that the system announces in total, where it does. */
  total: number | null
  /**
   * Why a part of the run was done in another way, or is done later: a job that the system refuses,
   * deletions that a job does not give. The run is complete all the same.
   */
  note?: ConnectionError | undefined
}

/**
 * The meaning of an answer of a system.
 * RETRY: the same request may succeed soon. WAIT: a limit was reached. SIGN_IN: the credential is
 * not accepted. FORBIDDEN: the credential lacks a permission. GONE: the position has expired, so
 * the object is read as a whole again. CONFLICT: the record has changed since it was read. MISSING:
 * there is no such record. INVALID: the answer is not what the definition says. PERMANENT: the
 * request is wrong and stays so. CLOSED: the system is in maintenance.
 */
export const VERDICTS = [
  'RETRY',
  'WAIT',
  'SIGN_IN',
  'FORBIDDEN',
  'GONE',
  'CONFLICT',
  'MISSING',
  'INVALID',
  'PERMANENT',
  'CLOSED',
] as const
export type Verdict = (typeof VERDICTS)[number]

/**
 * Whether a write that failed has changed the system. UNKNOWN: it may have been applied, so read
 * before it is tried again.
 */
export type Outcome = 'NOT_APPLIED' | 'UNKNOWN'

/**
 * Thrown after the last attempt of a request. The message names system, object and request without
 * secrets, and says what to do.
 */
export class ConnectionError extends CodedError {
  readonly verdict: Verdict
  /** HTTP status, where there was an answer. */
  readonly status: number | null
  /** Milliseconds since 1970 before which a further attempt is useless; null: not known. */
  readonly notBefore: number | null
  readonly outcome: Outcome
  constructor(
    verdict: Verdict,
    code: string,
    detail: string,
    {
      status = null,
      notBefore = null,
      outcome = 'NOT_APPLIED',
    }: { status?: number | null; notBefore?: number | null; outcome?: Outcome } = {},
  ) {
    super(code, detail)
    this.verdict = verdict
    this.status = status
    this.notBefore = notBefore
    this.outcome = outcome
  }
}

/**
 * One of several records that were read. `row` is null where the system has none. `problem` concerns
 * this record alone.
 */
export type RecordRead =
  | { id: string; row: PulledRow | null }
  | { id: string; problem: ConnectionError }

/** How much of one limit is used. */
export interface LimitUse {
  /** The limit as the definition names it: `per 1m`, `concurrent`. */
  name: string
  used: number
  max: number
}

/** The result of reading one object on trial. */
export interface ObjectCheck {
  object: string
  /** Rows in total, where the system says so. */
  count: number | null
  /** Null where a page could be read. */
  problem: { verdict: Verdict; code: string; detail: string } | null
}

/** The cost of all requests to one system so far. */
export interface RequestCounts {
  requests: number
  retries: number
  waits: number
  bytes: number
}

/** A source system that can be asked. Created by connectors/connection/openConnection.ts. */
export interface Connection {
  source: string
  /** The objects that are pulled, parents before those that refer to them. */
  objects: readonly string[]
  /** Whether the object has a delta; without one each run is FULL. */
  hasDelta(object: string): boolean
  /** Whether a CENSUS is taken of the object, because it finds deletions that nothing else does. */
  needsCensus(object: string): boolean
  /** Whether a system may lack the object. Absent: none may. */
  isOptional?(object: string): boolean
  /**
   * Returns the times, in ms since 1970, between which all deletions are known at a position, so
   * that no census is needed for them; null where only a census knows.
   */
  deletionsKnown(object: string, position: PullPosition | null): { from: number; to: number } | null
  /**
   * Reads pages from a position on; null begins a FULL run. Ends after a page with `last`. Throws
   * ConnectionError; GONE where the position has expired.
   */
  pull(
    object: string,
    from: PullPosition | null,
    signal: AbortSignal,
  ): AsyncGenerator<PulledPage, void, void>
  /** Lists the ids of all rows, page by page. Throws ConnectionError. */
  census(object: string, signal: AbortSignal): AsyncGenerator<readonly string[], void, void>
  /** Reads one record; null where the system has none. Throws ConnectionError. */
  read(object: string, id: string, signal: AbortSignal): Promise<PulledRow | null>
  /** Whether single records of the object can be read. */
  canRead(object: string): boolean
  /**
   * Reads records by their ids, several with one request where the system can. Throws
   * ConnectionError for a failure that concerns all of them.
   */
  readSeveral(object: string, ids: readonly string[], signal: AbortSignal): Promise<RecordRead[]>
  /** Signs in and reads one small page of each object. */
  check(signal: AbortSignal): Promise<ObjectCheck[]>
  writing: Writing
  limits(): LimitUse[]
  /** By how many ms our clock is ahead of the system's, as far as its answers show; else 0. */
  clockAheadMs(): number
  counts(): RequestCounts
}
