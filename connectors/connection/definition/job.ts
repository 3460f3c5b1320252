import { z } from 'zod'
import type { Located } from '../../mapping/document.ts'
import type { Path } from '../../mapping/path.ts'
import { type Pages, readPages } from './pages.ts'
import { compileRequest, REQUEST_FIELDS, type RequestTemplate } from './request.ts'
import { below, duration, parseAt, pathIn, pathText, shape } from './shape.ts'

/** A full load that the system prepares: submitted once, asked for its state, fetched in parts. */
export interface JobDefinition {
  /** A list of so many rows or fewer is read page by page. */
  over: number
  submit: { request: RequestTemplate; id: Path }
  poll: {
    request: RequestTemplate
    state: Path
    done: ReadonlySet<string>
    failed: ReadonlySet<string>
    reason: Path | null
    everyMs: number
  }
  /** Its answers are CSV. */
  results: { request: RequestTemplate; pages: Pages }
}

const words = z.array(z.string().min(1)).min(1)
const jobSchema = shape({
  over: z.int().min(0),
  submit: shape({ ...REQUEST_FIELDS, id: pathText }),
  poll: shape({
    ...REQUEST_FIELDS,
    state: pathText,
    done: words,
    failed: words,
    reason: pathText.optional(),
    every: duration.optional(),
  }),
  results: shape({ ...REQUEST_FIELDS, pages: z.unknown() }),
})

const everyMsDefault = 5_000

/** Reads `job:` of a full run; null where it has none. Throws ConfigError. */
export function readJob(
  place: Located,
  what: string,
  allowed: ReadonlySet<string>,
): JobDefinition | null {
  if (place.value === undefined || place.value === null) return null
  const { over, submit, poll, results } = parseAt(jobSchema, place, what)
  const request = (key: string, value: object, more: string[]) =>
    compileRequest([{ ...below(place, key), value }], `${what}.${key}`, {
      allowed: new Set([...allowed, ...more]),
      optional: new Set(),
    })
  const { id: _id, ...submitted } = submit
  const { state: _state, done, failed, reason, every, ...polled } = poll
  const { pages: _pages, ...fetched } = results
  return {
    over,
    submit: {
      request: request('submit', submitted, ['fields']),
      id: pathIn(below(place, 'submit', 'id')),
    },
    poll: {
      request: request('poll', polled, ['job']),
      state: pathIn(below(place, 'poll', 'state')),
      done: new Set(done),
      failed: new Set(failed),
      reason: reason === undefined ? null : pathIn(below(place, 'poll', 'reason')),
      everyMs: every ?? everyMsDefault,
    },
    results: {
      request: request('results', fetched, ['job']),
      pages: readPages(below(place, 'results', 'pages')),
    },
  }
}
