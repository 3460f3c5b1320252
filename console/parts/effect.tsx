import { useTitles } from '../graph/titles.ts'
import css from './effect.module.css'
import { Value } from './value.tsx'
import { codeWords, counted, fieldWords } from './valueText.ts'

interface EffectRecord {
  goldenId: string
  op: string
  before: unknown
  after: unknown
  changedFields: readonly string[]
  sources: readonly string[]
}
/** What an action would do, as the graph previews it. */
export interface Effect {
  records: readonly EffectRecord[]
  children: readonly { type: string; from: string; to: string; count: number }[]
  tasks: readonly { id: string; opens: boolean }[]
}

/** The records after an action, what moves with them, and the tasks that open and close. */
export function EffectOf({ effect }: { effect: Effect }) {
  const titles = useTitles(effect.records.map((r) => r.goldenId))
  const opens = effect.tasks.filter((t) => t.opens).length
  const closes = effect.tasks.length - opens
  return (
    <>
      {effect.records.map((r) => (
        <EffectRecord
          key={r.goldenId}
          record={r}
          title={titles.get(r.goldenId)?.title ?? titleIn(r.after ?? r.before)}
        />
      ))}
      {effect.records.length === 0 && <p>No value of a golden record would change.</p>}
      {effect.children.map((c) => (
        <p key={`${c.type} ${c.from} ${c.to}`} className={css.small}>
          {counted(c.count, c.type, `objects of type ${c.type}`)} would move with{' '}
          {c.count === 1 ? 'its source record' : 'their source records'}.
        </p>
      ))}
      {effect.tasks.length > 0 && (
        <p className={css.small}>
          {counted(opens, 'task')} would open, {counted(closes, 'task')} would close.
        </p>
      )}
    </>
  )
}

/** The name in values of a record; null if they have none. */
export function titleIn(values: unknown): string | null {
  const name = (values as Record<string, unknown> | null)?.name
  return typeof name === 'string' ? name : null
}

function EffectRecord({ record, title }: { record: EffectRecord; title: string | null }) {
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
      <Changes
        changes={fields.map((field) => ({
          field,
          ...(isNew ? {} : { before: before[field] }),
          after: after[field],
        }))}
      />
    </div>
  )
}

/** Fields with the value before and after. Without `before` there was none. */
export function Changes({
  changes,
}: {
  changes: readonly { field: string; before?: unknown; after: unknown }[]
}) {
  if (changes.length === 0) return null
  return (
    <dl className={css.changes}>
      {changes.map((c) => (
        <div key={c.field}>
          <dt>{fieldWords(c.field)}</dt>
          <dd>
            {'before' in c && (
              <>
                <del>
                  <Value value={c.before} />
                </del>
                <span aria-hidden="true"> → </span>
              </>
            )}
            <Value value={c.after} against={c.before} />
          </dd>
        </div>
      ))}
    </dl>
  )
}
