import { useQuery } from '../graph/useQuery.ts'
import { counted } from '../parts/valueText.ts'
import { HealthStewardsDocument } from './health.generated.ts'
import css from './health.module.css'
import { Panel } from './panel.tsx'
import { Sparkline } from './sparkline.tsx'
import { durationText, percentText } from './state.ts'

const days = 30

/** What each steward did, how fast, and how far others agree. */
export function Stewards() {
  const loaded = useQuery(HealthStewardsDocument, { days })
  return (
    <div className={css.part}>
      <Panel title={`Stewards, the last ${days} days`} loaded={loaded}>
        {({ stewardFigures }) => {
          if (stewardFigures === null)
            return <p className={css.small}>The work of others is not shown to row rights.</p>
          if (stewardFigures.length === 0)
            return (
              <p className={css.small}>Nobody has decided anything yet. The queue is at g q.</p>
            )
          return (
            <>
              <table className={css.table}>
                <caption className="visually-hidden">Stewards by decisions</caption>
                <thead>
                  <tr>
                    <th scope="col">Steward</th>
                    <th scope="col" className={css.number}>
                      Decisions
                    </th>
                    <th scope="col">By day</th>
                    <th scope="col" className={css.number}>
                      Median
                    </th>
                    <th scope="col" className={css.number}>
                      Undone
                    </th>
                    <th scope="col">Others agree</th>
                  </tr>
                </thead>
                <tbody>
                  {stewardFigures.map((s) => (
                    <tr key={s.actor}>
                      <th scope="row">{s.actor}</th>
                      <td className={css.number}>{s.decisions.toLocaleString('en')}</td>
                      <td>
                        <Sparkline
                          values={s.perDay}
                          label={`Decisions by day, today last: ${s.perDay.join(', ')}`}
                        />
                      </td>
                      <td className={css.number}>
                        {s.medianSeconds === null ? '–' : durationText(s.medianSeconds)}
                      </td>
                      <td className={css.number}>{s.undone.toLocaleString('en')}</td>
                      <td>
                        {s.agreement
                          ? `${percentText(s.agreement.share)} of ${counted(s.opinions, 'opinion')} (95 %: ${percentText(s.agreement.low)} to ${percentText(s.agreement.high)})`
                          : 'no second opinion yet'}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
              <p className={css.small}>
                The median is the time from one decision to the next of a sitting, which ends with a
                pause of ten minutes. One decision in twenty about two golden records is judged
                again by another steward, who does not see what was decided.
              </p>
            </>
          )
        }}
      </Panel>
    </div>
  )
}
