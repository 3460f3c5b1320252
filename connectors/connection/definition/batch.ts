import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import { namesOf } from './feed.ts'
import { compileListing, LISTING_FIELDS, type Listing } from './listing.ts'
import { REQUEST_FIELDS } from './request.ts'
import { parseAt, shape } from './shape.ts'

/** How several records are read by one request. */
export interface BatchRead {
  listing: Listing
  /** Records for which one request asks. */
  size: number
}

export const batchFields = {
  ...REQUEST_FIELDS,
  ...LISTING_FIELDS,
  size: z.int().min(1).max(10_000).optional(),
}

const schema = shape(batchFields)
const sizeDefault = 100

/** Reads `batch:` of `read:`; rows and pages may be those of the object. Throws ConfigError. */
export function readBatch(
  place: Located,
  object: Located,
  what: string,
  allowed: ReadonlySet<string>,
): BatchRead {
  const given = parseAt(schema, place, `${what}.read.batch`)
  const { rows: _rows, pages: _pages, total: _total, size, ...request } = given
  const listing = compileListing(
    // One answer holds them all, unless the batch has pages of its own.
    { requests: [{ ...place, value: request }], parts: [withoutPages(object), place] },
    `${what}: read: batch`,
    { allowed: new Set([...allowed, 'size', 'lastId', 'ids', 'each']), optional: new Set() },
  )
  const used = namesOf(listing)
  if (!used.has('ids') && !used.has('each'))
    failAt(place, `${what}: read: batch: uses neither {ids} nor {each}, the ids of its records`)
  return { listing, size: size ?? sizeDefault }
}

function withoutPages(object: Located): Located {
  const { pages: _, ...rest } = object.value as Record<string, unknown>
  return { ...object, value: rest }
}
