import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import type { Path } from '../../mapping/path.ts'
import { type AnswerMeaning, MEANING_FIELDS, readMeaning } from './http.ts'
import { type JobRecord, jobRecordSchema, readJobRecord } from './jobRecord.ts'
import { type Pages, readPages } from './pages.ts'
import { compileRequest, REQUEST_FIELDS, type RequestTemplate } from './request.ts'
import { below, duration, parseAt, pathIn, pathText, scalar, shape } from './shape.ts'

/** Rows that the system prepares: a job is submitted once, asked for its state, fetched in parts. */
export interface JobDefinition {
  /** A list of so many rows or fewer is read page by page; null where more than one page is a job. */
  over: number | null
  /** Settings without which there are no jobs, with the values that they may have; null: any. */
  needs: ReadonlyMap<string, ReadonlySet<string> | null>
  /** What its answers mean, where it is not that of `http:`. */
  meaning: AnswerMeaning | null
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
  /** Its answers are CSV. `record` makes the record of a row; null where its columns are the record. */
  results: {
    request: RequestTemplate
    pages: Pages | null
    /** Columns that each file must have: without them rows would be read as others. */
    columns: readonly string[]
    record: JobRecord | null
  }
}

const words = z.array(z.string().min(1)).min(1)
/** The keys of a job; others may stand beside them. */
export const JOB_FIELDS = {
  over: z.int().min(0).optional(),
  needs: z.union([words, z.record(z.string(), z.array(scalar).min(1))]).optional(),
  ...MEANING_FIELDS,
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
  results: shape({
    ...REQUEST_FIELDS,
    pages: z.unknown().optional(),
    columns: words.optional(),
    record: jobRecordSchema.optional(),
  }),
}
const jobSchema = shape(JOB_FIELDS)

const everyMsDefault = 5_000
const endsMsDefault = 6 * 3_600_000

/** Reads `job:` of a full run or a window; null where it has none. Throws ConfigError. */
export function readJob(
  place: Located,
  what: string,
  allowed: ReadonlySet<string>,
): JobDefinition | null {
  if (place.value === undefined || place.value === null) return null
  return compileJob(place, what, allowed)
}

/** Compiles the keys of a job. Throws ConfigError. */
export function compileJob(
  place: Located,
  what: string,
  allowed: ReadonlySet<string>,
): JobDefinition {
  const own = Object.fromEntries(
    Object.entries(place.value as object).filter(([key]) => Object.hasOwn(JOB_FIELDS, key)),
  )
  const given = parseAt(jobSchema, { ...place, value: own }, what)
  const { over, needs, submit, poll, results } = given
  const request = (key: string, value: object, more: string[]) =>
    compileRequest([{ ...below(place, key), value }], `${what}.${key}`, {
      allowed: new Set([...allowed, 'object', ...more]),
      optional: new Set(),
    })
  const { id: _id, reason: refused, ...submitted } = submit
  const { state: _state, done, failed, reason, files, count, every, ends, ...polled } = poll
  const { pages, columns, record, ...fetched } = results
  if ((pages === undefined) === (files === undefined))
    failAt(place, `${what} needs either results: pages: or poll: files:, where its rows are`)
  const meaning = Object.fromEntries(
    Object.entries(own).filter(([key]) => Object.hasOwn(MEANING_FIELDS, key)),
  )
  const hasMeaning = Object.keys(meaning).length > 0
  const needsOf = (names: NonNullable<typeof needs>) => {
    const values = Array.isArray(names)
      ? names.map((n) => [n, null] as const)
      : Object.entries(names)
    for (const [name] of values)
      if (!allowed.has(name))
        failAt(
          below(place, 'needs'),
          `${what}.needs: "${name}" is no setting; there are ${[...allowed].join(', ')}`,
        )
    return new Map(values.map(([name, one]) => [name, one && new Set(one.map(String))]))
  }
  const optional = (given: string | undefined, ...at: string[]) =>
    given === undefined ? null : pathIn(below(place, ...at))
  return {
    over: over ?? null,
    needs: needsOf(needs ?? []),
    meaning: hasMeaning ? readMeaning({ ...place, value: meaning }) : null,
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
      columns: columns ?? [],
      record: record === undefined ? null : readJobRecord(record),
    },
  }
}
