import type { GraphField } from '../graph/goldenTypes.ts'
import type { Titled } from '../graph/titles.ts'
import { fieldWords } from '../parts/valueText.ts'
import { ActForm } from './actForm.tsx'
import { MergeForm } from './mergeForm.tsx'
import { OverrideForm } from './overrideForm.tsx'
import type { RecordLosersFragment } from './record.generated.ts'
import css from './record.module.css'
import { SplitForm } from './splitForm.tsx'
import type { Act, RecordState } from './state.ts'
import type { ShownRecord } from './useRecord.ts'
import { Why } from './why.tsx'

interface SideProps {
  shown: ShownRecord
  state: RecordState
  change: (part: Partial<RecordState>) => void
  field: GraphField
  losers: RecordLosersFragment | undefined
  titles: ReadonlyMap<string, Titled>
  refusals: Record<Act, string | null>
  onClose: () => void
}

/** The right side: what is prepared, or why the current field has its value. */
export function Side(props: SideProps) {
  const { shown, state, change, field, losers, titles, refusals, onClose } = props
  const { record } = shown
  const seen = { id: record.id, version: record.version }
  const origin = record.provenance.find((p) => p.field === field.name)
  const common = { onClose, onDone: shown.again }
  const words = fieldWords(field.name)
  switch (state.act) {
    case 'override':
      return (
        <OverrideForm
          key={`${field.name} ${record.version}`}
          seen={seen}
          field={field}
          value={origin?.value ?? null}
          refusal={refusals.override}
          {...common}
        />
      )
    case 'lift':
      return (
        <ActForm
          title={`Lift the stated ${words}`}
          verb={`Lift the ${words}`}
          done={`Lifted the ${words}`}
          action={{ lift: { record: seen, field: field.name } }}
          refusal={refusals.lift}
          {...common}
        >
          <p className={css.small}>Survivorship decides again between the source records.</p>
        </ActForm>
      )
    case 'split':
      return (
        <SplitForm shown={shown} pick={state.pick ?? []} refusal={refusals.split} {...common} />
      )
    case 'merge':
      return (
        <MergeForm
          shown={shown}
          with={state.with}
          refusal={refusals.merge}
          onWith={(id) => change({ with: id })}
          {...common}
        />
      )
    case 'retire':
    case 'restore': {
      const isEnd = state.act === 'retire'
      return (
        <ActForm
          title={isEnd ? 'Retire the record' : 'Restore the record'}
          verb={isEnd ? 'Retire it' : 'Restore it'}
          done={isEnd ? 'Retired the record' : 'Restored the record'}
          action={isEnd ? { retire: { record: seen } } : { restore: { record: seen } }}
          refusal={refusals[state.act]}
          {...common}
        >
          <p className={css.small}>
            {isEnd
              ? 'Its source records stay with it, and it gives no values any more.'
              : 'Its source records give values again.'}
          </p>
        </ActForm>
      )
    }
    default:
      return (
        <Why
          field={field}
          origin={origin}
          losers={losers}
          titles={titles}
          refusal={refusals.override}
          onOverride={() => change({ act: 'override', field: field.name })}
          onLift={() => change({ act: 'lift', field: field.name })}
        />
      )
  }
}
