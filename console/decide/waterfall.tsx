import { Value } from '../parts/value.tsx'
import { codeWords, fieldWords, valueText } from '../parts/valueText.ts'
import type { Pair } from './ahead.ts'
import css from './waterfall.module.css'

type Explanation = Pair['explanation']
type Step = NonNullable<Explanation>['steps'][number]

/** The steps from the odds of two random records to the weight of the pair, as a table with bars. */
export function Waterfall({
  explanation,
  open,
  onToggle,
}: {
  explanation: Explanation
  open: boolean
  onToggle: () => void
}) {
  if (!explanation)
    return (
      <p className={css.none}>There is no explanation: the records are not compared any more.</p>
    )
  const { steps, weight, threshold, because, forbidden } = explanation
  const counted = steps.filter((s) => s.weight !== 0 || s.leftOut !== null)
  const max = Math.max(1, ...counted.map((s) => Math.abs(s.weight)))
  return (
    <section className={css.whole} aria-label="Why">
      <button type="button" className={css.toggle} aria-expanded={open} onClick={onToggle}>
        <span aria-hidden="true">{open ? '▾' : '▸'}</span> Why: {because}
        {weight !== null && (
          <span className={css.sum}>
            weight {bits(weight)}, a match from {bits(threshold)} bits
          </span>
        )}
      </button>
      {forbidden && (
        <p className={css.forbidden}>
          <b>≠ Speaks against it:</b> {forbidden}
        </p>
      )}
      {open && (
        <table className={css.table}>
          <caption className="visually-hidden">
            Match weights in bits: each ten multiply the odds of a match by about a thousand
          </caption>
          <thead>
            <tr>
              <th scope="col">Compared</th>
              <th scope="col">Values</th>
              <th scope="col">
                <span className="visually-hidden">Against and for</span>
              </th>
              <th scope="col" className={css.number}>
                Bits
              </th>
              <th scope="col" className={css.number}>
                Sum
              </th>
            </tr>
          </thead>
          <tbody>
            {counted.map((s, n) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the order is the meaning
              <tr key={n} data-left-out={s.leftOut !== null || undefined}>
                <th scope="row">
                  {stepName(s)}
                  <span className={css.level}>
                    {s.kind === 'COMPARISON' ? codeWords(s.level) : ''}
                  </span>
                </th>
                <td className={css.values}>
                  <Values step={s} />
                </td>
                <td className={css.track}>
                  <span
                    className={css.bar}
                    data-for={s.weight > 0 || undefined}
                    style={{
                      width: `${(Math.abs(s.weight) / max) * 50}%`,
                      [s.weight > 0 ? 'left' : 'right']: '50%',
                    }}
                  />
                </td>
                <td className={css.number}>{s.leftOut ? 'not counted' : bits(s.weight)}</td>
                <td className={css.number}>{bits(s.total)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

const NAMES: Partial<Record<Step['kind'], string>> = {
  PRIOR: 'Two random records',
  SOURCE: 'One source rarely holds a thing twice',
  RELATION: 'Related things would agree too',
  CALIBRATION: 'Calibration',
}

function stepName(step: Step): string {
  const name = NAMES[step.kind]
  if (name) return name
  const part = step.dimension && step.dimension !== step.comparison ? `, ${step.dimension}` : ''
  return `${fieldWords(step.comparison)}${part}`
}

function Values({ step }: { step: Step }) {
  const a = textOf(step.valuesA)
  const b = textOf(step.valuesB)
  if (a === null && b === null) return null
  if (a === b) return <Value value={a} />
  return (
    <>
      <Value value={a} against={b ?? undefined} /> <span className={css.versus}>/</span>{' '}
      <Value value={b} against={a ?? undefined} />
    </>
  )
}

function textOf(values: unknown): string | null {
  return values && typeof values === 'object' ? valueText(Object.values(values)) : null
}

function bits(value: number): string {
  return `${value > 0 ? '+' : value < 0 ? '−' : ''}${Math.abs(value).toFixed(1)}`
}
