import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import type { Path } from '../../mapping/path.ts'
import { type Pages, readPages } from './pages.ts'
import { compileRequest, REQUEST_FIELDS, type RequestTemplate } from './request.ts'
import { below, duration, parseAt, pathIn, pathText, shape } from './shape.ts'

/** Rows that the system prepares: a job is submitted once, asked for its state, fetched in parts. */
export interface JobDefinition {
  /** A list of so many rows or fewer is read page by page; null where more than one page is a job. */
  over: number | null
  /** Settings without which there are no jobs. */
  needs: readonly string[]
  /** `reason` is where an answer without an id says why. */
  submit: { request: RequestTemplate; id: Path; reason: Path | null }
  poll: {
    request: RequestTemplate
    state: Path
    done: ReadonlySet<string>
    failed: ReadonlySet<string>
    reason: Path | null
    /** Ids of the files that hold the results; null where the job itself has them. */
    files: Path | null
    /** The number of rows of all files. */
    count: Path | null
    everyMs: number
    /** How long after its submission a job is given up. */
    endsMs: number
  }
  /** Its answers are CSV. */
  results: { request: RequestTemplate; pages: Pages | null }
}

const words = z.array(z.string().min(1)).min(1)
const jobSchema = shape({
  over: z.int().min(0).optional(),
  needs: words.optional(),
  submit: shape({ ...REQUEST_FIELDS, id: pathText, reason: pathText.optional() }),
  poll: shape({
    ...REQUEST_FIELDS,
    state: pathText,
    done: words,
    failed: words,
    reason: pathText.optional(),
    files: pathText.optional(),
    count: pathText.optional(),
    every: duration.optional(),
    ends: duration.optional(),
  }),
  results: shape({ ...REQUEST_FIELDS, pages: z.unknown().optional() }),
})

const everyMsDefault = 5_000
const endsMsDefault = 6 * 3_600_000

/** Reads `job:` of a full run or a window; null where it has none. Throws ConfigError. */
export function readJob(
  place: Located,
  what: string,
  allowed: ReadonlySet<string>,
): JobDefinition | null {
  if (place.value === undefined || place.value === null) return null
  const { over, needs, submit, poll, results } = parseAt(jobSchema, place, what)
  const request = (key: string, value: object, more: string[]) =>
    compileRequest([{ ...below(place, key), value }], `${what}.${key}`, {
      allowed: new Set([...allowed, ...more]),
      optional: new Set(),
    })
  const { id: _id, reason: refused, ...submitted } = submit
  const { state: _state, done, failed, reason, files, count, every, ends, ...polled } = poll
  const { pages, ...fetched } = results
  if ((pages === undefined) === (files === undefined))
    failAt(place, `${what} needs either results: pages: or poll: files:, where its rows are`)
  const optional = (given: string | undefined, ...at: string[]) =>
    given === undefined ? null : pathIn(below(place, ...at))
  return {
    over: over ?? null,
    needs: needs ?? [],
    submit: {
      request: request('submit', submitted, ['fields']),
      id: pathIn(below(place, 'submit', 'id')),
      reason: optional(refused, 'submit', 'reason'),
    },
    poll: {
      request: request('poll', polled, ['job']),
      state: pathIn(below(place, 'poll', 'state')),
      done: new Set(done),
      failed: new Set(failed),
      reason: optional(reason, 'poll', 'reason'),
      files: optional(files, 'poll', 'files'),
      count: optional(count, 'poll', 'count'),
      everyMs: every ?? everyMsDefault,
      endsMs: ends ?? endsMsDefault,
    },
    results: {
      request: request('results', fetched, ['job', 'file']),
      pages: pages === undefined ? null : readPages(below(place, 'results', 'pages')),
    },
  }
}
