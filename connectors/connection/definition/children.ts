import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import type { Path, Scope } from '../../mapping/path.ts'
import { compileWhen } from '../../mapping/rule.ts'
import { namesOf } from './feed.ts'
import { idNames } from './identity.ts'
import { compileListing, LISTING_FIELDS, type Listing } from './listing.ts'
import { REQUEST_FIELDS } from './request.ts'
import { below, parseAt, pathIn, pathText, shape } from './shape.ts'

/** More that is read for the rows of a page and put into them. */
export interface Child {
  /** The name in the row. */
  into: string
  listing: Listing
  /** The path of the parent's id in each child, where one request reads those of several rows. */
  by: Path | null
  /** Whether a row has such children; null: each may have. */
  when: ((scope: Scope) => boolean) | null
  /** Rows for which one request asks. */
  size: number
}

const childSchema = shape({
  into: z.string().min(1),
  ...REQUEST_FIELDS,
  ...LISTING_FIELDS,
  by: pathText.optional(),
  when: z.unknown().optional(),
  size: z.int().min(1).max(10_000).optional(),
})

const sizeDefault = 100

/** Reads `children:` of an object: one or a list of them. Throws ConfigError. */
export function readChildren(place: Located, what: string, allowed: ReadonlySet<string>): Child[] {
  if (place.value === undefined || place.value === null) return []
  const several = Array.isArray(place.value)
  return [place.value].flat().map((_, i) => {
    const at = several ? below(place, i) : place
    const child = parseAt(childSchema, at, `${what}.children`)
    const { into: _into, rows: _rows, pages: _pages, total: _total, ...more } = child
    const { by, when, size, ...request } = more
    const listing = compileListing(
      { requests: [{ ...at, value: request }], parts: [at] },
      `${what}: children`,
      {
        allowed: new Set([...allowed, 'size', 'lastId', ...(by === undefined ? ID : IDS)]),
        optional: new Set(),
      },
    )
    const used = namesOf(listing)
    const [needed, other] = by === undefined ? [ID, 'by: and {ids}'] : [IDS, '{id} without by:']
    if (!needed.some((n) => used.has(n)))
      failAt(
        at,
        `${what}: children: the request does not use {${needed[0]}}, so it would read the same for each row; or use ${other}`,
      )
    return {
      into: child.into,
      listing,
      by: by === undefined ? null : pathIn(below(at, 'by')),
      when:
        when === undefined
          ? null
          : compileWhen(when, below(at, 'when').path, (path, message) =>
              failAt({ ...at, path }, message),
            ),
      size: size ?? sizeDefault,
    }
  })
}

const ID = idNames
const IDS = ['ids', 'each']
