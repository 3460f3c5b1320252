import { useMemo } from 'react'
import type { GraphField } from '../graph/goldenTypes.ts'
import type { Titled } from '../graph/titles.ts'
import { Badge } from '../parts/badge.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords, fieldWords, valueText } from '../parts/valueText.ts'
import { FieldValue } from './fieldValue.tsx'
import type { RecordLosersFragment, RecordOriginFragment } from './record.generated.ts'
import css from './record.module.css'
import { missingScopes, type ShownRecord } from './useRecord.ts'

export const VERDICTS: Record<string, string> = {
  WON: 'won',
  FAILS_FORMAT: 'fails the format',
  NOT_SYSTEM_OF_RECORD: 'another system is the system of record',
  OUTRANKED: 'outranked',
}

interface FieldsProps {
  shown: ShownRecord
  losers: readonly RecordLosersFragment[]
  titles: ReadonlyMap<string, Titled>
  at: string | undefined
  onMove: (field: string) => void
}

/** The fields with their values, where each comes from, and the values that lost. */
export function Fields({ shown, losers, titles, at, onMove }: FieldsProps) {
  const { record, type, scopes } = shown
  const origins = useMemo(() => new Map(record.provenance.map((p) => [p.field, p])), [record])
  return (
    <table className={css.fields}>
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Value</th>
          <th scope="col">Comes from</th>
        </tr>
      </thead>
      <tbody>
        {type.fields.map((field) => {
          const origin = origins.get(field.name)
          const refusal = missingScopes(field.scopes, scopes)
          const lost = losers.find((l) => l.field === field.name)
          return (
            <tr
              key={field.name}
              id={`field-${field.name}`}
              data-current={field.name === at || undefined}
              data-empty={!origin || undefined}
              onClick={() => onMove(field.name)}
            >
              <th scope="row">
                <button
                  type="button"
                  className={css.field}
                  aria-pressed={field.name === at}
                  onClick={() => onMove(field.name)}
                >
                  {fieldWords(field.name)}
                </button>
              </th>
              <td>
                <Shown field={field} origin={origin} titles={titles} refusal={refusal} />
                <Losers lost={lost} field={field} titles={titles} />
              </td>
              <td className={css.origin}>{origin && <Origin origin={origin} />}</td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

function Shown({
  field,
  origin,
  titles,
  refusal,
}: {
  field: GraphField
  origin: RecordOriginFragment | undefined
  titles: ReadonlyMap<string, Titled>
  refusal: string | null
}) {
  if (refusal !== null && origin === undefined)
    return <span className={css.hidden}>hidden. {refusal}</span>
  return (
    <>
      <FieldValue field={field} value={origin?.value} titles={titles} />
      {refusal !== null && (
        <span className={css.hidden} title={refusal}>
          {' '}
          masked
          <span className="visually-hidden">. {refusal}</span>
        </span>
      )}
    </>
  )
}

/** The other values that source records have, each once. */
function Losers({
  lost,
  field,
  titles,
}: {
  lost: RecordLosersFragment | undefined
  field: GraphField
  titles: ReadonlyMap<string, Titled>
}) {
  const won = new Set(
    (lost?.candidates.nodes ?? []).filter((c) => c.verdict === 'WON').map((c) => key(c.value)),
  )
  const others = new Map(
    (lost?.candidates.nodes ?? [])
      .filter((c) => c.verdict !== 'WON' && !won.has(key(c.value)))
      .map((c) => [key(c.value), c] as const),
  )
  return [...others].map(([text, { value, verdict, source }]) => (
    <span key={text} className={css.loser} title={VERDICTS[verdict]}>
      <Badge system={source.system} />
      <span>
        <FieldValue field={field} value={value} titles={titles} plain />
      </span>
      <span className={css.reason}>{VERDICTS[verdict]}</span>
    </span>
  ))
}

function key(value: unknown): string {
  return valueText(value) ?? ''
}

function Origin({ origin }: { origin: RecordOriginFragment }) {
  const { totalCount, nodes } = origin.sourceRecords
  const [first] = nodes
  return (
    <>
      {nodes.map((s) => (
        <Badge key={s.id} system={s.system} />
      ))}
      {first && (
        <span className={css.id}>
          {first.object} {first.sourceId}
          {totalCount > 1 && ` and ${totalCount - 1} more`}
        </span>
      )}
      <span className={css.small}>
        {origin.rule === 'STEWARD' ? 'stated by a steward' : codeWords(origin.rule)}
        {first && (
          <>
            {', '}
            <Time at={first.versionAt ?? first.appliedAt} />
          </>
        )}
      </span>
    </>
  )
}
