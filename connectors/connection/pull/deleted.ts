import { scopeOf } from '../../mapping/path.ts'
import { namesOf } from '../definition/feed.ts'
import type { Deletes } from '../definition/object.ts'
import type { Refuse } from '../pages/pager.ts'
import { beginOf, untilOf } from './bounds.ts'
import type { Chunk, Chunks } from './chunk.ts'
import type { ObjectContext } from './context.ts'
import type { At } from './position.ts'
import { isStaleMark, readPages } from './readPage.ts'
import { deletedRow } from './rows.ts'

/** Reads the list of deletions from its bound on; `at` and `expiresAt` are those of the rows. */
export async function* pullDeleted(
  ctx: ObjectContext,
  { listing, idOf, atOf, isOne, times }: NonNullable<Deletes['list']>,
  at: At,
  expiresAt: number | null,
): Chunks {
  const { object, now } = ctx
  const gone = at.gone ?? { since: at.since ?? 0n, from: at.since ?? 0n, reading: true, run: null }
  const from = gone.run?.from ?? beginOf(gone.since, times)
  const until = gone.run?.until ?? untilOf(now(), times)
  const bounded = namesOf(listing).has('since')
  const ask = {
    listing,
    values: { since: from, until },
    times: times.form,
    idOf: (record: Record<string, unknown>, refuse: Refuse) =>
      idOf(scopeOf(record)) ??
      refuse('ROW_WITHOUT_ID', 'a row of the list of deletions has no id where id: says'),
  }
  let page = gone.run?.page ?? null
  for (;;) {
    try {
      for await (const { rows, next, refuse } of readPages(ctx, ask, page)) {
        const chunk: Omit<Chunk, 'at' | 'last'> = {
          rows: rows
            .filter((record) => isOne(scopeOf(record)))
            .map((record) =>
              deletedRow(object.name, ask.idOf(record, refuse), atOf?.(scopeOf(record)) ?? null),
            ),
          mode: 'DELTA',
          expiresAt,
          total: null,
          refuse,
        }
        const since = bounded && until > gone.since ? until : gone.since
        const run = next === undefined ? null : { from, until, id: '', page: next }
        yield {
          ...chunk,
          at: {
            ...at,
            gone: { ...gone, since: run ? gone.since : since, reading: run !== null, run },
          },
          last: run === null,
        }
      }
      return
    } catch (e) {
      if (page === null || !isStaleMark(e)) throw e
      page = null
    }
  }
}
