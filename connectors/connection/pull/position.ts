import { isMap } from '../../mapping/rule.ts'
import type { Json, PullPosition } from '../contract.ts'
import { failureOf } from '../request/failure.ts'
import type { ObjectContext } from './context.ts'

/** A run under way: it goes on within these bounds. Moments are microseconds since 1970. */
export interface RunBounds {
  from: bigint
  until: bigint
  /** The id after which a keyset goes on at the time `from`. */
  id: string
  /** The state of the next page. */
  page: Json
}

/** The content of `at` of a position. */
export interface At {
  /** The definition of the object with which it was made. */
  of: string
  /** The begin of the full run, from which the first delta starts. */
  start: bigint | null
  /** The bound of the last run. */
  since: bigint | null
  id: string
  /** The address of a delta that is a link. */
  link: string | null
  run: RunBounds | null
  /**
   * The list of deletions, or the jobs that name them: the bound, whether the list is read now, and
   * since when no deletion was missed.
   */
  gone: { since: bigint; from: bigint; reading: boolean; run: RunBounds | null } | null
}

export const emptyAt: Omit<At, 'of'> = {
  start: null,
  since: null,
  id: '',
  link: null,
  run: null,
  gone: null,
}

/** Writes a position as JSON; moments are texts, because JSON has no such numbers. */
export function writePosition(
  mode: PullPosition['mode'],
  at: At,
  expiresAt: number | null = null,
): PullPosition {
  const bounds = (run: RunBounds): Json => ({
    from: String(run.from),
    until: String(run.until),
    id: run.id,
    page: run.page,
  })
  const written: { [name: string]: Json } = { of: at.of }
  if (at.start !== null) written.start = String(at.start)
  if (at.since !== null) written.since = String(at.since)
  if (at.id !== '') written.id = at.id
  if (at.link !== null) written.link = at.link
  if (at.run) written.run = bounds(at.run)
  if (at.gone)
    written.gone = {
      since: String(at.gone.since),
      from: String(at.gone.from),
      reading: at.gone.reading,
      ...(at.gone.run ? { run: bounds(at.gone.run) } : {}),
    }
  return { mode, at: written, expiresAt }
}

/**
 * Reads a position. Throws ConnectionError GONE for one that has expired, that is not readable, or
 * that was made with another definition of the object or other settings: rows that were read before
 * lack what the new one asks for (rule 10).
 */
export function readPosition(ctx: ObjectContext, { at, expiresAt }: PullPosition): At {
  const name = { source: ctx.source, object: ctx.object.name, method: '', path: '' }
  const gone = (code: string, what: string): never => {
    throw failureOf(name, { verdict: 'GONE', code, what })
  }
  if (expiresAt !== null && expiresAt <= ctx.now())
    gone('POSITION_EXPIRED', `the position expired at ${new Date(expiresAt).toISOString()}`)
  if (!isMap(at) || typeof at.of !== 'string')
    return gone('POSITION_UNREADABLE', 'the position cannot be read')
  if (at.of !== ctx.object.fingerprint)
    gone(
      'DEFINITION_CHANGED',
      'its definition in connection.yaml or a setting of connection: has changed',
    )
  const list = isMap(at.gone) ? at.gone : null
  return {
    of: at.of,
    start: moment(at.start),
    since: moment(at.since),
    id: typeof at.id === 'string' ? at.id : '',
    link: typeof at.link === 'string' ? at.link : null,
    run: boundsOf(at.run),
    gone: list && {
      since: moment(list.since) ?? 0n,
      from: moment(list.from) ?? moment(list.since) ?? 0n,
      reading: list.reading === true,
      run: boundsOf(list.run),
    },
  }
}

/**
 * Returns the times, in ms since 1970, from which and up to which a position knows what was deleted;
 * null for one without such an interval, or of another definition.
 */
export function knownDeletions(
  { fingerprint }: { fingerprint: string },
  position: PullPosition | null,
): { from: number; to: number } | null {
  const at = position?.at
  if (!isMap(at) || at.of !== fingerprint || !isMap(at.gone)) return null
  const [from, to] = [moment(at.gone.from), moment(at.gone.since)]
  return from === null || to === null
    ? null
    : { from: Number(from / 1_000n), to: Number(to / 1_000n) }
}

function boundsOf(value: unknown): RunBounds | null {
  if (!isMap(value)) return null
  const [from, until] = [moment(value.from), moment(value.until)]
  if (from === null || until === null) return null
  return {
    from,
    until,
    id: typeof value.id === 'string' ? value.id : '',
    page: (value.page ?? null) as Json,
  }
}

function moment(value: unknown): bigint | null {
  return typeof value === 'string' && /^-?\d{1,19}$/.test(value) ? BigInt(value) : null
}
