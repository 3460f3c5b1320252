import { mutate } from '../graph/client.ts'
import type { Operation } from '../graph/operation.ts'
import { toastDone, toastFailed } from '../parts/toasts.tsx'
import {
  RecordLiftDocument,
  RecordMergeDocument,
  RecordOverrideDocument,
  type RecordPreviewQueryVariables,
  RecordRestoreDocument,
  type RecordResultFragment,
  RecordRetireDocument,
  RecordSplitDocument,
  RecordUndoDocument,
} from './record.generated.ts'

export type Action = RecordPreviewQueryVariables['action']
type Result = { result: RecordResultFragment }

const DOCUMENTS: Record<string, Operation<Result, never>> = {
  override: RecordOverrideDocument,
  lift: RecordLiftDocument,
  split: RecordSplitDocument,
  merge: RecordMergeDocument,
  retire: RecordRetireDocument,
  restore: RecordRestoreDocument,
} as unknown as Record<string, Operation<Result, never>>

/**
 * Carries an action out. Returns whether it was done or proposed: then the form closes. `key` is the
 * idempotency key, the same one if the person presses again after a lost connection.
 */
export async function carryOut(
  action: Action,
  reason: string,
  key: string,
  done: { text: string; changed: () => void },
): Promise<boolean> {
  const [[kind, input] = []] = Object.entries(action)
  const document = DOCUMENTS[kind ?? '']
  if (!document) throw new Error(`there is no action ${kind}`)
  const { data, failure } = await mutate(document, { input, reason, key } as never)
  return report(data?.result ?? null, failure?.message, done)
}

function report(
  result: RecordResultFragment | null,
  failure: string | undefined,
  { text, changed }: { text: string; changed: () => void },
): boolean {
  switch (result?.__typename) {
    case 'ActionDone': {
      const { id } = result.action
      toastDone(text, { name: 'Undo', key: 'u', run: () => void undo(id, changed) })
      changed()
      return true
    }
    case 'ApprovalNeeded':
      toastDone('It waits for the approval of a second person. Nothing has changed yet.')
      changed()
      return true
    case 'ActionConflict':
      toastFailed('The record has changed since it was shown. Nothing was done. It is shown again.')
      changed()
      return false
    case 'ActionRefused':
      toastFailed(`Refused: ${result.detail} Nothing was changed.`)
      return false
    default:
      toastFailed(failure ?? 'The server gave no result. Press again to repeat the same request.')
      return false
  }
}

async function undo(action: string, changed: () => void): Promise<void> {
  const { data, failure } = await mutate(RecordUndoDocument, {
    action,
    reason: 'Undone in the console',
    key: crypto.randomUUID(),
  })
  report(data?.result ?? null, failure?.message, { text: 'Undone', changed })
}
