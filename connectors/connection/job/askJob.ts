import { dataText } from '../../../schema/kit/dataText.ts'
import { type Scope, scopeOf } from '../../mapping/path.ts'
import { isMap } from '../../mapping/rule.ts'
import { ConnectionError, type Json, type Verdict } from '../contract.ts'
import type { JobDefinition } from '../definition/job.ts'
import type { TemplateValue } from '../definition/template.ts'
import type { TimeForm } from '../definition/timeForm.ts'
import type { Refuse } from '../pages/pager.ts'
import { type ObjectContext, valuesOf } from '../pull/context.ts'
import { refuseOf } from '../pull/readPage.ts'
import { idText } from '../pull/rows.ts'
import type { RequestName } from '../request/failure.ts'

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

/** What the system says of a job. `problem` says how it failed. */
export interface JobAnswer {
  name: RequestName
  scope: Scope
  state: 'RUNNING' | 'DONE' | 'FAILED'
  problem: string
}

/** Returns whether the settings are given without which there are no jobs. */
export function hasJobs(ctx: Pick<ObjectContext, 'setting'>, { needs }: JobDefinition): boolean {
  return [...needs].every(([name, values]) => {
    const given = ctx.setting(name)
    return given !== undefined && (values === null || values.has(given))
  })
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

const REFUSALS: ReadonlySet<Verdict> = new Set(['MISSING', 'FORBIDDEN', 'PERMANENT'])

/** Whether a system has no jobs for this user, or not this one: its rows are read in another way. */
export function isRefusal(e: unknown): e is ConnectionError {
  return e instanceof ConnectionError && REFUSALS.has(e.verdict)
}

/** Submits a job. `values` are those of the placeholders of the request. Throws ConnectionError. */
export async function submitJob(
  ctx: ObjectContext,
  definition: JobDefinition,
  values: Readonly<Record<string, TemplateValue>> = {},
  times?: TimeForm,
): Promise<{ state: JobState; refuse: Refuse }> {
  const { submit } = definition
  const { body, name } = await askJob(ctx, definition, submit.request, values, times)
  const refuse = refuseOf(name)
  const scope = scopeOf(body)
  const reason = dataText(submit.reason?.first(scope) ?? '')
  const job =
    idText(submit.id.first(scope)) ??
    refuse(
      'JOB_WITHOUT_ID',
      `the answer names no job at ${submit.id.text}${reason === '' ? '' : `: ${reason}`}`,
    )
  return { state: { job, at: ctx.now(), part: null, rows: 0 }, refuse }
}

/** Asks once for the state of a job. One that has not ended after its time has failed. */
export async function lookAtJob(
  ctx: ObjectContext,
  definition: JobDefinition,
  { job, at }: JobState,
): Promise<JobAnswer> {
  const { poll } = definition
  const { body, name } = await askJob(ctx, definition, poll.request, { job })
  const scope = scopeOf(body)
  const state = dataText(poll.state.first(scope) ?? '')
  if (poll.done.has(state)) return { name, scope, state: 'DONE', problem: '' }
  const reason = dataText(poll.reason?.first(scope) ?? '')
  const failed = (problem: string): JobAnswer => ({ name, scope, state: 'FAILED', problem })
  if (poll.failed.has(state))
    return failed(`ended as ${state}${reason === '' ? '' : ` (${reason})`}`)
  if (at > 0 && ctx.now() - at > poll.endsMs)
    return failed(`is ${state} after ${Math.round(poll.endsMs / 60_000)} minutes`)
  if (state === '')
    refuseOf(name)('JOB_WITHOUT_STATE', `the answer has no state at ${poll.state.text}`)
  return { name, scope, state: 'RUNNING', problem: '' }
}

/** Sends a request of a job. Throws ConnectionError. */
export function askJob(
  ctx: ObjectContext,
  { meaning }: JobDefinition,
  template: JobDefinition['submit']['request'],
  values: Readonly<Record<string, TemplateValue>>,
  times?: TimeForm,
) {
  const object = ctx.object.name
  return ctx.requester.ask(
    {
      ...{ object, template, values: valuesOf(ctx, { object, ...values }, times) },
      ...(meaning ? { meaning } : {}),
    },
    ctx.signal,
  )
}
