import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'csv-parse/sync'
import { dataText } from '../../../schema/kit/dataText.ts'
import { type Scope, scopeOf } from '../../mapping/path.ts'
import { isMap } from '../../mapping/rule.ts'
import { ConnectionError, type Json, type Verdict } from '../contract.ts'
import type { JobDefinition } from '../definition/job.ts'
import type { TemplateValue } from '../definition/template.ts'
import type { TimeForm } from '../definition/timeForm.ts'
import type { Refuse } from '../pages/pager.ts'
import { pagerOf } from '../pages/pagerOf.ts'
import { type ObjectContext, valuesOf } from '../pull/context.ts'
import { refuseOf } from '../pull/readPage.ts'
import { idText } from '../pull/rows.ts'
import { failureOf, type RequestName } from '../request/failure.ts'

/** Where a run with a job goes on; it is the state of a page in the position. */
export interface JobState {
  job: string
  /** When it was submitted, in ms since 1970. */
  at: number
  /** The state of the next part of its results; of files the number of the next one. */
  part: Json
  /** Rows of the parts before. */
  rows: number
}

export interface JobPart {
  records: Record<string, unknown>[]
  /** Where to go on; null after a job that failed, undefined after the last part. */
  next: JobState | null | undefined
  refuse: Refuse
}

const NO_JOBS: ReadonlySet<Verdict> = new Set(['MISSING', 'FORBIDDEN'])

/** Returns whether the settings are given without which there are no jobs. */
export function hasJobs(ctx: ObjectContext, { needs }: JobDefinition): boolean {
  return needs.every((name) => ctx.isGiven(name))
}

/** Returns the job of a stored state; null for a state of a page. */
export function jobStateOf(state: Json): JobState | null {
  return isMap(state) && typeof state.job === 'string'
    ? {
        job: state.job,
        at: Number(state.at ?? 0),
        part: (state.part ?? null) as Json,
        rows: Number(state.rows ?? 0),
      }
    : null
}

/**
 * Submits a job, or goes on with one. The first part has no rows: its state has the id of the job, so
 * that a run which ends meanwhile goes on with the same one. No part where the system has no jobs, or
 * the user may not submit one. Throws ConnectionError; MISSING where
 * the system no longer has the job, and JOB_FAILED or JOB_CUT after a part with the state null.
 * `values` are those of the placeholders of the first request.
 */
export async function* readJob(
  ctx: ObjectContext,
  definition: JobDefinition,
  from: JobState | null,
  values: Readonly<Record<string, TemplateValue>> = {},
  times?: TimeForm,
): AsyncGenerator<JobPart, void, void> {
  const { submit, results } = definition
  let state = from
  if (state === null) {
    const answered = await ask(ctx, submit.request, values, times).catch((e: unknown) => {
      if (e instanceof ConnectionError && NO_JOBS.has(e.verdict)) return null
      throw e
    })
    if (answered === null) return
    const refuse = refuseOf(answered.name)
    const scope = scopeOf(answered.body)
    const reason = dataText(submit.reason?.first(scope) ?? '')
    const job =
      idText(submit.id.first(scope)) ??
      refuse(
        'JOB_WITHOUT_ID',
        `the answer names no job at ${submit.id.text}${reason === '' ? '' : `: ${reason}`}`,
      )
    state = { job, at: ctx.now(), part: null, rows: 0 }
    yield { records: [], next: state, refuse }
  }
  const { job, at } = state
  const ended = await untilDone(ctx, definition, job, at)
  if (ended.problem !== null) {
    yield { records: [], next: null, refuse: refuseOf(ended.name) }
    throw lostJob(ended.name, 'JOB_FAILED', `the job ${job} ${ended.problem}`)
  }
  if (results.pages === null) {
    yield* readFiles(ctx, definition, state, ended)
    return
  }
  const pager = pagerOf(results.pages)
  for (let part: Json | undefined = state.part; part !== undefined; ) {
    const { mark, address } = pager.step(part)
    const answered = await ctx.requester.ask(
      {
        object: ctx.object.name,
        template: results.request,
        values: valuesOf(ctx, { job }),
        ...{ mark, address, as: 'text' },
      },
      ctx.signal,
    )
    const refuse = refuseOf(answered.name)
    const records = rowsOfCsv(dataText(answered.body ?? ''), refuse)
    const { body, headers, url } = answered
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
  { poll, results }: JobDefinition,
  { job, at, part, rows }: JobState,
  { name, scope }: { name: RequestName; scope: Scope },
): AsyncGenerator<JobPart, void, void> {
  const files = poll.files?.all(scope).flatMap((file) => idText(file) ?? []) ?? []
  const counts = poll.count?.all(scope).map(Number) ?? []
  const announced = counts.length === 0 ? null : counts.reduce((sum, count) => sum + count, 0)
  if (files.length === 0) {
    yield { records: [], next: null, refuse: refuseOf(name) }
    throw lostJob(name, 'JOB_FAILED', `the job ${job} is done and names no file`)
  }
  let read = rows
  for (let n = Number(part ?? 0); n < files.length; n++) {
    const answered = await ctx.requester.ask(
      {
        object: ctx.object.name,
        template: results.request,
        values: valuesOf(ctx, { job, file: files[n] ?? '' }),
        ...{ mark: null, address: null, as: 'text' },
      },
      ctx.signal,
    )
    const refuse = refuseOf(answered.name)
    const records = rowsOfCsv(dataText(answered.body ?? ''), refuse)
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

function lostJob(name: RequestName, code: string, what: string): ConnectionError {
  return failureOf(name, {
    ...{ verdict: 'RETRY', code, what },
    advice: 'the next run submits another one',
  })
}

/** Waits until a job has ended; `problem` says how it failed, and is null where it is done. */
async function untilDone(ctx: ObjectContext, { poll }: JobDefinition, job: string, at: number) {
  for (;;) {
    const { body, name } = await ask(ctx, poll.request, { job })
    const scope = scopeOf(body)
    const state = dataText(poll.state.first(scope) ?? '')
    if (poll.done.has(state)) return { name, scope, problem: null }
    const reason = dataText(poll.reason?.first(scope) ?? '')
    if (poll.failed.has(state))
      return { name, scope, problem: `ended as ${state}${reason === '' ? '' : ` (${reason})`}` }
    if (at > 0 && ctx.now() - at > poll.endsMs)
      return {
        name,
        scope,
        problem: `is ${state} after ${Math.round(poll.endsMs / 60_000)} minutes`,
      }
    if (state === '')
      refuseOf(name)('JOB_WITHOUT_STATE', `the answer has no state at ${poll.state.text}`)
    await sleep(poll.everyMs, undefined, { signal: ctx.signal }).catch(() => {
      ctx.signal.throwIfAborted()
    })
  }
}

function ask(
  ctx: ObjectContext,
  template: JobDefinition['submit']['request'],
  values: Readonly<Record<string, TemplateValue>>,
  times?: TimeForm,
) {
  return ctx.requester.ask(
    { object: ctx.object.name, template, values: valuesOf(ctx, values, times) },
    ctx.signal,
  )
}

/** Reads rows of CSV with a header; an empty cell is no value. */
function rowsOfCsv(text: string, refuse: Refuse): Record<string, unknown>[] {
  try {
    return parse(text, {
      ...{ bom: true, columns: true, skip_empty_lines: true },
      cast: (value, { header }) => (value === '' && !header ? null : value),
    })
  } catch (e) {
    return refuse('ANSWER_NOT_CSV', `the answer is no CSV: ${e instanceof Error ? e.message : e}`)
  }
}
