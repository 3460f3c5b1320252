import { createHash } from 'node:crypto'
import { scopeOf } from '../mapping/path.ts'
import {
  type Connection,
  ConnectionError,
  type ObjectCheck,
  type PulledPage,
  type PullPosition,
} from './contract.ts'
import type { ObjectDefinition } from './definition/object.ts'
import { hasJobs } from './job/askJob.ts'
import { openRequester, type RequesterOptions } from './openRequester.ts'
import { addChildren } from './pull/children.ts'
import type { Chunk, Chunks } from './pull/chunk.ts'
import type { ObjectContext } from './pull/context.ts'
import { pullDeleted } from './pull/deleted.ts'
import { pullDeletedByJob } from './pull/deletedByJob.ts'
import { pullFeed } from './pull/feed.ts'
import { pullFull } from './pull/full.ts'
import { keepToClock } from './pull/keepToClock.ts'
import { pullKeyset } from './pull/keyset.ts'
import { pullLink } from './pull/link.ts'
import { type At, emptyAt, knownDeletions, readPosition, writePosition } from './pull/position.ts'
import { type ListingAsk, readPages, refuseOf } from './pull/readPage.ts'
import { readRecord } from './pull/readRecord.ts'
import { readSeveral } from './pull/readSeveral.ts'
import { leadingObject, rowsUnder } from './pull/under.ts'
import { pullWindow } from './pull/window.ts'
import type { SourceConnection } from './sourceConnection.ts'
import { openWriting } from './write/openWriting.ts'

export interface ConnectionOptions extends RequesterOptions {}

/** Opens a source system that can be asked. Sends nothing before it is used. */
export function openConnection(
  source: string,
  connection: SourceConnection,
  options: ConnectionOptions = {},
): Connection {
  const { requester, limiter, clock, counts } = openRequester(source, connection, options)
  const now = options.now ?? Date.now
  const objects = objectsOf(connection)
  const definitionOf = (name: string): ObjectDefinition => {
    const object = objects.get(name)
    if (!object || !connection.objects.includes(name))
      throw new Error(`${source}: "${name}" is none of ${connection.objects.join(', ')}`)
    return object
  }
  const contextOf = (name: string, signal: AbortSignal): ObjectContext => {
    const object = definitionOf(name)
    const parent = parentOf(object)
    const clockAheadMs = () => clock.aheadMs()
    return { source, object, parent, requester, now, clockAheadMs, setting, signal }
  }
  const setting = (of: string) => connection.values.get(of)
  const parentOf = ({ under }: ObjectDefinition): ObjectDefinition | null =>
    (under && objects.get(under.object)) ?? null

  async function* pull(
    name: string,
    from: PullPosition | null,
    signal: AbortSignal,
  ): AsyncGenerator<PulledPage, void, void> {
    const ctx = contextOf(name, signal)
    for await (const { rows, at, mode, expiresAt, last, total, refuse, note } of runOf(ctx, from)) {
      await addChildren(ctx, rows, refuse)
      yield { rows, position: writePosition(mode, at, expiresAt), last, total, note }
    }
  }

  async function* census(
    name: string,
    signal: AbortSignal,
  ): AsyncGenerator<readonly string[], void, void> {
    const ctx = contextOf(name, signal)
    if (ctx.parent) {
      for await (const { rows } of runOf(ctx, null)) yield rows.map((row) => row.id)
      return
    }
    const { census: own } = ctx.object.deletes
    const listing = own === null || own === true ? ctx.object.full : own
    const idOf: ListingAsk['idOf'] = (record, refuse) =>
      ctx.object.idOf(scopeOf(record)) ??
      refuse('ROW_WITHOUT_ID', 'a row of the census has no id where id: says')
    for await (const { rows, refuse } of readPages(ctx, { listing, values: {}, idOf }))
      yield rows.flatMap((record) => idOf(record, refuse) ?? [])
  }

  async function checkObject(object: string, signal: AbortSignal): Promise<ObjectCheck> {
    const ctx = contextOf(object, signal)
    try {
      const pages = runOf(ctx, null)
      const { value } = await pages.next()
      await pages.return()
      return { object, count: value?.total ?? null, problem: null }
    } catch (e) {
      if (!(e instanceof ConnectionError)) throw e
      const { verdict, code, message } = e
      return { object, count: null, problem: { verdict, code, detail: message } }
    }
  }

  return {
    source,
    objects: connection.objects,
    hasDelta: (name) => {
      const object = definitionOf(name)
      return (parentOf(object) ?? object).delta !== null
    },
    isOptional: (name) => definitionOf(name).isOptional,
    needsCensus: (name) => definitionOf(name).deletes.census !== null,
    deletionsKnown: (name, position) => {
      const object = definitionOf(name)
      const job = object.deletes.job
      if (!job || !hasJobs({ setting }, job.job)) return null
      return knownDeletions(object, position)
    },
    pull,
    census,
    read: (name, id, signal) => readRecord(contextOf(name, signal), id),
    canRead: (name) => definitionOf(name).read !== null,
    readSeveral: (name, ids, signal) => readSeveral(contextOf(name, signal), ids),
    async check(signal) {
      const checks: ObjectCheck[] = []
      for (const name of connection.objects) checks.push(await checkObject(name, signal))
      return checks
    },
    writing: openWriting({
      source,
      objects: new Map([...objects].filter(([name]) => connection.objects.includes(name))),
      contextOf,
      settings: connection.values,
      meaning: connection.definition.http,
    }),
    limits: () => limiter.use(),
    clockAheadMs: () => clock.aheadMs(),
    counts: () => ({ ...counts }),
  }
}

/**
 * Returns the objects of the definition, by name. Their fingerprints name the settings too: another
 * address is another system, and its rows begin at another time. Limits and the choice of jobs change
 * no row.
 */
function objectsOf({ definition, values }: SourceConnection): Map<string, ObjectDefinition> {
  const others = new Set(definition.limits.limits.map((limit) => limit.setting))
  // Which jobs are used changes no row either.
  for (const { job, deletes } of definition.objects.values())
    for (const used of [job, deletes.job?.job])
      for (const [name, choice] of used?.needs ?? []) if (choice) others.add(name)
  const settings = [...values].filter(([name]) => !others.has(name)).sort()
  const print = createHash('sha256').update(JSON.stringify(settings)).digest('base64url')
  return new Map(
    [...definition.objects].map(([name, object]) => [
      name,
      { ...object, fingerprint: `${object.fingerprint}.${print.slice(0, 16)}` },
    ]),
  )
}

/** Returns the pages of a run; those of an object under another follow the run of that one. */
function runOf(ctx: ObjectContext, from: PullPosition | null): Chunks {
  const { object, parent } = ctx
  if (!parent) return keepToClock(ctx, chunksOf(ctx, from))
  const leading = { ...ctx, object: leadingObject(object, parent), parent: null }
  return rowsUnder(ctx, keepToClock(leading, chunksOf(leading, from)))
}

/** Returns the pages of a run: the changed rows, then the list of deletions where there is one. */
async function* chunksOf(ctx: ObjectContext, from: PullPosition | null): Chunks {
  const { object } = ctx
  const fresh: At = { ...emptyAt, of: object.fingerprint }
  if (from === null || from.mode !== 'DELTA' || object.delta === null) {
    const at = from === null ? fresh : readPosition(ctx, from)
    // Without a delta the position after a run is the begin of the next one.
    yield* pullFull(ctx, at)
    return
  }
  let at = readPosition(ctx, from)
  let { expiresAt } = from
  const { list, job } = object.deletes
  const jobs = job && hasJobs(ctx, job.job) ? job : null
  if (!at.gone?.reading) {
    let ended = false
    for await (const chunk of deltaOf(ctx, at, expiresAt)) {
      ended = chunk.last
      at = chunk.at
      expiresAt = chunk.expiresAt
      if (!chunk.last || (!list && !jobs)) yield chunk
      else yield { ...chunk, last: false, at: list ? startList(at) : at }
    }
    // There was nothing to read: the clock has not passed the bound of the last run.
    if (!ended && !list && !jobs) yield nothing(ctx, at, expiresAt)
    if (list) at = startList(at)
  }
  if (list) yield* pullDeleted(ctx, list, at, expiresAt)
  else if (jobs) yield* pullDeletedByJob(ctx, jobs, at, expiresAt)
}

function startList(at: At): At {
  const since = at.gone?.since ?? at.since ?? 0n
  return { ...at, gone: { since, from: at.gone?.from ?? since, reading: true, run: null } }
}

function deltaOf(ctx: ObjectContext, at: At, expiresAt: number | null): Chunks {
  const { delta } = ctx.object
  switch (delta?.how) {
    case 'window':
      return pullWindow(ctx, delta, at)
    case 'keyset':
      return pullKeyset(ctx, delta, at)
    case 'link':
      return pullLink(ctx, delta, at, expiresAt)
    case 'feed':
      return pullFeed(ctx, delta, at)
    case undefined:
      throw new Error(`${ctx.object.name} has no delta`)
  }
}

function nothing({ source, object }: ObjectContext, at: At, expiresAt: number | null): Chunk {
  const name = { source, object: object.name, method: 'GET', path: '' }
  return { rows: [], mode: 'DELTA', at, expiresAt, last: true, total: null, refuse: refuseOf(name) }
}
