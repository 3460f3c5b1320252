import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import type { Scope } from '../../mapping/path.ts'
import { compileWhen } from '../../mapping/rule.ts'
import { namesOf } from './feed.ts'
import { compileIdOf, compileMomentOf } from './identity.ts'
import { compileJob, JOB_FIELDS, type JobDefinition } from './job.ts'
import { readTimes, TIME_FIELDS, type TimeBounds } from './listing.ts'
import { below, duration, parseAt, shape } from './shape.ts'

/** Jobs that name what was deleted in an interval. */
export interface DeletesJob {
  job: JobDefinition
  idOf(scope: Scope): string | null
  atOf: ((scope: Scope) => bigint | null) | null
  /** Whether a row of the results is gone: they may have changed rows too. */
  isOne(scope: Scope): boolean
  times: TimeBounds
  /** An interval is at least so long. */
  everyMs: number
}

const idSpec = z.union([z.string(), z.array(z.unknown()), z.record(z.string(), z.unknown())])
const { over: _over, ...fields } = JOB_FIELDS
export const deletesJobSchema = shape({
  ...fields,
  ...TIME_FIELDS,
  id: idSpec,
  at: idSpec.optional(),
  when: z.unknown().optional(),
  every: duration.optional(),
})

const everyMsDefault = 30 * 60_000

/** Reads `deletes: job:`. Throws ConfigError. */
export function readDeletesJob(
  place: Located,
  what: string,
  allowed: ReadonlySet<string>,
): DeletesJob {
  const given = parseAt(deletesJobSchema, place, what)
  const job = compileJob(place, what, new Set([...allowed, 'since', 'until']))
  const names = namesOf(job.submit)
  for (const need of ['since', 'until'])
    if (!names.has(need))
      failAt(
        below(place, 'submit'),
        `${what}.submit: does not use {${need}}, a bound of the interval`,
      )
  const times = readTimes(place)
  return {
    job,
    times,
    idOf: compileIdOf(below(place, 'id')),
    atOf: given.at === undefined ? null : compileMomentOf(below(place, 'at'), times.form.zone),
    isOne: given.when === undefined ? () => true : whenAt(below(place, 'when')),
    everyMs: given.every ?? everyMsDefault,
  }
}

function whenAt(place: Located): (scope: Scope) => boolean {
  return compileWhen(place.value, place.path, (path, message) =>
    failAt({ ...place, path }, message),
  )
}
