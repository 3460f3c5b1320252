import { mutate, type Outcome } from '../graph/client.ts'
import { toastDone, toastFailed } from '../parts/toasts.tsx'
import { counted } from '../parts/valueText.ts'
import {
  ExceptionCorrectDocument,
  type ExceptionResultFragment,
  ExceptionRetryDocument,
  ExceptionSetAsideDocument,
} from './exceptions.generated.ts'
import type { Filter } from './filter.ts'

/** Largest number of exceptions in one request. */
const perRequestMax = 1_000
/** How often a request without a response is sent again, each time with the same key. */
const attemptsMax = 3

type Result = { result: ExceptionResultFragment }

/** Applies a corrected payload in place of the message. Returns whether it was done. */
export async function correct(
  id: string,
  payload: string,
  object: string | null,
  reason: string,
  key: string,
): Promise<boolean> {
  const outcome = await mutate(ExceptionCorrectDocument, { id, payload, object, reason, key })
  return report(outcome, (done) => `Corrected by message ${done.correctedBy}: it is applied now`)
}

export async function setAside(
  ids: readonly string[],
  reason: string,
  key: string,
): Promise<boolean> {
  const outcome = await mutate(ExceptionSetAsideDocument, { ids: [...ids], reason, key })
  return report(outcome, ({ messages }) => `Set aside ${counted(messages, 'message')}`)
}

/** How far a retry of many is: so many are in the queue again, and so many are still to come. */
export interface RetryProgress {
  queued: number
  left: number
}

/**
 * Puts exceptions into the queue again, a thousand at a time. `key` names the whole: the same one
 * repeats it. Returns whether all are in the queue.
 */
export async function retry(
  filter: Filter,
  reason: string,
  key: string,
  progress: (now: RetryProgress) => void = () => {},
): Promise<boolean> {
  let queued = 0
  let beyond: string | null = null
  for (let turn = 0; ; turn++) {
    const variables = {
      filter: { ...filter, ...(beyond === null ? {} : { beyond }) },
      limit: perRequestMax,
      reason,
      key: turn === 0 ? key : `${key}-${turn}`,
    }
    const outcome: Outcome<Result> = await withoutLoss(() =>
      mutate(ExceptionRetryDocument, variables),
    )
    const result = outcome.data?.result
    if (result?.__typename !== 'InboundExceptionDone') {
      const before = queued > 0 ? `${counted(queued, 'message')} are in the queue. ` : ''
      return report(outcome, () => '', before)
    }
    queued += result.messages
    progress({ queued, left: result.left })
    if (result.left === 0 || result.last === null) break
    beyond = result.last
  }
  if (queued === 0)
    toastFailed('None was put into the queue: they wait there already, or are not open any more')
  else toastDone(`${counted(queued, 'message')} ${queued === 1 ? 'is' : 'are'} tried again`)
  return true
}

async function withoutLoss<T>(send: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await send()
    if (outcome.failure?.kind !== 'AWAY' || attempt === attemptsMax) return outcome
    await new Promise((resolve) => setTimeout(resolve, 1_000 * attempt))
  }
}

function report(
  { data, failure }: Outcome<Result>,
  text: (done: Extract<ExceptionResultFragment, { __typename: 'InboundExceptionDone' }>) => string,
  before = '',
): boolean {
  const result = data?.result
  if (result?.__typename === 'InboundExceptionDone') {
    toastDone(text(result))
    return true
  }
  toastFailed(
    result
      ? `${before}Refused: ${result.detail}. Nothing else was changed.`
      : `${before}${failure?.message ?? 'The server gave no result.'} Press again to repeat the same request.`,
  )
  return false
}
