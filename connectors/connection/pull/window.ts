import type { ConnectionError, Json } from '../contract.ts'
import type { Delta } from '../definition/object.ts'
import { hasJobs, jobStateOf } from '../job/askJob.ts'
import { readJob } from '../job/readJob.ts'
import type { Refuse } from '../pages/pager.ts'
import { beginOf, expiryOf, micros, untilOf } from './bounds.ts'
import type { Chunks } from './chunk.ts'
import type { ObjectContext } from './context.ts'
import type { At, RunBounds } from './position.ts'
import { isStaleMark, type ListedPage, readPages } from './readPage.ts'
import { rowId, timedRow } from './rows.ts'

/** Reads what changed in closed intervals up to now - lag. */
export async function* pullWindow(
  ctx: ObjectContext,
  { listing, times, stepMs, job }: Extract<Delta, { how: 'window' }>,
  at: At,
): Chunks {
  const { object, now } = ctx
  const since = at.since ?? micros(now())
  const from = at.run?.from ?? beginOf(since, times)
  const step = stepMs === null ? null : BigInt(stepMs) * 1_000n
  // A run that goes on keeps its bound, else it would never end while time passes.
  const bound = (step === null ? at.run?.until : null) ?? untilOf(now(), times)
  let run: RunBounds | null = at.run
  if (!run && bound <= from) return
  for (;;) {
    const begin: bigint = run?.from ?? from
    const until: bigint = run?.until ?? endOf(begin, bound, step)
    let again = false
    let page = run?.page ?? null
    do {
      again = false
      try {
        const ask = {
          listing,
          values: { since: begin, until },
          times: times.form,
          idOf: (record: Record<string, unknown>, refuse: Refuse) => rowId(object, record, refuse),
        }
        let isRead = false
        let note: ConnectionError | undefined
        const begun = jobStateOf(page)
        if (job && (begun || (page === null && hasJobs(ctx, job))))
          for await (const part of readJob(ctx, job, begun, {
            ...{ values: ask.values, times: times.form },
            onRefusal: (reason) => (note = reason),
          })) {
            isRead = true
            const { records, next, refuse } = part
            const state: Json | undefined = next && { ...next }
            yield chunkOf({ rows: records, total: null, next: state, refuse }, begin, until)
          }
        // A system without jobs is read page by page.
        if (!isRead)
          for await (const listed of readPages(ctx, ask, begun ? null : page))
            yield { ...chunkOf(listed, begin, until), note }
      } catch (e) {
        if (page === null || !isStaleMark(e)) throw e
        // The mark of the stored page is no longer valid: the interval is closed, so it is read again.
        page = null
        again = true
      }
    } while (again)
    if (until >= bound) return
    run = { from: until, until: endOf(until, bound, step), id: '', page: null }
  }

  function chunkOf(
    { rows, total, next, refuse }: Pick<ListedPage, 'rows' | 'total' | 'next' | 'refuse'>,
    begin: bigint,
    until: bigint,
  ) {
    const chunk = {
      rows: rows.map((record) => timedRow(object, record, refuse).row),
      mode: 'DELTA' as const,
      total,
      refuse,
    }
    if (next !== undefined) {
      const here = { from: begin, until, id: '', page: next }
      return { ...chunk, at: { ...at, run: here }, ...expiry(since), last: false }
    }
    if (until < bound) {
      const after = { from: until, until: endOf(until, bound, step), id: '', page: null }
      return { ...chunk, at: { ...at, since: until, run: after }, ...expiry(until), last: false }
    }
    return { ...chunk, at: { ...at, since: until, run: null }, ...expiry(until), last: true }
  }

  function expiry(to: bigint) {
    return { expiresAt: expiryOf(to, times.expiresMs) }
  }
}

function endOf(begin: bigint, bound: bigint, step: bigint | null): bigint {
  return step === null || begin + step > bound ? bound : begin + step
}
