import { parse } from 'csv-parse/sync'
import { dataText } from '../../../schema/kit/dataText.ts'
import type { Json } from '../contract.ts'
import type { JobDefinition } from '../definition/job.ts'
import type { TemplateValue } from '../definition/template.ts'
import type { Refuse } from '../pages/pager.ts'
import { pagerOf } from '../pages/pagerOf.ts'
import { type ObjectContext, valuesOf } from '../pull/context.ts'
import { refuseOf } from '../pull/readPage.ts'
import { idText } from '../pull/rows.ts'
import { failureOf, type RequestName } from '../request/failure.ts'
import type { PageMark } from '../request/render.ts'
import type { JobAnswer, JobState } from './askJob.ts'

export interface JobPart {
  records: Record<string, unknown>[]
  /** Where to go on; null after a job that failed, undefined after the last part. */
  next: JobState | null | undefined
  refuse: Refuse
}

/**
 * Reads the results of a job that is done, from a part on. Throws ConnectionError; JOB_FAILED or
 * JOB_CUT after a part with the state null.
 */
export function readResults(
  ctx: ObjectContext,
  definition: JobDefinition,
  state: JobState,
  answer: JobAnswer,
): AsyncGenerator<JobPart, void, void> {
  return definition.results.pages === null
    ? readFiles(ctx, definition, state, answer)
    : readPages(ctx, definition, state)
}

async function* readPages(
  ctx: ObjectContext,
  definition: JobDefinition,
  state: JobState,
): AsyncGenerator<JobPart, void, void> {
  const { job, at } = state
  const pager = pagerOf(definition.results.pages)
  for (let part: Json | undefined = state.part; part !== undefined; ) {
    const { mark, address } = pager.step(part)
    const answered = await fetchPart(ctx, definition, { job }, mark, address)
    const { records, refuse, body, headers, url } = answered
    const read = { body, headers, url, rows: records.length, lastId: null, total: null }
    const next = pager.next(part, read, refuse)
    if (next !== undefined && JSON.stringify(next) === JSON.stringify(part))
      refuse('REPEATED_PAGE', 'the next part of the job is this one, so it would never end')
    const rows = state.rows + records.length
    yield { records, next: next === undefined ? undefined : { job, at, part: next, rows }, refuse }
    part = next
  }
}

/** Reads the files of a job that is done, each as one part. */
async function* readFiles(
  ctx: ObjectContext,
  definition: JobDefinition,
  { job, at, part, rows }: JobState,
  { name, scope }: JobAnswer,
): AsyncGenerator<JobPart, void, void> {
  const { poll } = definition
  const files = poll.files?.all(scope).flatMap((file) => idText(file) ?? []) ?? []
  const counts = poll.count?.all(scope).map(Number) ?? []
  const announced = counts.length === 0 ? null : counts.reduce((sum, count) => sum + count, 0)
  if (files.length === 0) {
    yield { records: [], next: null, refuse: refuseOf(name) }
    throw lostJob(name, 'JOB_FAILED', `the job ${job} is done and names no file`)
  }
  let read = rows
  for (let n = Number(part ?? 0); n < files.length; n++) {
    const answered = await fetchPart(ctx, definition, { job, file: files[n] ?? '' })
    const { records, refuse } = answered
    read += records.length
    const last = n + 1 >= files.length
    // Rows that are missing at the end of a file would be missing here for ever.
    if (last && announced !== null && announced !== read) {
      yield { records, next: null, refuse }
      throw lostJob(
        answered.name,
        'JOB_CUT',
        `the job ${job} announces ${announced} rows, and its files have ${read}`,
      )
    }
    yield { records, next: last ? undefined : { job, at, part: n + 1, rows: read }, refuse }
  }
}

async function fetchPart(
  ctx: ObjectContext,
  { meaning, results }: JobDefinition,
  values: Readonly<Record<string, TemplateValue>>,
  mark: PageMark | null = null,
  address: string | null = null,
) {
  const object = ctx.object.name
  const answered = await ctx.requester.ask(
    {
      ...{ object, template: results.request, values: valuesOf(ctx, { object, ...values }) },
      ...{ mark, address, as: 'text' },
      ...(meaning ? { meaning } : {}),
    },
    ctx.signal,
  )
  const refuse = refuseOf(answered.name)
  const rows = rowsOfCsv(dataText(answered.body ?? ''), object, results.columns, refuse)
  const records: Record<string, unknown>[] = results.record ? rows.map(results.record) : rows
  return { ...answered, records, refuse }
}

/** A job whose results cannot be used. */
export function lostJob(name: RequestName, code: string, what: string) {
  return failureOf(name, {
    ...{ verdict: 'RETRY', code, what },
    advice: 'the next run submits another one',
  })
}

/**
 * Reads rows of CSV with a header; an empty cell is no value. A column that begins with the name of
 * the object, as `Account.Id`, is one of its own fields.
 */
function rowsOfCsv(
  text: string,
  object: string,
  needed: readonly string[],
  refuse: Refuse,
): Record<string, string | null>[] {
  const own = `${object.toLowerCase()}.`
  const nameOf = (column: string) =>
    column.toLowerCase().startsWith(own) ? column.slice(own.length) : column
  const missing: string[] = []
  const columns = (header: string[]) => {
    const names = header.map(nameOf)
    missing.push(...needed.filter((name) => !names.includes(name)))
    return names
  }
  let rows: Record<string, string | null>[]
  try {
    rows = parse(text, {
      ...{ bom: true, columns, skip_empty_lines: true },
      cast: (value, { header }) => (value === '' && !header ? null : value),
    })
  } catch (e) {
    return refuse('ANSWER_NOT_CSV', `the answer is no CSV: ${e instanceof Error ? e.message : e}`)
  }
  if (missing.length > 0)
    refuse('JOB_COLUMN_MISSING', `the results have no column ${missing.join(', ')}`)
  return rows
}
