import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import type { Path, Scope } from '../../mapping/path.ts'
import { compileMomentOf } from './identity.ts'
import {
  compileListing,
  LISTING_FIELDS,
  type Listing,
  readTimes,
  TIME_FIELDS,
  type TimeBounds,
} from './listing.ts'
import { REQUEST_FIELDS, type RequestTemplate } from './request.ts'
import { below, parseAt, pathIn, pathText, shape } from './shape.ts'

/** A list of events that name what changed. */
export interface Feed {
  name: string
  listing: Listing
  id: Path
  at(scope: Scope): bigint | null
  type: Path
  order: 'newest' | 'oldest'
  times: TimeBounds
}

const feedSchema = shape({
  list: shape(REQUEST_FIELDS),
  ...LISTING_FIELDS,
  ...TIME_FIELDS,
  id: pathText,
  at: pathText,
  type: pathText,
  order: z.enum(['newest', 'oldest']),
})

/** Reads `feeds:` of a definition. Throws ConfigError. */
export function readFeeds(place: Located, allowed: ReadonlySet<string>): Map<string, Feed> {
  if (place.value === undefined) return new Map()
  const named = parseAt(z.record(z.string(), z.unknown()), place, 'feeds')
  return new Map(
    Object.keys(named).map((name) => {
      const at = below(place, name)
      const what = `feeds.${name}`
      const given = parseAt(feedSchema, at, what)
      const listing = compileListing({ requests: [below(at, 'list')], parts: [at] }, what, {
        allowed: new Set([...allowed, 'since', 'until', 'types', 'lastId', 'size']),
        optional: new Set(),
      })
      if (!namesOf(listing).has('since'))
        failAt(below(at, 'list'), `${what}: list: needs {since}, else each run reads all events`)
      return [
        name,
        {
          name,
          listing,
          id: pathIn(below(at, 'id')),
          at: compileMomentOf(below(at, 'at')),
          type: pathIn(below(at, 'type')),
          order: given.order,
          times: readTimes(at),
        },
      ]
    }),
  )
}

/** Returns the placeholders that a listing uses. */
export function namesOf({ request }: { request: RequestTemplate }): Set<string> {
  const names = new Set(request.path.names)
  const add = (found: ReadonlySet<string>) => {
    for (const name of found) names.add(name)
  }
  for (const list of request.query.values()) for (const t of list) add(t.names)
  for (const t of request.headers.values()) add(t.names)
  const { body } = request
  if (body?.as === 'text') add(body.text.names)
  if (body?.as === 'form') for (const list of body.form.values()) for (const t of list) add(t.names)
  const inJson = (json: unknown): void => {
    if (json === null || typeof json !== 'object') return
    if ('render' in json && 'names' in json) add(json.names as ReadonlySet<string>)
    else if ('list' in json) for (const one of json.list as unknown[]) inJson(one)
    else if ('map' in json)
      for (const one of (json.map as Map<string, unknown>).values()) inJson(one)
  }
  if (body?.as === 'json') inJson(body.json)
  return names
}
