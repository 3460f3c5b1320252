import { z } from 'zod'
import { type ClosedTime, HOLDS, type Hold } from '../schema/closedTime.ts'
import { patternFault } from './calendar.ts'
import { below, duration, parseAt, shape } from './connection/definition/shape.ts'
import { failAt, type Located } from './mapping/document.ts'

const holdsDefault: readonly Hold[] = ['PULL', 'WRITE']
const zoneDefault = 'UTC'
/** A system that is closed for longer is paused by a person. */
const closedMsMax = 31 * 86_400_000
const whyCharsMax = 200

const holdNames = HOLDS.map((hold) => hold.toLowerCase())
const timeSchema = shape({
  at: z.string().optional(),
  for: duration.optional(),
  zone: z.string().optional(),
  from: z.unknown().optional(),
  to: z.unknown().optional(),
  holds: z
    .array(z.enum(holdNames, { error: `must be of ${holdNames.join(', ')}` }))
    .min(1)
    .optional(),
  why: z.string().max(whyCharsMax).optional(),
})

/** Reads `closed:` of a source system in config/sources.yaml. Throws ConfigError. */
export function readCalendar(place: Located): ClosedTime[] {
  if (!Array.isArray(place.value))
    failAt(place, 'closed: must be a list of times, each with at: and for:, or with from: and to:')
  return (place.value as unknown[]).map((_, i) => readTime(below(place, i)))
}

function readTime(place: Located): ClosedTime {
  const given = parseAt(timeSchema, place, 'closed')
  const holds = (given.holds ?? holdsDefault).map((hold) => hold.toUpperCase() as Hold)
  const why = given.why ?? 'the system is closed'
  if (given.at === undefined) {
    for (const key of ['for', 'zone'] as const)
      if (given[key] !== undefined) failAt(place, `closed: ${key}: is for at:`, [key])
    const [from, to] = [instant(place, 'from'), instant(place, 'to')]
    if (to <= from) failAt(place, 'closed: to: must be after from:', ['to'])
    return { holds, why, from, to }
  }
  for (const key of ['from', 'to'] as const)
    if (given[key] !== undefined)
      failAt(place, `closed: ${key}: is allowed without at: alone`, [key])
  if (given.for === undefined) return failAt(place, 'closed: at: needs for:, such as 6h')
  if (given.for < 1_000 || given.for > closedMsMax)
    failAt(place, 'closed: for: must be from 1s to 31d', ['for'])
  const zone = given.zone ?? zoneDefault
  const fault = patternFault(given.at, zone)
  if (fault !== null)
    failAt(
      place,
      `closed: at: "${given.at}" in ${zone} is no cron pattern (minute hour day month weekday, as in "0 22 * * 6"): ${fault}`,
      ['at'],
    )
  return { holds, why, at: given.at, zone, ms: given.for }
}

/** Reads a time with its offset, in ms since 1970. */
function instant(place: Located, key: 'from' | 'to'): number {
  const { value } = below(place, key)
  const text = value instanceof Date ? value.toISOString() : String(value ?? '')
  const isWhole = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text)
  const ms = Date.parse(text)
  if (!isWhole || Number.isNaN(ms))
    failAt(
      place,
      `closed: ${key}: must be a time with its offset, as in 2026-12-24T18:00:00+01:00`,
      [key],
    )
  return ms
}
