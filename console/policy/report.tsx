import { Link } from '@tanstack/react-router'
import { Badge } from '../parts/badge.tsx'
import { counted, fieldWords } from '../parts/valueText.ts'
import type { PolicyGroupFragment, PolicySimulateMutation } from './policy.generated.ts'
import css from './policy.module.css'

type Simulation = Extract<PolicySimulateMutation['simulatePolicy'], { __typename: 'Simulation' }>
type SimulatedType = Simulation['types'][number]

const GROUPS = [
  ['merges', 'would absorb others'],
  ['splits', 'would split'],
  ['appear', 'would appear'],
  ['vanish', 'would end'],
  ['changes', 'would have another value'],
  ['origins', 'would have the same value from elsewhere'],
] as const

/** What a policy would change, by golden type, in sums with examples. */
export function Report({ report }: { report: Simulation }) {
  const changed = report.types.filter((t) => GROUPS.some(([group]) => t[group].count > 0))
  return (
    <section aria-label="Result of the simulation" className={css.report}>
      <p>
        {counted(report.records, 'source record')} gave {counted(report.golden, 'golden record')} in{' '}
        {report.seconds.toFixed(1)} s, as version <code>{report.policy}</code>.
      </p>
      {changed.length === 0 && <p>✓ Nothing would change.</p>}
      {changed.map((t) => (
        <TypeReport key={t.type} of={t} />
      ))}
    </section>
  )
}

function TypeReport({ of }: { of: SimulatedType }) {
  return (
    <>
      <h2>{of.type}</h2>
      <ul className={css.effects}>
        {GROUPS.filter(([group]) => of[group].count > 0).map(([group, words]) => (
          <li key={group}>
            <b>{of[group].count.toLocaleString('en')}</b> {words}
            <Examples group={of[group]} isFields={group === 'changes' || group === 'origins'} />
          </li>
        ))}
      </ul>
      {of.fields.length > 0 && (
        <table className={css.table}>
          <caption className="visually-hidden">Values of {of.type} that would change</caption>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col" className={css.number}>
                Values
              </th>
              <th scope="col">From, to</th>
            </tr>
          </thead>
          <tbody>
            {of.fields.map((f) => (
              <tr key={f.field}>
                <th scope="row">{fieldWords(f.field)}</th>
                <td className={css.number}>{f.count.toLocaleString('en')}</td>
                <td>
                  {f.systems.map((s) => (
                    <span key={`${s.from} ${s.to}`} className={css.line}>
                      <Badge system={s.from} /> → <Badge system={s.to} />{' '}
                      {s.count.toLocaleString('en')}
                    </span>
                  ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  )
}

function Examples({ group, isFields }: { group: PolicyGroupFragment; isFields: boolean }) {
  if (group.examples.length === 0) return null
  return (
    <details>
      <summary>{counted(group.examples.length, 'example')}</summary>
      <ul className={css.examples}>
        {group.examples.map(({ goldenId, detail }) => (
          <li key={goldenId}>
            <Link to="/record/$id" params={{ id: goldenId } as never}>
              {goldenId.slice(0, 8)}
            </Link>{' '}
            {isFields
              ? detail.map(fieldWords).join(', ')
              : detail.map((d) => d.slice(0, 8)).join(', ')}
          </li>
        ))}
      </ul>
    </details>
  )
}
