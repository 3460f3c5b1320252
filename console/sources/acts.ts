import { mutate, type Outcome } from '../graph/client.ts'
import { toastDone, toastFailed } from '../parts/toasts.tsx'
import { counted } from '../parts/valueText.ts'
import { type Entry, objectsOf } from './entries.ts'
import {
  SourceCensusDocument,
  SourcePauseDocument,
  SourceRescanDocument,
  type SourceResultFragment,
  SourceResumeDocument,
  SourceRunDocument,
  WritesApproveDocument,
  WritesHoldDocument,
  WritesReleaseDocument,
  type WritesResultFragment,
} from './sources.generated.ts'

export type SyncAct = 'PAUSE' | 'RESUME' | 'RUN' | 'RESCAN' | 'CENSUS'
export type WriteAct = 'APPROVE' | 'HOLD' | 'RELEASE'

const SYNC = {
  PAUSE: { document: SourcePauseDocument, done: 'paused' },
  RESUME: { document: SourceResumeDocument, done: 'resumed' },
  RUN: { document: SourceRunDocument, done: 'will be read now' },
  RESCAN: { document: SourceRescanDocument, done: 'will be read as a whole' },
} as const
const WRITES = {
  APPROVE: { document: WritesApproveDocument, done: 'Approved' },
  HOLD: { document: WritesHoldDocument, done: 'Held' },
  RELEASE: { document: WritesReleaseDocument, done: 'Released' },
} as const

/** Does something about the pulls of a row. Returns whether it was done. */
export async function actOnPulls(
  act: SyncAct,
  entry: Entry,
  reason: string,
  key: string,
): Promise<boolean> {
  const { source } = entry
  const object = entry.object?.object ?? null
  const text = (done: string) => `${entry.key}: ${done}`
  const undo = undoOf(act, entry)
  if (act === 'CENSUS') {
    const deleteAtMost = entry.object?.censusMissing ?? null
    const variables = { source, object: object ?? '', deleteAtMost, reason, key }
    return report(await mutate(SourceCensusDocument, variables), text('a census will be taken'))
  }
  const { document, done } = SYNC[act]
  return report(await mutate(document, { source, object, reason, key }), text(done), undo)
}

/** A pause is undone by a resume. What was read cannot be taken back. */
function undoOf(act: SyncAct, entry: Entry) {
  const wasPaused = objectsOf(entry).some((o) => o.state === 'PAUSED')
  if (act !== 'PAUSE' || wasPaused) return undefined
  return () => void actOnPulls('RESUME', entry, 'The pause was taken back', crypto.randomUUID())
}

/** Does something about writes to a source system. Without ids: about all that it may be about. */
export async function actOnWrites(
  act: WriteAct,
  source: string,
  ids: readonly string[] | null,
  reason: string,
  key: string,
): Promise<boolean> {
  const { document, done } = WRITES[act]
  const { data, failure }: Outcome<{ result: WritesResultFragment }> = await mutate(document, {
    source,
    ids: ids === null ? null : [...ids],
    reason,
    key,
  })
  const result = data?.result
  if (result?.__typename !== 'WriteDone') return refused(result?.detail, failure?.message)
  const left = result.unchanged.length
  toastDone(
    `${done} ${counted(result.writes, 'write')}${left > 0 ? `; ${counted(left, 'write')} ${left === 1 ? 'has' : 'have'} another state by now` : ''}`,
  )
  return true
}

function report(
  { data, failure }: Outcome<{ result: SourceResultFragment }>,
  text: string,
  undo?: () => void,
): boolean {
  const result = data?.result
  if (result?.__typename !== 'SyncDone') return refused(result?.detail, failure?.message)
  toastDone(text, undo && { name: 'Undo', key: 'u', run: undo })
  return true
}

function refused(detail: string | undefined, failure: string | undefined): boolean {
  toastFailed(
    detail === undefined
      ? `${failure ?? 'The server gave no result.'} Press again to repeat the same request.`
      : `Refused: ${detail}. Nothing was changed.`,
  )
  return false
}
