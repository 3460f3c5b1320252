import { setTimeout as sleep } from 'node:timers/promises'
import type { ConnectionError } from '../contract.ts'
import type { JobDefinition } from '../definition/job.ts'
import type { TemplateValue } from '../definition/template.ts'
import type { TimeForm } from '../definition/timeForm.ts'
import type { ObjectContext } from '../pull/context.ts'
import { refuseOf } from '../pull/readPage.ts'
import { isRefusal, type JobState, lookAtJob, submitJob } from './askJob.ts'
import { type JobPart, lostJob, readResults } from './readResults.ts'

/**
 * Submits a job, or goes on with one, and waits for it. The first part has no rows: its state has the
 * id of the job, so that a run which ends meanwhile goes on with the same one. No part where the system
 * has no jobs, or refuses this one; `onRefusal` is called with the reason. Throws ConnectionError;
 * MISSING where the system no longer has the job, and JOB_FAILED or JOB_CUT after a part with the state
 * null. `values` are those of the placeholders of the first request.
 */
export async function* readJob(
  ctx: ObjectContext,
  definition: JobDefinition,
  from: JobState | null,
  {
    values = {},
    times,
    onRefusal = () => {},
  }: {
    values?: Readonly<Record<string, TemplateValue>>
    times?: TimeForm
    onRefusal?: (reason: ConnectionError) => void
  } = {},
): AsyncGenerator<JobPart, void, void> {
  let state = from
  if (state === null) {
    try {
      const submitted = await submitJob(ctx, definition, values, times)
      state = submitted.state
      yield { records: [], next: state, refuse: submitted.refuse }
    } catch (e) {
      if (!isRefusal(e)) throw e
      onRefusal(e)
      return
    }
  }
  for (;;) {
    const answer = await lookAtJob(ctx, definition, state)
    if (answer.state === 'DONE') {
      yield* readResults(ctx, definition, state, answer)
      return
    }
    if (answer.state === 'FAILED') {
      yield { records: [], next: null, refuse: refuseOf(answer.name) }
      throw lostJob(answer.name, 'JOB_FAILED', `the job ${state.job} ${answer.problem}`)
    }
    await sleep(definition.poll.everyMs, undefined, { signal: ctx.signal }).catch(() => {
      ctx.signal.throwIfAborted()
    })
  }
}
