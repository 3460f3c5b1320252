import { scopeOf } from '../../mapping/path.ts'
import { ConnectionError, type Json } from '../contract.ts'
import type { DeletesJob } from '../definition/deletesJob.ts'
import { type JobState, jobStateOf, lookAtJob, submitJob } from '../job/askJob.ts'
import { lostJob, readResults } from '../job/readResults.ts'
import { failureOf } from '../request/failure.ts'
import { beginOf, untilOf } from './bounds.ts'
import type { Chunk, Chunks } from './chunk.ts'
import type { ObjectContext } from './context.ts'
import type { At } from './position.ts'
import { isStaleMark, refuseOf } from './readPage.ts'
import { deletedRow } from './rows.ts'

type Gone = NonNullable<At['gone']>

/**
 * Finds deletions by jobs, each for an interval. A run never waits for a job: one submits it, a later
 * one looks at it and reads its results, and the changes are read meanwhile. A job that is refused,
 * fails or is lost holds back nothing: the run ends with a note, and the interval is asked for again.
 */
export async function* pullDeletedByJob(
  ctx: ObjectContext,
  deletes: DeletesJob,
  at: At,
  expiresAt: number | null,
): Chunks {
  const { job, times } = deletes
  const refuse = refuseOf(nameOf(ctx))
  const end = (gone: Gone, note?: ConnectionError): Chunk => ({
    ...{ rows: [], mode: 'DELTA', at: { ...at, gone }, expiresAt, total: null, refuse },
    ...{ last: true, note },
  })
  const now = untilOf(ctx.now(), times)
  const chain = at.gone ?? newChain(now)
  if (times.expiresMs !== null && now - chain.since > BigInt(times.expiresMs) * 1_000n) {
    yield end(newChain(now), expired(ctx, chain))
    return
  }
  let state = jobStateOf(chain.run?.page ?? null)
  const run =
    chain.run && state
      ? chain.run
      : { from: beginOf(chain.since, times), until: now, id: '', page: null }
  const going = (page: Json): Gone => ({ ...chain, reading: false, run: { ...run, page } })
  try {
    if (state === null) {
      if (chain.run === null && now - chain.since < BigInt(deletes.everyMs) * 1_000n) {
        yield end(chain)
        return
      }
      const values = { since: run.from, until: run.until }
      state = (await submitJob(ctx, job, values, times.form)).state
      yield end(going({ ...state }))
      return
    }
    const answer = await lookAtJob(ctx, job, state)
    if (answer.state === 'RUNNING') {
      yield end(going({ ...state }))
      return
    }
    if (answer.state === 'FAILED')
      throw lostJob(answer.name, 'JOB_FAILED', `the job ${state.job} ${answer.problem}`)
    for await (const { records, next, refuse: refusePart } of readResults(
      ctx,
      job,
      state,
      answer,
    )) {
      const rows = records
        .filter((record) => deletes.isOne(scopeOf(record)))
        .map((record) => {
          const id = deletes.idOf(scopeOf(record))
          if (id === null)
            return refusePart('ROW_WITHOUT_ID', 'a row of the job has no id where id: says')
          return deletedRow(ctx.object.name, id, deletes.atOf?.(scopeOf(record)) ?? null)
        })
      if (next === undefined) {
        const since = run.until > chain.since ? run.until : chain.since
        yield { ...end({ ...chain, since, reading: false, run: null }), rows }
        return
      }
      // The rows of a job that is cut are deletions all the same.
      state = next ?? null
      yield { ...end(going(next && { ...next })), rows, last: false }
    }
  } catch (e) {
    ctx.signal.throwIfAborted()
    if (!(e instanceof ConnectionError)) throw e
    yield end(going(keptAfter(e, state)), e)
  }
}

/** A job whose answer was not understood, or never came, is looked at again; one that is lost is not. */
function keptAfter(e: ConnectionError, state: JobState | null): Json {
  const isLost = e.code === 'JOB_FAILED' || e.code === 'JOB_CUT' || isStaleMark(e)
  return state && !isLost && e.verdict !== 'INVALID' ? { ...state } : null
}

/** Deletions before it are left to a census. */
function newChain(now: bigint): Gone {
  return { since: now, from: now, reading: false, run: null }
}

function expired(ctx: ObjectContext, { since }: Gone): ConnectionError {
  const day = new Date(Number(since / 1_000n)).toISOString()
  return failureOf(nameOf(ctx), {
    ...{ verdict: 'GONE', code: 'DELETIONS_EXPIRED' },
    what: `what was deleted since ${day} is no longer there to be read`,
    advice: 'a census finds it',
  })
}

function nameOf({ source, object }: ObjectContext) {
  return { source, object: object.name, method: '', path: '' }
}
