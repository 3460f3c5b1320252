import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'csv-parse/sync'
import { dataText } from '../../../schema/kit/dataText.ts'
import { scopeOf } from '../../mapping/path.ts'
import { isMap } from '../../mapping/rule.ts'
import { ConnectionError, type Json, type Verdict } from '../contract.ts'
import type { JobDefinition } from '../definition/job.ts'
import type { Refuse } from '../pages/pager.ts'
import { pagerOf } from '../pages/pagerOf.ts'
import { type ObjectContext, valuesOf } from '../pull/context.ts'
import { refuseOf } from '../pull/readPage.ts'
import { idText } from '../pull/rows.ts'
import { failureOf } from '../request/failure.ts'

/** Where a run with a job goes on; it is the state of a page in the position. */
export interface JobState {
  job: string
  /** The state of the next part of its results. */
  part: Json
}

export interface JobPart {
  records: Record<string, unknown>[]
  /** Where to go on; null after a job that failed, undefined after the last part. */
  next: JobState | null | undefined
  refuse: Refuse
}

const NO_JOBS: ReadonlySet<Verdict> = new Set(['MISSING', 'FORBIDDEN'])

/** Returns the job of a stored state; null for a state of a page. */
export function jobStateOf(state: Json): JobState | null {
  return isMap(state) && typeof state.job === 'string'
    ? { job: state.job, part: (state.part ?? null) as Json }
    : null
}

/**
 * Submits a job, or goes on with one. The first part has no rows: its state has the id of the job, so
 * that a run which ends meanwhile goes on with the same one. No part where the system has no jobs, or
 * the user may not submit one. Throws ConnectionError; MISSING where
 * the system no longer has the job, and JOB_FAILED after a part with the state null.
 */
export async function* readJob(
  ctx: ObjectContext,
  definition: JobDefinition,
  from: JobState | null,
): AsyncGenerator<JobPart, void, void> {
  const { submit, results } = definition
  let state = from
  if (state === null) {
    const answered = await ask(ctx, submit.request, {}).catch((e: unknown) => {
      if (e instanceof ConnectionError && NO_JOBS.has(e.verdict)) return null
      throw e
    })
    if (answered === null) return
    const refuse = refuseOf(answered.name)
    const job =
      idText(submit.id.first(scopeOf(answered.body))) ??
      refuse('JOB_WITHOUT_ID', `the answer names no job at ${submit.id.text}`)
    state = { job, part: null }
    yield { records: [], next: state, refuse }
  }
  const { job } = state
  const failed = await untilDone(ctx, definition, job)
  if (failed) {
    yield { records: [], next: null, refuse: refuseOf(failed.name) }
    throw failureOf(failed.name, {
      verdict: 'RETRY',
      code: 'JOB_FAILED',
      what: `the job ${job} ended as ${failed.state}${failed.reason === '' ? '' : ` (${failed.reason})`}`,
      advice: 'the next run submits another one',
    })
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
    yield { records, next: next === undefined ? undefined : { job, part: next }, refuse }
    part = next
  }
}

/** Waits until a job is done; returns how it failed, or null. */
async function untilDone(ctx: ObjectContext, { poll }: JobDefinition, job: string) {
  for (;;) {
    const { body, name } = await ask(ctx, poll.request, { job })
    const scope = scopeOf(body)
    const state = dataText(poll.state.first(scope) ?? '')
    if (poll.done.has(state)) return null
    if (poll.failed.has(state))
      return { name, state, reason: dataText(poll.reason?.first(scope) ?? '') }
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
  values: Record<string, string>,
) {
  return ctx.requester.ask(
    { object: ctx.object.name, template, values: valuesOf(ctx, values) },
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
