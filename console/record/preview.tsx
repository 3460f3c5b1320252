import { useQuery } from '../graph/useQuery.ts'
import { EffectOf } from '../parts/effect.tsx'
import { FailureNote, Skeleton } from '../parts/states.tsx'
import { codeWords } from '../parts/valueText.ts'
import type { Action } from './act.ts'
import { RecordPreviewDocument } from './record.generated.ts'
import css from './record.module.css'

const APPROVALS: Record<string, string> = {
  FIELD: 'the field is marked for approval',
  MERGE_VALUE: 'the value at risk is high',
  BULK: 'it is a bulk action',
  PUBLISH: 'it publishes a policy',
}
export interface Previewed {
  loading: boolean
  /** Why the action cannot be carried out; null if it can. */
  refusal: string | null
  needsApproval: boolean
}

export function usePreview(action: Action | null) {
  const loaded = useQuery(RecordPreviewDocument, action ? { action } : null)
  const result = action ? (loaded.data?.previewAction ?? null) : null
  const refusal = !action
    ? null
    : loaded.loading
      ? 'The preview is on its way'
      : result?.__typename === 'ActionRefused'
        ? result.detail
        : result?.__typename === 'ActionConflict'
          ? 'The record has changed since it was shown'
          : result === null
            ? 'There is no preview'
            : null
  const preview = result?.__typename === 'ActionPreview' ? result : null
  return { ...loaded, preview, refusal, refused: result?.__typename === 'ActionRefused' }
}

/** What an action would do: the records after it, what moves, tasks that open and close. */
export function PreviewOf({ state }: { state: ReturnType<typeof usePreview> }) {
  const { preview, failure, loading, slow, again, refusal, refused } = state
  if (failure) return <FailureNote failure={failure} again={again} />
  if (refused && !loading)
    return (
      <p className={css.refused} role="alert">
        <span aria-hidden="true">⚠ </span>
        {refusal}
      </p>
    )
  if (!preview) return loading ? <Skeleton rows={4} slow={slow} /> : null
  return (
    <section className={css.preview} aria-label="Preview">
      <h3>What it would do</h3>
      {preview.approval.length > 0 && (
        <p className={css.approval}>
          <span aria-hidden="true">✓ </span>A second person has to approve it:{' '}
          {preview.approval.map((a) => APPROVALS[a] ?? codeWords(a)).join(', ')}.
        </p>
      )}
      <EffectOf effect={preview} />
    </section>
  )
}
