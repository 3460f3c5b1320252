import type { GraphField } from '../graph/goldenTypes.ts'
import type { Titled } from '../graph/titles.ts'
import { Badge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords, counted, fieldWords } from '../parts/valueText.ts'
import { VERDICTS } from './fields.tsx'
import { FieldValue } from './fieldValue.tsx'
import type { RecordLosersFragment, RecordOriginFragment } from './record.generated.ts'
import css from './record.module.css'

interface WhyProps {
  field: GraphField
  origin: RecordOriginFragment | undefined
  losers: RecordLosersFragment | undefined
  titles: ReadonlyMap<string, Titled>
  refusal: string | null
  onOverride: () => void
  onLift: () => void
}

/** Why a field has its value: every source record that has one, the winner first. */
export function Why(props: WhyProps) {
  const { field, origin, losers, titles, refusal, onOverride, onLift } = props
  const isStated = origin?.rule === 'STEWARD'
  return (
    <div className={css.side}>
      <h2 className={css.capital}>{fieldWords(field.name)}</h2>
      <p className={css.big}>
        <FieldValue field={field} value={origin?.value} titles={titles} />
      </p>
      <p>
        {origin
          ? isStated
            ? 'A steward stated this value. It outranks all source records until it is lifted.'
            : `Chosen by the rule ${codeWords(origin.rule)}.`
          : 'No source record that may give a value has one.'}
      </p>
      {origin && <p className={css.small}>Policy {origin.policyVersion}</p>}
      {losers && losers.candidates.nodes.length > 0 && (
        <ul className={css.cards} aria-label="Values of source records">
          {losers.candidates.nodes.map(({ value, verdict, source }) => (
            <li key={source.id} data-won={verdict === 'WON' || undefined}>
              <span className={css.line}>
                <Badge system={source.system} label />
                <span className={css.id}>
                  {source.object} {source.sourceId}
                </span>
              </span>
              <span className={css.candidate}>
                <FieldValue field={field} value={value} against={origin?.value} titles={titles} />
              </span>
              <span className={css.small}>
                <span aria-hidden="true">{verdict === 'WON' ? '✓ ' : '✗ '}</span>
                {VERDICTS[verdict]}
                {source.versionAt && (
                  <>
                    {', '}
                    <Time at={source.versionAt} />
                  </>
                )}
              </span>
            </li>
          ))}
        </ul>
      )}
      {losers && losers.candidates.totalCount > losers.candidates.nodes.length && (
        <p className={css.small}>
          Of {counted(losers.candidates.totalCount, 'source record')} with a value the first ones.
        </p>
      )}
      <div className={css.line}>
        <Button keyHint="o" refusal={refusal} onPress={onOverride}>
          State another value
        </Button>
        {isStated && (
          <Button keyHint="l" refusal={refusal} onPress={onLift}>
            Lift the stated value
          </Button>
        )}
      </div>
    </div>
  )
}
