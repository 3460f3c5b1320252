import { parse } from 'csv-parse/sync'
import { dataText } from '../../../schema/kit/dataText.ts'
import { isMap } from '../../mapping/rule.ts'
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
import type { Ask } from '../request/requester.ts'
import { createResultFile } from '../request/resultFile.ts'
import type { JobAnswer, JobState } from './askJob.ts'
import { type CsvRow, csvOptions, csvParts, refuseCsv } from './csvParts.ts'

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

/** Reads the files of a job that is done, each in parts. */
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
  const begun = filePartOf(part)
  for (let n = begun.file; n < files.length; n++) {
    let row = n === begun.file ? begun.row : 0
    for await (const one of readFile(ctx, definition, { job, file: files[n] ?? '' }, row)) {
      const { records, isLast, refuse } = one
      read += records.length
      row += records.length
      const last = isLast && n + 1 >= files.length
      // Rows that are missing at the end of a file would be missing here for ever.
      if (last && announced !== null && announced !== read) {
        yield { records, next: null, refuse }
        throw lostJob(
          one.name,
          'JOB_CUT',
          `the job ${job} announces ${announced} rows, and its files have ${read}`,
        )
      }
      const to = isLast ? n + 1 : { file: n, row }
      yield { records, next: last ? undefined : { job, at, part: to, rows: read }, refuse }
    }
  }
}

/** Returns the file and the row of it that come next; earlier states name the file alone. */
function filePartOf(part: Json): { file: number; row: number } {
  return isMap(part)
    ? { file: Number(part.file ?? 0), row: Number(part.row ?? 0) }
    : { file: Number(part ?? 0), row: 0 }
}

/**
 * Reads the rows of one file in parts, from a row on. The file lies on the disk meanwhile, so neither
 * its size nor the time that rows take to be stored matters to memory and to the system.
 */
async function* readFile(
  ctx: ObjectContext,
  definition: JobDefinition,
  values: Readonly<Record<string, TemplateValue>>,
  skip: number,
) {
  const { results } = definition
  const file = await createResultFile()
  try {
    const { name } = await askResults(ctx, definition, values, { file })
    const refuse = refuseOf(name)
    const form = { object: ctx.object.name, needed: results.columns }
    for await (const { rows, isLast } of csvParts(
      file.reader(),
      form,
      { rowsMax: partRowsMax, skip },
      refuse,
    )) {
      ctx.signal.throwIfAborted()
      yield { name, records: recordsOf(rows, definition), isLast, refuse }
    }
  } finally {
    await file.close()
  }
}
/** Rows of a file that are stored together. */
const partRowsMax = 2_000

async function fetchPart(
  ctx: ObjectContext,
  definition: JobDefinition,
  values: Readonly<Record<string, TemplateValue>>,
  mark: PageMark | null = null,
  address: string | null = null,
) {
  const answered = await askResults(ctx, definition, values, { mark, address, as: 'text' })
  const refuse = refuseOf(answered.name)
  const form = { object: ctx.object.name, needed: definition.results.columns }
  const { options, check } = csvOptions(form, refuse)
  let rows: CsvRow[]
  try {
    rows = parse(dataText(answered.body ?? ''), options)
  } catch (e) {
    return refuseCsv(e, refuse)
  }
  check()
  return { ...answered, records: recordsOf(rows, definition), refuse }
}

function askResults(
  ctx: ObjectContext,
  { meaning, results }: JobDefinition,
  values: Readonly<Record<string, TemplateValue>>,
  how: Pick<Ask, 'mark' | 'address' | 'as' | 'file'>,
) {
  const object = ctx.object.name
  return ctx.requester.ask(
    {
      ...{ object, template: results.request, values: valuesOf(ctx, { object, ...values }) },
      ...how,
      ...(meaning ? { meaning } : {}),
    },
    ctx.signal,
  )
}

function recordsOf(rows: CsvRow[], { results }: JobDefinition): Record<string, unknown>[] {
  return results.record ? rows.map(results.record) : rows
}

/** A job whose results cannot be used. */
export function lostJob(name: RequestName, code: string, what: string) {
  return failureOf(name, {
    ...{ verdict: 'RETRY', code, what },
    advice: 'the next run submits another one',
  })
}
