import { useState } from 'react'
import { Badge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { Empty } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { Value } from '../parts/value.tsx'
import { counted, fieldWords } from '../parts/valueText.ts'
import css from './record.module.css'
import type { ShownRecord } from './useRecord.ts'

interface SourcesProps {
  shown: ShownRecord
  pick: readonly string[]
  refusal: string | null
  onPick: (key: string) => void
  onSplit: () => void
}

/** The source records of the golden record, with check boxes for a split. */
export function Sources({ shown, pick, refusal, onPick, onSplit }: SourcesProps) {
  const { record } = shown
  const { nodes, totalCount } = record.sourceRecords
  if (nodes.length === 0)
    return (
      <Empty title="No source record belongs to it">
        <p>The history shows those that it had.</p>
      </Empty>
    )
  return (
    <>
      <div className={css.bar}>
        <span>{counted(totalCount, 'source record')}</span>
        {totalCount > nodes.length && <span className={css.small}>the oldest are shown</span>}
        <span className={css.grow} />
        <Button
          keyHint="p"
          refusal={
            refusal ?? (pick.length === 0 ? 'Choose source records with their check boxes' : null)
          }
          onPress={onSplit}
        >
          {pick.length > 0 ? `Split ${pick.length} from it` : 'Split'}
        </Button>
      </div>
      <ul className={css.sources} aria-label="Source records">
        {nodes.map((source) => (
          <Source
            key={source.id}
            source={source}
            isPicked={pick.includes(source.id)}
            onPick={() => onPick(source.id)}
          />
        ))}
      </ul>
    </>
  )
}

function Source({
  source,
  isPicked,
  onPick,
}: {
  source: ShownRecord['record']['sourceRecords']['nodes'][number]
  isPicked: boolean
  onPick: () => void
}) {
  const [open, setOpen] = useState(false)
  const values = Object.entries((source.canonical ?? {}) as Record<string, unknown>)
  return (
    <li>
      <div className={css.line}>
        <label className={css.line}>
          <input type="checkbox" checked={isPicked} onChange={onPick} />
          <Badge system={source.system} label />
          <span className={css.id}>
            {source.object} {source.sourceId}
          </span>
        </label>
        {source.deleted && <span className={css.tag}>deleted in its system</span>}
        {!source.complete && <span className={css.tag}>incomplete, gives no values</span>}
        <span className={css.grow} />
        <span className={css.small}>
          {source.versionAt ? 'changed ' : 'received '}
          <Time at={source.versionAt ?? source.appliedAt} />
        </span>
      </div>
      {source.issues.map((i) => (
        <p key={`${i.field} ${i.code}`} className={css.issue}>
          <span aria-hidden="true">! </span>
          {fieldWords(i.field)}: {i.detail}
        </p>
      ))}
      <details open={open} onToggle={(e) => setOpen(e.currentTarget.open)}>
        <summary>{counted(values.length, 'value')}</summary>
        {open && (
          <dl className={css.facts}>
            {values.map(([field, value]) => (
              <div key={field}>
                <dt>{fieldWords(field)}</dt>
                <dd>
                  <Value value={value} />
                </dd>
              </div>
            ))}
          </dl>
        )}
      </details>
    </li>
  )
}
