import { scopeOf } from '../../mapping/path.ts'
import { ConnectionError, type Json } from '../contract.ts'
import type { JobDefinition } from '../definition/job.ts'
import type { ObjectDefinition } from '../definition/object.ts'
import { hasJobs, type JobState, jobStateOf } from '../job/askJob.ts'
import { readJob } from '../job/readJob.ts'
import { expiryOf, micros } from './bounds.ts'
import type { Chunk, Chunks } from './chunk.ts'
import type { ObjectContext } from './context.ts'
import { deltaLink } from './link.ts'
import { type At, emptyAt } from './position.ts'
import { isStaleMark, type ListedPage, readPages } from './readPage.ts'
import { rowId, timedRow } from './rows.ts'

/**
 * Reads every row, without a filter by time (rule 3). The delta then begins at the start of this
 * run: what changed meanwhile comes again. Where the mark of a stored page is no longer valid, the
 * list is read from its begin.
 */
export async function* pullFull(ctx: ObjectContext, from: At): Chunks {
  const { object } = ctx
  const start = from.start ?? micros(ctx.now())
  const at = { ...from, start }
  let page = from.run?.page ?? null
  let note: ConnectionError | undefined
  for (;;) {
    try {
      const begun = object.job && jobStateOf(page)
      if (object.job && begun && !note) {
        yield* pullJob(ctx, at, start, object.job, begun)
        return
      }
      let rows = 0
      for await (const listed of readPages(
        ctx,
        {
          listing: object.full,
          values: {},
          idOf: (record, refuse) => rowId(object, record, refuse),
        },
        begun ? null : page,
      )) {
        rows += listed.rows.length
        const { job } = object
        const isLong =
          listed.next !== undefined && (job?.over == null || (listed.total ?? rows) > job.over)
        if (job && hasJobs(ctx, job) && page === null && isLong && !note) {
          let isBegun = false
          const onRefusal = (reason: ConnectionError) => (note = reason)
          for await (const chunk of pullJob(ctx, at, start, job, null, onRefusal)) {
            isBegun = true
            yield chunk
          }
          // A system without jobs gives the same rows page by page.
          if (isBegun) return
        }
        yield { ...chunkOf(ctx, at, start, listed), note }
      }
      return
    } catch (e) {
      // A user who may submit jobs may still not be allowed to read their results.
      const isForbidden = e instanceof ConnectionError && e.verdict === 'FORBIDDEN'
      if (isForbidden && !note && object.job && hasJobs(ctx, object.job)) note = e
      else if (page === null || !isStaleMark(e)) throw e
      page = null
    }
  }
}

/** Reads the rows of a job as pages of the run. */
async function* pullJob(
  ctx: ObjectContext,
  at: At,
  start: bigint,
  job: JobDefinition,
  from: JobState | null,
  onRefusal?: (reason: ConnectionError) => void,
): Chunks {
  for await (const part of readJob(ctx, job, from, onRefusal ? { onRefusal } : {})) {
    const { records, next, refuse } = part
    const rows = records.map((record) => timedRow(ctx.object, record, refuse).row)
    if (next === undefined) {
      const end = ctx.object.delta
        ? { mode: 'DELTA' as const, ...deltaFrom(ctx.object, at.of, start) }
        : { mode: 'FULL' as const, at: { ...emptyAt, of: at.of }, expiresAt: null }
      yield { rows, ...end, last: true, total: null, refuse }
      return
    }
    const page: Json = next && { ...next }
    const run = { from: start, until: start, id: '', page }
    yield {
      rows,
      mode: 'FULL',
      at: { ...at, run },
      expiresAt: null,
      last: false,
      total: null,
      refuse,
    }
  }
}

function chunkOf(ctx: ObjectContext, at: At, start: bigint, listed: ListedPage): Chunk {
  const { object } = ctx
  const { rows, total, next, refuse, body } = listed
  const chunk = {
    rows: rows.map((record) => timedRow(object, record, refuse).row),
    total,
    refuse,
  }
  if (next !== undefined) {
    const run = { from: start, until: start, id: '', page: next }
    return { ...chunk, mode: 'FULL', at: { ...at, run }, expiresAt: null, last: false }
  }
  if (!object.delta)
    return { ...chunk, mode: 'FULL', at: { ...emptyAt, of: at.of }, expiresAt: null, last: true }
  return {
    ...chunk,
    mode: 'DELTA',
    last: true,
    ...firstDelta(ctx, object, at.of, start, body, listed),
  }
}

/** Returns where the first delta begins. */
function firstDelta(
  { now }: ObjectContext,
  object: ObjectDefinition,
  of: string,
  start: bigint,
  body: unknown,
  { refuse, url }: ListedPage,
): { at: At; expiresAt: number | null } {
  const first = deltaFrom(object, of, start)
  if (object.delta?.how !== 'link') return first
  const { next, expiresMs } = object.delta
  const link = deltaLink(next, scopeOf(body), url, refuse)
  return { at: { ...first.at, link }, expiresAt: expiryOf(micros(now()), expiresMs) }
}

/** Returns where a delta by time begins after a load that started then. */
function deltaFrom(
  { delta, deletes }: ObjectDefinition,
  of: string,
  start: bigint,
): { at: At; expiresAt: number | null } {
  const gone =
    deletes.list || deletes.job ? { since: start, from: start, reading: false, run: null } : null
  const at = { ...emptyAt, of, since: start, gone }
  if (delta?.how === 'link') return { at, expiresAt: null }
  const times = delta?.how === 'feed' ? delta.feed.times : delta?.times
  return { at, expiresAt: expiryOf(start, times?.expiresMs ?? null) }
}
