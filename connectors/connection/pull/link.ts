import type { Path, Scope } from '../../mapping/path.ts'
import { scopeOf } from '../../mapping/path.ts'
import type { Delta } from '../definition/object.ts'
import { linkAddress, type Refuse } from '../pages/pager.ts'
import { failureOf } from '../request/failure.ts'
import { expiryOf, micros } from './bounds.ts'
import type { Chunks } from './chunk.ts'
import type { ObjectContext } from './context.ts'
import type { At } from './position.ts'
import { readPages } from './readPage.ts'
import { rowId, timedRow } from './rows.ts'

/** Reads what changed at the address that the last run ended with, and finds the next address. */
export async function* pullLink(
  ctx: ObjectContext,
  delta: Extract<Delta, { how: 'link' }>,
  at: At,
  expiresAt: number | null,
): Chunks {
  const { object, now } = ctx
  if (at.link === null) throw noPosition(ctx)
  const began = micros(now())
  const ask = {
    listing: delta.listing,
    values: {},
    address: at.link,
    idOf: (record: Record<string, unknown>, refuse: Refuse) => rowId(object, record, refuse),
  }
  for await (const { rows, total, next, refuse, body, url } of readPages(
    ctx,
    ask,
    at.run?.page ?? null,
  )) {
    const chunk = {
      rows: rows.map((record) => timedRow(object, record, refuse).row),
      mode: 'DELTA' as const,
      total,
      refuse,
    }
    if (next === undefined) {
      const link = deltaLink(delta.next, scopeOf(body), url, refuse)
      const expires = expiryOf(began, delta.expiresMs)
      yield {
        ...chunk,
        at: { ...at, link, since: began, run: null },
        expiresAt: expires,
        last: true,
      }
    } else {
      const run = { from: began, until: began, id: '', page: next }
      yield { ...chunk, at: { ...at, run }, expiresAt, last: false }
    }
  }
}

/** Returns the address of the next delta. Without one, later changes would never be read. */
export function deltaLink(path: Path, scope: Scope, url: URL, refuse: Refuse): string {
  const link = path.first(scope)
  return typeof link === 'string'
    ? linkAddress(link, url, refuse)
    : refuse('NO_DELTA_LINK', `the last page has no address of the next changes (${path.text})`)
}

function noPosition(ctx: ObjectContext): Error {
  return failureOf(
    { source: ctx.source, object: ctx.object.name, method: 'GET', path: '' },
    { verdict: 'GONE', code: 'POSITION_UNREADABLE', what: 'the position has no address' },
  )
}
