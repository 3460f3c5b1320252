import type { Delta } from '../definition/object.ts'
import { type Refuse, saysMore } from '../pages/pager.ts'
import { beginOf, expiryOf, floorTo, micros, untilOf } from './bounds.ts'
import type { Chunks } from './chunk.ts'
import type { ObjectContext } from './context.ts'
import type { At } from './position.ts'
import { isStaleMark, readPages } from './readPage.ts'
import { rowId, type TimedRow, timedRow } from './rows.ts'

interface Key {
  at: bigint
  id: string
}

/**
 * Reads rows in the order of (time, id), after the last pair (rule 1): a thousand rows of one time
 * are neither lost nor read without end.
 */
export async function* pullKeyset(
  ctx: ObjectContext,
  { listing, times, size, more }: Extract<Delta, { how: 'keyset' }>,
  at: At,
): Chunks {
  const { object, now } = ctx
  const since = at.since ?? micros(now())
  // Without an overlap the run goes on behind the last row; what was read before it had no pair.
  const exact = times.overlap === 0n
  const begin = exact && at.id === '' ? beginOf(since - times.grain, times) : beginOf(since, times)
  const until = at.run?.until ?? untilOf(now(), times)
  let key: Key = at.run ? { at: at.run.from, id: at.run.id } : { at: begin, id: exact ? at.id : '' }
  for (;;) {
    const from: Key = key
    const ask = {
      listing,
      values: { since: from.at, sinceId: from.id, until, ...(size === null ? {} : { size }) },
      times: times.form,
      idOf: (record: Record<string, unknown>, refuse: Refuse) => rowId(object, record, refuse),
    }
    let read = 0
    let goesOn = false
    try {
      for await (const { rows, total, next, refuse, body } of readPages(ctx, ask)) {
        const timed = rows.map((record) => timedRow(object, record, refuse))
        key = lastKey(timed, key, times.grain, refuse)
        read += timed.length
        const followed = next !== undefined
        goesOn =
          !followed &&
          listing.pages === null &&
          (more
            ? saysMore(more, body, refuse)
            : (size !== null && read >= size) || (total ?? 0) > read)
        // A newer row than the bound comes again with the next run; a busy system ends here too.
        if (key.at > until) goesOn = false
        if (goesOn && key.at === from.at && key.id === from.id)
          refuse(
            'REPEATED_PAGE',
            'a page ends with the row after which it was asked for, so the pages would never end; the times of rows may be finer than times: says',
          )
        const last = !followed && !goesOn
        yield {
          rows: timed.map((t) => t.row),
          mode: 'DELTA',
          at: last
            ? { ...at, ...boundAfter(), run: null }
            : { ...at, run: { from: key.at, until, id: key.id, page: null } },
          expiresAt: expiryOf(last ? until : since, times.expiresMs),
          last,
          total,
          refuse,
        }
      }
    } catch (e) {
      // The pages of one answer are no longer there: the run goes on behind its last row.
      if (read === 0 || !isStaleMark(e)) throw e
      goesOn = true
    }
    if (!goesOn) return
  }

  function boundAfter(): { since: bigint; id: string } {
    if (exact && key.id !== '' && key.at <= until) return { since: key.at, id: key.id }
    return { since: later(until, since), id: '' }
  }
}

/** Returns the pair of the last row. Rows out of order are refused: the next page would lose some. */
function lastKey(rows: readonly TimedRow[], before: Key, grain: bigint, refuse: Refuse): Key {
  let key = before
  for (const { row, at } of rows) {
    if (row.deleted && at === null) continue
    if (at === null)
      return refuse('ROW_WITHOUT_VERSION', `the row ${row.id} has no time where version: says`)
    if (at < floorTo(key.at, grain))
      refuse(
        'ROWS_OUT_OF_ORDER',
        `the row ${row.id} is older than the one before it; the request must order rows by their time and id`,
      )
    key = { at, id: row.id }
  }
  return key
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
