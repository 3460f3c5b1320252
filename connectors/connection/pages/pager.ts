import type { IncomingHttpHeaders } from 'node:http'
import { dataText } from '../../../schema/kit/dataText.ts'
import { type Path, scopeOf } from '../../mapping/path.ts'
import type { Json } from '../contract.ts'
import type { Pages } from '../definition/pages.ts'
import type { PageMark } from '../request/render.ts'
import { headerText } from '../request/verdict.ts'

/** Parts that a page adds to the request of its listing. */
export interface PageStep {
  mark: PageMark | null
  /** Replaces the address. */
  address: string | null
  lastId: string
}

/** A page that was read. */
export interface ReadPage {
  body: unknown
  headers: IncomingHttpHeaders
  url: URL
  rows: number
  /** The id of the last row, where a row has one. */
  lastId: string | null
  total: number | null
}

/** Says what is wrong with an answer. */
export type Refuse = (code: string, what: string) => never

/** One way of paging. A state is null for the first page; it is stored in positions. */
export interface Pager {
  step(state: Json): PageStep
  /** Returns the state of the next page; undefined after the last. */
  next(state: Json, page: ReadPage, refuse: Refuse): Json | undefined
}

/** The way of pages that a definition names; the leaves are in this folder. */
export type PagerOf<How extends Pages['how']> = (pages: Extract<Pages, { how: How }>) => Pager

export const noStep: PageStep = { mark: null, address: null, lastId: '' }

/** Returns what an answer says about further pages; refuses one that does not say it. */
export function saysMore(path: Path, body: unknown, refuse: Refuse): boolean {
  const value = path.first(scopeOf(body))
  if (typeof value === 'boolean') return value
  const text = value === undefined ? '' : dataText(value).toLowerCase()
  if (text === 'true' || text === '1') return true
  if (text === 'false' || text === '0') return false
  return refuse(
    'NO_MORE_FLAG',
    `the answer does not say whether there are more rows (${path.text})`,
  )
}

/** Returns the address of a next page. It must have the same host: the credential goes there. */
export function linkAddress(text: string, url: URL, refuse: Refuse): string {
  if (!URL.canParse(text, url)) refuse('FOREIGN_ADDRESS', 'the address of the next page is none')
  const next = new URL(text, url)
  if (next.origin !== url.origin)
    refuse(
      'FOREIGN_ADDRESS',
      `the next page is at ${next.origin}, not at ${url.origin}; the credential is not sent there`,
    )
  return next.href
}

/** Returns the address that a header Link names with rel=next; null where it names none. */
export function linkOfHeader(headers: IncomingHttpHeaders): string | null {
  for (const part of (headerText(headers, 'link') ?? '').split(/,\s*(?=<)/)) {
    const [, address, parameters] = /^\s*<([^>]*)>(.*)$/s.exec(part) ?? []
    if (
      address !== undefined &&
      /;\s*rel\s*=\s*(?:"[^"]*\bnext\b[^"]*"|next\b)/i.test(parameters ?? '')
    )
      return address
  }
  return null
}
