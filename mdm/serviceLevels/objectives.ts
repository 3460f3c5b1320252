import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'

export const MEASURES = ['INGEST_LAG', 'FEED_LAG', 'DELIVERY_LAG'] as const
export type Measure = (typeof MEASURES)[number]

const word = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,40}$/,
    'must start with a small letter, and have at most 41 small letters, digits and hyphens',
  )
/** Each is a label of some metrics, and is checked for every message. */
const objectivesMax = 50

const objective = z.strictObject({
  name: word,
  tier: word,
  measure: z.enum(MEASURES),
  systems: z.array(z.string()).nonempty().optional(),
  types: z.array(z.string()).nonempty().optional(),
  withinMs: z.number().int().positive(),
  target: z.number().gt(0).lt(1, 'must be less than 1: otherwise there is no error budget'),
})
const schema = z.strictObject({
  windowDays: z.number().int().min(1).max(90),
  objectives: z.array(objective).max(objectivesMax),
})

/** A service-level objective: a target share of measurements within a number of milliseconds. */
export type Objective = z.infer<typeof objective>
export type ServiceLevels = z.infer<typeof schema>

/** Reads config/service-levels.yaml. Throws an error with the path of the mistake. */
export function readServiceLevels(file: string): ServiceLevels {
  const result = schema.safeParse(parse(readFileSync(file, 'utf8')))
  if (!result.success) {
    const issue = result.error.issues[0]
    throw new Error(
      `${file}: ${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'invalid'}`,
    )
  }
  const { objectives } = result.data
  const twice = objectives.find((o, i) => objectives.findIndex((p) => p.name === o.name) !== i)
  if (twice) throw new Error(`${file}: there are two objectives named "${twice.name}"`)
  const wrong = objectives.find((o) => o.measure !== 'INGEST_LAG' && (o.systems || o.types))
  if (wrong)
    throw new Error(
      `${file}: ${wrong.name}: systems and types belong to INGEST_LAG; the feed and its deliveries have one lag each`,
    )
  return result.data
}

/** Returns whether an objective covers messages of this system that are mapped to this type. */
export function isAbout(o: Objective, system: string, type: string | null): boolean {
  return (
    (!o.systems || o.systems.includes(system)) &&
    (!o.types || (type !== null && o.types.includes(type)))
  )
}
