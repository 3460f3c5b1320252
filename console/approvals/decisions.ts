import { mutate } from '../graph/client.ts'
import type { Operation } from '../graph/operation.ts'
import { toastDone, toastFailed } from '../parts/toasts.tsx'
import {
  type ApprovalDecidedFragment,
  ApproveProposalDocument,
  DeclineProposalDocument,
  UndoApprovedDocument,
  WithdrawProposalDocument,
} from './approvals.generated.ts'

export type Decision = 'APPROVE' | 'DECLINE' | 'WITHDRAW'

const DOCUMENTS: Record<
  Decision,
  Operation<{ result: ApprovalDecidedFragment }, { id: string; reason: string }>
> = {
  APPROVE: ApproveProposalDocument,
  DECLINE: DeclineProposalDocument,
  WITHDRAW: WithdrawProposalDocument,
}
const DONE: Record<Decision, string> = {
  APPROVE: 'Approved',
  DECLINE: 'Declined',
  WITHDRAW: 'Withdrawn',
}

/** The last approval that can be undone; null if there is none. */
let last: { id: string; name: string } | null = null

/**
 * Decides on a proposal. Returns whether it was decided. A proposal is decided once, so a request
 * whose response was lost may be repeated: the graph refuses the second one.
 */
export async function decide(
  decision: Decision,
  { id, name }: { id: string; name: string },
  reason: string,
  isUndoable: boolean,
): Promise<boolean> {
  const { data, failure } = await mutate(DOCUMENTS[decision], { id, reason })
  const result = data?.result
  if (result?.__typename === 'ActionDone') {
    const canUndo = decision === 'APPROVE' && isUndoable
    if (canUndo) last = { id, name }
    toastDone(
      `${DONE[decision]}: ${name}`,
      canUndo ? { name: 'Undo', key: 'u', run: () => void undo() } : undefined,
    )
    return true
  }
  const why =
    result?.__typename === 'ActionConflict'
      ? 'the records changed since its author saw them'
      : result?.__typename === 'ActionRefused'
        ? result.detail
        : (failure?.message ?? 'the server gave no result')
  toastFailed(`Not done: ${name}. Nothing was changed, because ${why}`)
  return false
}

/** Undoes the last approval of this page. */
export async function undo(): Promise<void> {
  if (!last) return toastFailed('There is no approval to undo')
  const { id, name } = last
  last = null
  const { data, failure } = await mutate(UndoApprovedDocument, {
    id,
    reason: 'Undone by its approver',
    key: crypto.randomUUID(),
  })
  const result = data?.result
  if (result?.__typename === 'ActionDone') return toastDone(`Undone: ${name}`)
  if (result?.__typename === 'ApprovalNeeded')
    return toastDone(`The undo waits for a second person: ${name}`)
  toastFailed(
    `Not undone: ${name}. ${
      result?.__typename === 'ActionRefused'
        ? result.detail
        : (failure?.message ?? 'The records changed since')
    }`,
  )
}
