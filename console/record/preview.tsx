import { useTitles } from '../graph/titles.ts'
import { useQuery } from '../graph/useQuery.ts'
import { FailureNote, Skeleton } from '../parts/states.tsx'
import { Value } from '../parts/value.tsx'
import { codeWords, counted, fieldWords } from '../parts/valueText.ts'
import type { Action } from './act.ts'
import { RecordPreviewDocument, type RecordPreviewQuery } from './record.generated.ts'
import css from './record.module.css'

type Preview = Extract<
  NonNullable<RecordPreviewQuery['previewAction']>,
  { __typename: 'ActionPreview' }
>
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
  const titles = useTitles((preview?.records ?? []).map((r) => r.goldenId))
  if (failure) return <FailureNote failure={failure} again={again} />
  if (refused && !loading)
    return (
      <p className={css.refused} role="alert">
        <span aria-hidden="true">⚠ </span>
        {refusal}
      </p>
    )
  if (!preview) return loading ? <Skeleton rows={4} slow={slow} /> : null
  const opens = preview.tasks.filter((t) => t.opens).length
  const closes = preview.tasks.length - opens
  return (
    <section className={css.preview} aria-label="Preview">
      <h3>What it would do</h3>
      {preview.approval.length > 0 && (
        <p className={css.approval}>
          <span aria-hidden="true">✓ </span>A second person has to approve it:{' '}
          {preview.approval.map((a) => APPROVALS[a] ?? codeWords(a)).join(', ')}.
        </p>
      )}
      {preview.records.map((r) => (
        <PreviewRecord
          key={r.goldenId}
          record={r}
          title={titles.get(r.goldenId)?.title ?? titleIn(r.after ?? r.before)}
        />
      ))}
      {preview.records.length === 0 && <p>No value of a golden record would change.</p>}
      {preview.children.map((c) => (
        <p key={`${c.type} ${c.from} ${c.to}`} className={css.small}>
          {counted(c.count, c.type, `objects of type ${c.type}`)} would move with{' '}
          {c.count === 1 ? 'its source record' : 'their source records'}.
        </p>
      ))}
      {preview.tasks.length > 0 && (
        <p className={css.small}>
          {counted(opens, 'task')} would open, {counted(closes, 'task')} would close.
        </p>
      )}
    </section>
  )
}

function titleIn(values: unknown): string | null {
  const name = (values as Record<string, unknown> | null)?.name
  return typeof name === 'string' ? name : null
}

function PreviewRecord({
  record,
  title,
}: {
  record: Preview['records'][number]
  title: string | null
}) {
  const before = (record.before ?? {}) as Record<string, unknown>
  const after = (record.after ?? {}) as Record<string, unknown>
  const isNew = record.before === null
  const fields = isNew ? Object.keys(after) : record.after === null ? [] : record.changedFields
  return (
    <div className={css.card}>
      <b>{title ?? 'Without a name'}</b>
      <span className={css.small}>
        {codeWords(record.op)}, {counted(record.sources.length, 'source record')}
      </span>
      {fields.length > 0 && (
        <dl className={css.changes}>
          {fields.map((field) => (
            <div key={field}>
              <dt>{fieldWords(field)}</dt>
              <dd>
                {!isNew && (
                  <>
                    <del>
                      <Value value={before[field]} />
                    </del>
                    <span aria-hidden="true"> → </span>
                  </>
                )}
                <Value value={after[field]} against={isNew ? undefined : before[field]} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  )
}
