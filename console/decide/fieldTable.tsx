import { Badge } from '../parts/badge.tsx'
import { Key } from '../parts/button.tsx'
import { Value } from '../parts/value.tsx'
import { codeWords, fieldWords, valueText } from '../parts/valueText.ts'
import type { Pair } from './ahead.ts'
import type { Candidate, FieldRow } from './fields.ts'
import css from './fieldTable.module.css'

type Preview = Pair['mergePreview']

interface FieldTableProps {
  subjects: Pair['subjects']
  out: ReadonlySet<string>
  rows: FieldRow[]
  at: number
  choices: ReadonlyMap<string, Candidate>
  preview: Preview
  onAt: (row: number) => void
  onChoose: (candidate: number, row: FieldRow) => void
  onLeaveOut: (goldenId: string) => void
}

/** Fields × records, with the value that the merge would give, and why. */
export function FieldTable(props: FieldTableProps) {
  const { subjects, out, rows, at, choices, preview, onAt, onChoose, onLeaveOut } = props
  const firstSame = rows.findIndex((r) => r.same)
  const result = resultOf(preview)
  const systemOf = new Map(subjects.flatMap((s) => s.members.map((m) => [m.id, m.system] as const)))
  return (
    <table className={css.table}>
      <caption className="visually-hidden">Fields of the records, and of the merged one</caption>
      <thead>
        <tr>
          <th scope="col">Field</th>
          {subjects.map((s) => (
            <th key={s.goldenId} scope="col" data-out={out.has(s.goldenId) || undefined}>
              <span className={css.record}>
                {subjects.length > 2 && (
                  <input
                    type="checkbox"
                    checked={!out.has(s.goldenId)}
                    aria-label={`Include ${s.title ?? s.goldenId}`}
                    onChange={() => onLeaveOut(s.goldenId)}
                  />
                )}
                <span className={css.systems}>
                  {s.members.map((m) => (
                    <span key={m.id} title={`${m.system} ${m.object} ${m.sourceId}`}>
                      <Badge system={m.system} />
                    </span>
                  ))}
                </span>
              </span>
            </th>
          ))}
          <th scope="col">Merged</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, n) => {
          const origin = result?.origins.find((o) => o.field === row.field)
          const after = result ? (result.after as Record<string, unknown>)[row.field] : undefined
          const from = [...new Set((origin?.sources ?? []).flatMap((k) => systemOf.get(k) ?? []))]
          return (
            <tr
              key={row.field}
              data-current={n === at || undefined}
              data-same={row.same || undefined}
              data-first-same={n === firstSame || undefined}
              onClick={() => onAt(n)}
            >
              <th scope="row">{fieldWords(row.field)}</th>
              {row.values.map((value, column) => {
                const text = valueText(value)
                const wins = text !== null && text === valueText(after)
                const other = row.values[column === 0 ? 1 : 0]
                return (
                  <td
                    key={subjects[column]?.goldenId}
                    data-wins={wins || undefined}
                    data-out={out.has(subjects[column]?.goldenId ?? '') || undefined}
                  >
                    <span className={css.cell}>
                      <Value value={value} against={row.same ? undefined : other} />
                      <span className={css.systems}>
                        {(row.systems[column] ?? []).map((s) => (
                          <Badge key={s} system={s} />
                        ))}
                      </span>
                    </span>
                  </td>
                )
              })}
              <td className={css.merged} data-chosen={choices.has(row.field) || undefined}>
                <Value value={after} />
                {origin && (
                  <span className={css.rule}>
                    {choices.has(row.field) ? 'your choice' : codeWords(origin.rule)}
                    {from.map((s) => (
                      <Badge key={s} system={s} />
                    ))}
                  </span>
                )}
                {n === at && row.candidates.length > 1 && (
                  <span className={css.candidates}>
                    {row.candidates.map((c, k) => (
                      <button
                        key={c.text}
                        type="button"
                        className={css.candidate}
                        aria-pressed={choices.get(row.field)?.text === c.text}
                        onClick={() => onChoose(k, row)}
                      >
                        <Key name={String(k + 1)} />
                        <span className="visually-hidden">Take </span>
                        <span>{c.text}</span>
                        {c.systems.map((s) => (
                          <Badge key={s} system={s} />
                        ))}
                      </button>
                    ))}
                  </span>
                )}
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

/** The record that would exist after the merge. */
export function resultOf(preview: Preview) {
  if (preview?.__typename !== 'ActionPreview') return null
  const { records } = preview
  const absorbed = records.find((r) => r.redirect !== null)
  return records.find((r) => r.goldenId === absorbed?.redirect && r.after !== null) ?? null
}
