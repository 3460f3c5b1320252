import { Badge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords, counted } from '../parts/valueText.ts'
import { presentId } from './history.tsx'
import css from './record.module.css'
import type { Act } from './state.ts'
import type { ShownRecord } from './useRecord.ts'

interface HeadProps {
  requested: string
  shown: ShownRecord
  asOf: string | undefined
  refusals: Record<Act, string | null>
  onMerge: () => void
  onSplit: () => void
  onRetire: () => void
}

/** What the record is, whether the id led here from another one, and whether it has ended. */
export function Head(props: HeadProps) {
  const { requested, shown, asOf, refusals, onMerge, onSplit, onRetire } = props
  const { record, type } = shown
  const id = presentId(record.id)
  const asked = presentId(requested).toLowerCase()
  const systems = [...new Set(record.sourceRecords.nodes.map((s) => s.system))]
  return (
    <>
      <span className={css.headFacts}>
        {type.name}, version {record.version}, changed <Time at={record.updatedAt} />,{' '}
        {counted(record.sourceRecords.totalCount, 'source record')}
      </span>
      <span className={css.line}>
        {systems.map((s) => (
          <Badge key={s} system={s} />
        ))}
      </span>
      <code className={css.goldenId}>{id}</code>
      <span className={css.grow} />
      {record.tombstone === null ? (
        <>
          <Button keyHint="m" refusal={refusals.merge} onPress={onMerge}>
            Merge
          </Button>
          <Button keyHint="p" refusal={refusals.split} onPress={onSplit}>
            Split
          </Button>
          <Button refusal={refusals.retire} onPress={onRetire}>
            Retire
          </Button>
        </>
      ) : (
        <Button refusal={refusals.restore} onPress={onRetire}>
          Restore
        </Button>
      )}
      {asked !== id && (
        <p className={css.banner} role="note">
          <span aria-hidden="true">→ </span>
          {record.aliases.includes(asked)
            ? `${asked} was merged into this record.`
            : `${asked} is a source record of this record.`}
        </p>
      )}
      {record.tombstone && (
        <p className={css.banner} data-kind="END" role="note">
          <span aria-hidden="true">✝ </span>
          {asOf ? 'It had ended then' : 'The record has ended'}: {record.tombstone.detail}{' '}
          <span className={css.small}>
            {codeWords(record.tombstone.reason)}, <Time at={record.tombstone.since} />. The history
            has its values.
          </span>
        </p>
      )}
      {asOf && (
        <p className={css.banner} role="note">
          <span aria-hidden="true">◷ </span>
          The record as it was {new Date(asOf).toLocaleString()}. Lists and related records are
          those of now.
        </p>
      )}
    </>
  )
}
