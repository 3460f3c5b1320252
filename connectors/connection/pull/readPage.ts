import { createHash } from 'node:crypto'
import { dataNumber } from '../../../schema/kit/dataText.ts'
import { scopeOf } from '../../mapping/path.ts'
import { isMap } from '../../mapping/rule.ts'
import { ConnectionError, type Json } from '../contract.ts'
import type { Listing } from '../definition/listing.ts'
import type { TemplateValue } from '../definition/template.ts'
import type { TimeForm } from '../definition/timeForm.ts'
import type { Refuse } from '../pages/pager.ts'
import { pagerOf } from '../pages/pagerOf.ts'
import { failureOf, type RequestName } from '../request/failure.ts'
import { type ObjectContext, valuesOf } from './context.ts'
import { rowsOf } from './rows.ts'

/** A request for rows, with the values of its placeholders. */
export interface ListingAsk {
  listing: Listing
  values: Readonly<Record<string, TemplateValue>>
  times?: TimeForm
  /** Replaces the address of the first page. */
  address?: string | null
  /** Reads the id of a row, for {lastId} and to find a page that is repeated. */
  idOf(record: Record<string, unknown>, refuse: Refuse): string | null
}

export interface ListedPage {
  rows: Record<string, unknown>[]
  body: unknown
  url: URL
  total: number | null
  /** The state of the next page; undefined after the last. */
  next: Json | undefined
  refuse: Refuse
}

/** Pages of one listing. A loop in a system's cursors would otherwise never end. */
const pagesMax = 1_000_000

/** Reads the pages of a listing from a state on. Throws ConnectionError. */
export async function* readPages(
  ctx: ObjectContext,
  ask: ListingAsk,
  from: Json = null,
): AsyncGenerator<ListedPage, void, void> {
  const seen = new Set<string>([hash(from)])
  let before = ''
  let state = from
  for (let n = 0; ; n++) {
    const { page, ids } = await readPage(ctx, ask, state)
    // The same rows twice: the system ignores the mark of the page.
    const now = ids.length > 0 && !ids.includes(null) ? hash(ids) : ''
    const isSame = now !== '' && now === before
    const { next, refuse } = page
    const repeats = next !== undefined && seen.has(hash(next))
    if (isSame || repeats || n >= pagesMax)
      refuse(
        'REPEATED_PAGE',
        isSame
          ? 'a page has the same rows as the page before, so the pages would never end'
          : 'the mark of the next page was there before, so the pages would never end',
      )
    yield page
    if (next === undefined) return
    seen.add(hash(next))
    // A list that begins again may have the same first rows.
    before = isMap(next) && next.rows === 0 ? '' : now
    state = next
  }
}

async function readPage(
  ctx: ObjectContext,
  { listing, values, times, address = null, idOf }: ListingAsk,
  state: Json,
): Promise<{ page: ListedPage; ids: (string | null)[] }> {
  const { requester, object, signal } = ctx
  const pager = pagerOf(listing.pages)
  const step = pager.step(state)
  const size: Record<string, TemplateValue> =
    listing.pages && 'size' in listing.pages ? { size: listing.pages.size } : {}
  const answered = await requester.ask(
    {
      object: object.name,
      template: listing.request,
      values: valuesOf(ctx, { ...size, ...values, lastId: step.lastId }, times),
      mark: step.mark,
      address: step.address ?? (state === null ? address : null),
    },
    signal,
  )
  const refuse = refuseOf(answered.name)
  const { body, headers, url } = answered
  const rows = answered.empty ? [] : rowsOf(listing.rows, body, refuse)
  const ids = rows.map((row) => idOf(row, refuse))
  const announced = listing.total ? dataNumber(listing.total.first(scopeOf(body))) : Number.NaN
  const total = Number.isFinite(announced) ? announced : null
  const read = { body, headers, url, rows: rows.length, lastId: ids.at(-1) ?? null, total }
  const next = answered.empty ? undefined : pager.next(state, read, refuse)
  return { page: { rows, body, url, total, next, refuse }, ids }
}

/** Returns the function that refuses an answer of a request. */
export function refuseOf(name: RequestName): Refuse {
  return (code, what): never => {
    throw failureOf(name, { verdict: 'INVALID', code, what })
  }
}

/** Returns whether a page may be refused because its mark is no longer valid. */
export function isStaleMark(e: unknown): boolean {
  return (
    e instanceof ConnectionError &&
    (e.verdict === 'PERMANENT' || e.verdict === 'GONE' || e.verdict === 'MISSING') &&
    e.status !== null
  )
}

function hash(value: Json): string {
  return createHash('sha1').update(JSON.stringify(value)).digest('base64url')
}
