import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import type { Path } from '../../mapping/path.ts'
import { below, exactlyOne, parseAt, pathIn, pathText, shape } from './shape.ts'

/** Where a request carries the mark of its page. */
export interface PageTarget {
  in: 'query' | 'json' | 'header' | 'form'
  name: string
}

export type Pages =
  /** The address of the next page; null: the header Link. */
  | { how: 'link'; path: Path | null }
  | { how: 'cursor'; path: Path | null; header: string | null; as: PageTarget; more: Path | null }
  | { how: 'offset'; as: PageTarget; size: number; first: number; more: Path | null }
  | { how: 'page'; as: PageTarget; size: number; first: number; more: Path | null }
  | { how: 'lastId'; size: number; more: Path | null }

export const pagesSchema = shape({
  link: pathText.optional(),
  cursor: pathText.optional(),
  cursorHeader: z.string().min(1).optional(),
  as: z.string().optional(),
  offset: z.string().optional(),
  page: z.string().optional(),
  first: z.int().min(0).optional(),
  lastId: z.literal(true).optional(),
  size: z.int().min(1).max(100_000).optional(),
  more: pathText.optional(),
})

/** Keys that each kind of pages may have beside its own. */
const PARTS = {
  link: [],
  cursor: ['as', 'more', 'size'],
  cursorHeader: ['as', 'more', 'size'],
  offset: ['size', 'first', 'more'],
  page: ['size', 'first', 'more'],
  lastId: ['size', 'more'],
} as const

/** Reads `pages:`. Throws ConfigError. */
export function readPages(place: Located): Pages {
  const given = parseAt(pagesSchema, place, 'pages')
  const kind = exactlyOne(place, 'pages:', [
    ...(['link', 'cursor', 'cursorHeader', 'offset', 'page', 'lastId'] as const),
  ])
  for (const key of Object.keys(given))
    if (key !== kind && !(PARTS[kind] as readonly string[]).includes(key))
      failAt(
        place,
        `pages: ${key}: is not for ${kind}:; allowed are ${[kind, ...PARTS[kind]].join(', ')}`,
        [key],
      )
  const more = given.more === undefined ? null : pathIn(below(place, 'more'))
  if (kind === 'link')
    return { how: 'link', path: given.link === 'header' ? null : pathIn(below(place, 'link')) }
  if (kind === 'cursor' || kind === 'cursorHeader') {
    if (given.as === undefined)
      return failAt(place, `pages: ${kind}: needs as: with where it is sent, as query.offset`)
    return {
      how: 'cursor',
      path: kind === 'cursor' ? pathIn(below(place, 'cursor')) : null,
      header: given.cursorHeader?.toLowerCase() ?? null,
      as: targetOf(below(place, 'as')),
      more,
    }
  }
  if (given.size === undefined)
    return failAt(place, `pages: ${kind}: needs size: with the rows of a full page`)
  if (kind === 'lastId') return { how: 'lastId', size: given.size, more }
  return {
    how: kind,
    as: targetOf(below(place, kind)),
    size: given.size,
    first: given.first ?? (kind === 'page' ? 1 : 0),
    more,
  }
}

function targetOf(place: Located): PageTarget {
  const [, where, name] = /^(query|json|header|form)\.(.+)$/.exec(String(place.value)) ?? []
  if (where === undefined || name === undefined)
    return failAt(
      place,
      `"${String(place.value)}" does not say where the page is named; write query.NAME, json.NAME, form.NAME or header.NAME`,
    )
  return { in: where as PageTarget['in'], name }
}
