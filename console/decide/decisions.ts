import { mutate } from '../graph/client.ts'
import { toastDone, toastFailed } from '../parts/toasts.tsx'
import { forget } from './ahead.ts'
import {
  type DecidedFragment,
  DecideMergeDocument,
  type DecideMergeMutationVariables,
  DecideNotAMatchDocument,
  DecideUndoDocument,
  DecideWithdrawDocument,
} from './decide.generated.ts'

/** A decision that was sent, and can be undone. */
interface Decision {
  taskId: string
  name: string
  result: Promise<DecidedFragment | null>
}

const undoMax = 10
const attemptsMax = 3
const retryMs = 500
let decisions: Decision[] = []
/** Wire of the open screen: a failed decision offers its pair again. */
let reopen: (taskId: string) => void = () => {}

export function onReopen(handler: (taskId: string) => void): void {
  reopen = handler
}

export function canUndo(): boolean {
  return decisions.length > 0
}

export function merge(
  taskId: string,
  name: string,
  input: DecideMergeMutationVariables['input'],
  reason: string,
): void {
  const variables = { input: { ...input, task: taskId }, reason, key: crypto.randomUUID() }
  send(taskId, name, async () => {
    const { data, failure } = await repeated(() => mutate(DecideMergeDocument, variables))
    return { result: data?.mergeRecords, failure }
  })
}

export function notAMatch(
  taskId: string,
  name: string,
  input: DecideMergeMutationVariables['input'],
  reason: string,
): void {
  const decided = { records: input.records, task: taskId }
  const variables = { input: decided, reason, key: crypto.randomUUID() }
  send(taskId, name, async () => {
    const { data, failure } = await repeated(() => mutate(DecideNotAMatchDocument, variables))
    return { result: data?.notAMatch, failure }
  })
}

/**
 * Sends a decision while the next pair is shown already. It names the versions that were painted, so
 * it is carried out on nothing else; whatever else happens is said, and the pair offered again.
 */
function send(
  taskId: string,
  name: string,
  run: () => Promise<{ result: DecidedFragment | undefined; failure: { message: string } | null }>,
): void {
  const result = run().then(({ result, failure }) => {
    if (result?.__typename === 'ActionDone') {
      const touched = new Set(result.action.effect.map((e) => e.goldenId))
      // Other pairs of these records were painted, or loaded, in versions that are past.
      forget(
        (id, pair) =>
          id !== taskId && (pair?.subjects.some((s) => touched.has(s.goldenId)) ?? false),
      )
      toastDone(name, { name: 'Undo', key: 'u', run: () => void undo() })
      return result
    }
    if (result?.__typename === 'ApprovalNeeded') {
      toastDone(`${name}: waits for a second person`, {
        name: 'Withdraw',
        key: 'u',
        run: () => void undo(),
      })
      return result
    }
    decisions = decisions.filter((d) => d.taskId !== taskId)
    const why =
      result?.__typename === 'ActionConflict'
        ? 'the records changed since you saw them'
        : result?.__typename === 'ActionRefused'
          ? result.detail
          : (failure?.message ?? 'the server gave no result')
    toastFailed(`Not done: ${name}. Nothing was changed, because ${why}`)
    forget((id) => id === taskId)
    reopen(taskId)
    return null
  })
  decisions = [...decisions, { taskId, name, result }].slice(-undoMax)
}

/** Undoes the last decision. Returns its task, which is open again; null if there is none. */
export async function undo(): Promise<string | null> {
  const last = decisions.at(-1)
  if (!last) {
    toastFailed('There is nothing to undo')
    return null
  }
  decisions = decisions.slice(0, -1)
  const result = await last.result
  if (result?.__typename !== 'ActionDone' && result?.__typename !== 'ApprovalNeeded') return null
  const undone = await takeBack(result)
  if (undone !== null) {
    toastFailed(`Not undone: ${last.name}. ${undone}`)
    return null
  }
  forget(() => true)
  toastDone(`Undone: ${last.name}`)
  reopen(last.taskId)
  return last.taskId
}

/** Returns why a decision could not be taken back, or null. */
async function takeBack(
  result: Extract<DecidedFragment, { __typename: 'ActionDone' | 'ApprovalNeeded' }>,
): Promise<string | null> {
  const action = result.action.id
  const reason = 'Undone by its author'
  const key = crypto.randomUUID()
  const { data, failure } =
    result.__typename === 'ActionDone'
      ? await repeated(() => mutate(DecideUndoDocument, { action, reason, key })).then((o) => ({
          ...o,
          data: o.data?.undoAction,
        }))
      : await mutate(DecideWithdrawDocument, { action, reason }).then((o) => ({
          ...o,
          data: o.data?.withdrawAction,
        }))
  if (data?.__typename === 'ActionDone') return null
  if (data?.__typename === 'ActionRefused') return data.detail
  if (data?.__typename === 'ApprovalNeeded')
    return 'A second person has to approve the undo; it is proposed'
  return failure?.message ?? 'The records changed since'
}

/** Repeats a mutation whose outcome is unknown. Its idempotency key makes that safe. */
async function repeated<T extends { failure: { kind: string } | null }>(
  run: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await run()
    if (outcome.failure?.kind !== 'AWAY' || attempt === attemptsMax) return outcome
    await new Promise((resolve) => setTimeout(resolve, retryMs * attempt))
  }
}
