import { GOLDEN_TYPES } from '../graph/goldenTypes.generated.ts'
import { useQuery } from '../graph/useQuery.ts'
import { Badge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { counted, fieldWords } from '../parts/valueText.ts'
import { HealthQualityDocument } from './health.generated.ts'
import css from './health.module.css'
import { Panel } from './panel.tsx'
import { percentText } from './state.ts'

/** Completeness, validity and differences of a golden type, by field and source system. */
export function Quality({ type, onType }: { type: string; onType: (name: string) => void }) {
  const loaded = useQuery(HealthQualityDocument, { type })
  return (
    <div className={css.part}>
      <div role="group" aria-label="Types" className={css.line}>
        {GOLDEN_TYPES.map(({ name }) => (
          <Button key={name} pressed={name === type} onPress={() => onType(name)}>
            {name}
          </Button>
        ))}
      </div>
      <Panel title={`Quality of ${type}`} loaded={loaded}>
        {({ dataQuality: q }) =>
          q === null ? (
            <p className={css.small}>The policy in force has no such type any more.</p>
          ) : (
            <>
              <p>
                {counted(q.golden, 'golden record')} from {counted(q.records, 'source record')}.{' '}
                {percentText(q.matchRate)} have several sources, {percentText(q.uniqueness)} are
                like no other, {percentText(q.overrideRate)} have a value that a steward stated.
              </p>
              <table className={css.table}>
                <caption className="visually-hidden">
                  Fields: how many golden records have a value, and how far each system agrees
                </caption>
                <thead>
                  <tr>
                    <th scope="col">Field</th>
                    <th scope="col" className={css.number}>
                      Filled
                    </th>
                    <td className={css.share} />
                    <th scope="col" className={css.number}>
                      Stated
                    </th>
                    {q.systems.map((s) => (
                      <th key={s.system} scope="col" className={css.number}>
                        <Badge system={s.system} label />
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {q.fields.map((f) => (
                    <tr key={f.field}>
                      <th scope="row">{fieldWords(f.field)}</th>
                      <td className={css.number}>{percentText(f.completeness)}</td>
                      <td className={css.share}>
                        <span
                          className={css.fill}
                          style={{ width: `${f.completeness * 100}%` }}
                          aria-hidden="true"
                        />
                      </td>
                      <td className={css.number}>{f.overrides.toLocaleString('en')}</td>
                      {q.systems.map((s) => (
                        <td key={s.system} className={css.number}>
                          <Drift of={s.drift.find((d) => d.field === f.field)} />
                        </td>
                      ))}
                    </tr>
                  ))}
                </tbody>
                <tfoot>
                  <tr>
                    <th scope="row">Valid records</th>
                    <td colSpan={3} />
                    {q.systems.map((s) => (
                      <td key={s.system} className={css.number}>
                        {percentText(s.validity)} of {s.records.toLocaleString('en')}
                      </td>
                    ))}
                  </tr>
                </tfoot>
              </table>
              <p className={css.small}>
                Below a system: how many of its records have a value, and ≠ how many of those differ
                from the golden record.
              </p>
            </>
          )
        }
      </Panel>
    </div>
  )
}

function Drift({
  of,
}: {
  of: { completeness: number; held: number; differs: number } | undefined
}) {
  if (!of || of.held === 0) return <span className={css.small}>–</span>
  return (
    <>
      {percentText(of.completeness)}
      {of.differs > 0 && <span className={css.differs}> ≠ {of.differs.toLocaleString('en')}</span>}
    </>
  )
}
