import { counted } from '../parts/valueText.ts'
import { ActForm } from './actForm.tsx'
import css from './record.module.css'
import type { ShownRecord } from './useRecord.ts'

interface SplitFormProps {
  shown: ShownRecord
  pick: string[]
  refusal: string | null
  onClose: () => void
  onDone: () => void
}

/** Separates the chosen source records from the others. They are chosen in the list on the left. */
export function SplitForm({ shown, pick, refusal, onClose, onDone }: SplitFormProps) {
  const { record } = shown
  const members = record.sourceRecords.nodes.filter((s) => !s.deleted && s.complete)
  const chosen = pick.filter((key) => record.sourceRecords.nodes.some((s) => s.id === key))
  const staying = record.sourceRecords.totalCount - chosen.length
  const missing =
    members.length < 2
      ? 'It has one source record, so there is nothing to separate.'
      : chosen.length === 0
        ? 'Choose on the left the source records that are another thing.'
        : staying === 0
          ? 'At least one source record has to stay.'
          : null
  return (
    <ActForm
      title="Split the record"
      verb={`Split ${chosen.length} from ${staying}`}
      done={`Split ${counted(chosen.length, 'source record')} from ${staying}`}
      action={
        missing === null
          ? {
              split: {
                record: { id: record.id, version: record.version },
                groups: [{ sources: chosen }],
              },
            }
          : null
      }
      missing={missing}
      refusal={refusal}
      onClose={onClose}
      onDone={onDone}
    >
      <p className={css.small}>
        Those that you choose become a record of their own. Automation does not join the two again.
      </p>
    </ActForm>
  )
}
