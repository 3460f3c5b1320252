import { isDeepStrictEqual } from 'node:util'
import stringify from 'safe-stable-stringify'

/** A whole statement of a record, as one of several of the same version. */
export interface Statement {
  /** The inbox id of its message. */
  arrival: number
  deleted: boolean
  raw: Record<string, unknown>
  /** The former values of what it changed; null where it does not state them. */
  before: Record<string, unknown> | null
  /** Statements of a higher stage are later where the contents do not show otherwise. */
  stage: number
}

/** `rivals` differ from the latest and may be later: nothing in the statements orders them. */
export interface Latest {
  latest: Statement
  rivals: Statement[]
}

/**
 * Finds the latest of some statements of one version, whatever the order of their arrival. In this
 * order: a deletion is final; the former values that statements name; the stage; the arrival, with
 * the others as rivals. A statement without former values counts as the first of those that lead on
 * from it: systems leave them out at a creation, not at a change. `statements` must not be empty.
 */
export function latestStatement(statements: readonly Statement[]): Latest {
  const deletions = statements.filter((s) => s.deleted)
  if (deletions.length > 0) return { latest: lastArrived(deletions), rivals: [] }
  const shown = endOfChain(statements)
  if (shown) return { latest: shown, rivals: [] }
  const stage = Math.max(...statements.map((s) => s.stage))
  const last = statements.filter((s) => s.stage === stage)
  const among = last.length < statements.length ? endOfChain(last) : null
  if (among) return { latest: among, rivals: [] }
  const latest = lastArrived(last)
  return { latest, rivals: last.filter((s) => !isDeepStrictEqual(s.raw, latest.raw)) }
}

/** Returns the statement that the former values show to be the last one; null if they do not. */
function endOfChain(statements: readonly Statement[]): Statement | null {
  const distinct = withoutRepetitions(statements)
  const [only] = distinct
  const end =
    distinct.length === 1 && only
      ? imageOf(only.raw)
      : (endOfTrail(statements) ?? endOfTrail(distinct) ?? endOfLinks(distinct))
  return end === null ? null : lastArrived(statements.filter((s) => imageOf(s.raw) === end))
}

/**
 * Drops statements that add nothing to another one: systems send several events of one change, and
 * only some of them with the former values.
 */
function withoutRepetitions(statements: readonly Statement[]): Statement[] {
  const byContent = Map.groupBy(statements, (s) => imageOf(s.raw))
  return [...byContent.values()].flatMap((same) => {
    const informative = same.filter((s) => hasValues(s.before))
    const byFormer = new Map(informative.map((s) => [formerImage(s), s]))
    return informative.length > 0 ? [...byFormer.values()] : same.slice(0, 1)
  })
}

/**
 * Follows whole images. Each statement leads from the image before it to its own, so together they
 * are one trail through images, even when a value returns. A trail begins where more statements
 * lead away than arrive, and ends where more arrive. Returns the image of the end; null if the
 * statements are no single trail, or if it ends where it began.
 */
function endOfTrail(statements: readonly Statement[]): string | null {
  const steps = statements.map((s, i): [string, string] => [
    // The image before is unknown: a place of its own.
    hasValues(s.before) ? formerImage(s) : `unknown ${i}`,
    imageOf(s.raw),
  ])
  const balance = new Map<string, number>()
  const add = (image: string, n: number) => balance.set(image, (balance.get(image) ?? 0) + n)
  for (const [from, to] of steps) {
    add(from, -1)
    add(to, 1)
  }
  const uneven = [...balance].filter(([, n]) => n !== 0)
  const end = uneven.find(([, n]) => n === 1)
  const begin = uneven.find(([, n]) => n === -1)
  if (uneven.length !== 2 || !end || !begin) return null
  return isConnected(steps) ? end[0] : null
}

function isConnected(steps: readonly [string, string][]): boolean {
  const seen = new Set<string>(steps.slice(0, 1).map(([from]) => from))
  for (let grown = true; grown; ) {
    grown = false
    for (const [from, to] of steps)
      if (seen.has(from) !== seen.has(to)) {
        seen.add(from).add(to)
        grown = true
      }
  }
  return steps.every(([from]) => seen.has(from))
}

/**
 * Follows former values alone, where images are not complete: a statement follows another whose
 * content has all the values that it replaced. Returns the image of the one statement that follows
 * all others and that none follows.
 */
function endOfLinks(statements: readonly Statement[]): string | null {
  const follows = new Map(
    statements.map((s) => [
      s,
      new Set(
        statements.filter((o) => o !== s && hasValues(s.before) && contains(o.raw, s.before)),
      ),
    ]),
  )
  const earlier = (s: Statement): Set<Statement> => {
    const found = new Set<Statement>(follows.get(s))
    for (const one of found) for (const next of follows.get(one) ?? []) found.add(next)
    return found
  }
  const ends = statements.filter((s) => {
    const before = earlier(s)
    return statements.every((o) => (o === s ? !before.has(s) : before.has(o)))
  })
  return ends.length === 1 ? imageOf(ends[0]?.raw) : null
}

function lastArrived(statements: readonly Statement[]): Statement {
  return statements.reduce((a, b) => (b.arrival > a.arrival ? b : a))
}

function hasValues(before: Record<string, unknown> | null): before is Record<string, unknown> {
  return before !== null && Object.keys(before).length > 0
}

/** Returns the content before a statement: its own, with the former values over it. */
function formerImage(s: Statement): string {
  return imageOf(overlay(s.raw, s.before))
}

/** Returns the content as text, in which a missing value equals null. */
function imageOf(value: unknown): string {
  return stringify(withoutNulls(value)) ?? ''
}

function overlay(value: unknown, former: unknown): unknown {
  if (!isMap(value) || !isMap(former)) return former
  const parts = new Map<string, unknown>(Object.entries(value))
  for (const [name, was] of Object.entries(former)) parts.set(name, overlay(parts.get(name), was))
  return Object.fromEntries(parts)
}

function contains(value: unknown, part: unknown): boolean {
  if (!isMap(part)) return imageOf(value) === imageOf(part)
  if (!isMap(value)) return false
  const own = new Map<string, unknown>(Object.entries(value))
  return Object.entries(part).every(([name, was]) => contains(own.get(name), was))
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isMap(value)) return value ?? null
  const set = Object.entries(value).filter(([, v]) => v !== null && v !== undefined)
  return Object.fromEntries(set.map(([name, v]) => [name, withoutNulls(v)]))
}

function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
