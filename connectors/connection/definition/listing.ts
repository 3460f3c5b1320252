import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import type { Path } from '../../mapping/path.ts'
import { isZone } from '../../mapping/zones.ts'
import { type Pages, readPages } from './pages.ts'
import { compileRequest, type RequestNames, type RequestTemplate } from './request.ts'
import { below, duration, parseAt, pathIn, pathText, shape } from './shape.ts'
import { isTimeForm, stepOf, type TimeForm } from './timeForm.ts'

/** The rows of an answer: a path, and the list that the answer must hold. */
export interface RowsPath {
  path: Path
  /** Null where the answer itself is the list. */
  list: Path | null
}

/** A request that is answered with rows, page by page. */
export interface Listing {
  request: RequestTemplate
  rows: RowsPath
  pages: Pages | null
  /** Where the answer announces the number of all rows. */
  total: Path | null
}

/** How bounds by time are made. */
export interface TimeBounds {
  form: TimeForm
  /** Microseconds. */
  lag: bigint
  overlap: bigint
  /** A bound is rounded down to it. */
  grain: bigint
  expiresMs: number | null
}

/** Keys that a listing may have beside its request. */
export const LISTING_FIELDS = {
  rows: pathText.optional(),
  pages: z.unknown().optional(),
  total: pathText.optional(),
}

export const TIME_FIELDS = {
  times: z.string().optional(),
  zone: z.string().optional(),
  lag: duration.optional(),
  overlap: duration.optional(),
  grain: z.enum(['ms', 's', 'day']).optional(),
  expires: duration.optional(),
}

/**
 * Compiles a listing. `places` go from the general to the special: the last that has a key counts;
 * requests are merged. Throws ConfigError.
 */
export function compileListing(
  places: { requests: readonly Located[]; parts: readonly Located[] },
  what: string,
  names: RequestNames,
): Listing {
  const part = (key: string): Located | null => {
    const holder = places.parts.findLast((p) => below(p, key).value !== undefined)
    return holder ? below(holder, key) : null
  }
  const [first] = places.parts
  const rows = part('rows')
  if (!rows)
    return failAt(
      places.requests.at(-1) ?? first!,
      `${what} needs rows: with the path to the rows of its answer, as rows: "items[]"`,
    )
  const pages = part('pages')
  const total = part('total')
  return {
    request: compileRequest(places.requests, what, names),
    rows: rowsPath(rows),
    pages: pages && pages.value !== null ? readPages(pages) : null,
    total: total ? pathIn(total) : null,
  }
}

function rowsPath(place: Located): RowsPath {
  const path = pathIn(place)
  const [outer = ''] = path.text.split('[]')
  return { path, list: outer === '' ? null : pathIn({ ...place, value: outer }) }
}

const lagMsDefault = 10_000
const overlapMsDefault = 300_000
const GRAINS = { ms: 1_000n, s: 1_000_000n, day: 86_400_000_000n }
const timesSchema = shape(TIME_FIELDS)

/** Reads times:, zone:, lag:, overlap:, grain: and expires:. Throws ConfigError. */
export function readTimes(place: Located): TimeBounds {
  const value: unknown = Object.fromEntries(
    Object.keys(TIME_FIELDS).flatMap((key) => {
      const given = below(place, key).value
      return given === undefined ? [] : [[key, given]]
    }),
  )
  const given = parseAt(timesSchema, { ...place, value }, '')
  const text = given.times ?? 'iso'
  if (!isTimeForm(text))
    failAt(
      below(place, 'times'),
      `times: "${text}" is no form of a time; write s, ms, us, iso, date, or a pattern as "yyyy-MM-dd HH:mm:ss" with other letters in quotes`,
    )
  const zone = given.zone ?? 'UTC'
  if (!isZone(zone))
    failAt(below(place, 'zone'), `zone: "${zone}" is not a time zone; write its name, as UTC`)
  const grain = given.grain ? GRAINS[given.grain] : 1n
  const step = stepOf(text)
  return {
    form: { text, zone },
    lag: BigInt(given.lag ?? lagMsDefault) * 1_000n,
    overlap: BigInt(given.overlap ?? overlapMsDefault) * 1_000n,
    // A day of another zone is cut when the bound is written in that zone.
    grain: zone !== 'UTC' && step >= GRAINS.day ? 1n : grain > step ? grain : step,
    expiresMs: given.expires ?? null,
  }
}
