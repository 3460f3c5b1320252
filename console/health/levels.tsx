import { useQuery } from '../graph/useQuery.ts'
import { Badge } from '../parts/badge.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords } from '../parts/valueText.ts'
import { useRefusal } from '../session/viewer.ts'
import {
  HealthExceptionsDocument,
  HealthLevelsDocument,
  HealthQueueDocument,
  HealthWritesDocument,
} from './health.generated.ts'
import css from './health.module.css'
import { Panel } from './panel.tsx'
import { durationText, percentText } from './state.ts'

const SIGNS: Record<string, string> = { MET: '✓', BURNING: '⚠', MISSED: '✕', NO_DATA: '–' }

/** Promises, and what waits: messages, events, deliveries, writes, exceptions and tasks. */
export function Levels() {
  const noWrites = useRefusal('Query.writeTargets')
  const noExceptions = useRefusal('Query.inboundExceptionCounts')
  const levels = useQuery(HealthLevelsDocument, {})
  const queue = useQuery(HealthQueueDocument, {})
  const writes = useQuery(HealthWritesDocument, noWrites === null ? {} : null)
  const exceptions = useQuery(HealthExceptionsDocument, noExceptions === null ? {} : null)
  return (
    <div className={css.part}>
      <Panel title="Service levels" loaded={levels}>
        {({ serviceLevels }) =>
          serviceLevels === null || serviceLevels.length === 0 ? (
            <p className={css.small}>
              No service levels are configured, or they are not shown to row rights. They stand in
              config/service-levels.yaml.
            </p>
          ) : (
            <table className={css.table}>
              <caption className="visually-hidden">Service levels with their last spans</caption>
              <thead>
                <tr>
                  <th scope="col">Promise</th>
                  <th scope="col">State</th>
                  <th scope="col" className={css.number}>
                    Late now
                  </th>
                  <th scope="col" className={css.number}>
                    Budget left
                  </th>
                  <th scope="col">Within the limit, by hours</th>
                </tr>
              </thead>
              <tbody>
                {serviceLevels.map((l) => (
                  <tr key={l.name}>
                    <th scope="row">
                      {l.name}
                      <span className={css.small}>
                        {' '}
                        {codeWords(l.measure)}: {percentText(l.target)} within{' '}
                        {durationText(l.withinMs / 1_000)}
                      </span>
                    </th>
                    <td data-state={l.state} className={css.state}>
                      <span aria-hidden="true">{SIGNS[l.state]} </span>
                      {codeWords(l.state)}
                    </td>
                    <td className={css.number}>{l.late.toLocaleString('en')}</td>
                    <td className={css.number}>{percentText(l.budgetLeft)}</td>
                    <td>
                      {l.spans.map((s) => (
                        <span key={s.hours} className={css.span}>
                          {s.hours} h:{' '}
                          {s.total === 0
                            ? 'nothing measured'
                            : `${percentText(s.ratio)} of ${s.total.toLocaleString('en')}`}
                        </span>
                      ))}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Panel>
      <Panel title="Writes to source systems" loaded={writes} refusal={noWrites}>
        {({ writeTargets }) =>
          (writeTargets?.nodes.length ?? 0) === 0 ? (
            <p className={css.small}>Nothing is written to a source system.</p>
          ) : (
            <table className={css.table}>
              <thead>
                <tr>
                  <th scope="col">System</th>
                  <th scope="col">Mode</th>
                  <th scope="col">Writes by state</th>
                  <th scope="col">What stops it</th>
                </tr>
              </thead>
              <tbody>
                {writeTargets?.nodes.map((w) => (
                  <tr key={w.source}>
                    <th scope="row">
                      <Badge system={w.source} label />
                    </th>
                    <td>{w.mode ? codeWords(w.mode) : 'not configured here'}</td>
                    <td>
                      {w.counts.map((c) => (
                        <span key={c.state} className={css.span}>
                          {codeWords(c.state)}: {c.count.toLocaleString('en')}
                        </span>
                      ))}
                    </td>
                    <td>
                      {w.held && <span className={css.problem}>⚠ {w.held}</span>}
                      {w.pausedUntil && (
                        <>
                          ⚠ paused, again <Time at={w.pausedUntil} />, after {w.failures} failures
                        </>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Panel>
      <Panel title="Messages that could not be applied" loaded={exceptions} refusal={noExceptions}>
        {({ inboundExceptionCounts }) =>
          (inboundExceptionCounts?.nodes.length ?? 0) === 0 ? (
            <p className={css.small}>✓ None.</p>
          ) : (
            <table className={css.table}>
              <thead>
                <tr>
                  <th scope="col">System</th>
                  <th scope="col">Reason</th>
                  <th scope="col" className={css.number}>
                    Messages
                  </th>
                  <th scope="col">Oldest</th>
                  <th scope="col">Owner</th>
                </tr>
              </thead>
              <tbody>
                {inboundExceptionCounts?.nodes.map((e) => (
                  <tr key={`${e.system} ${e.object} ${e.code}`}>
                    <th scope="row">
                      <Badge system={e.system} label /> {e.object}
                    </th>
                    <td>{codeWords(e.code)}</td>
                    <td className={css.number}>{e.count.toLocaleString('en')}</td>
                    <td>
                      <Time at={e.oldestAt} />
                    </td>
                    <td>{e.owner}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Panel>
      <Panel title="Tasks that wait" loaded={queue}>
        {({ queueAges }) =>
          (queueAges?.length ?? 0) === 0 ? (
            <p className={css.small}>✓ None.</p>
          ) : (
            <table className={css.table}>
              <thead>
                <tr>
                  <th scope="col">Kind</th>
                  <th scope="col" className={css.number}>
                    Open
                  </th>
                  <th scope="col" className={css.number}>
                    Late
                  </th>
                  <th scope="col" className={css.number}>
                    Median wait
                  </th>
                  <th scope="col" className={css.number}>
                    Longest
                  </th>
                </tr>
              </thead>
              <tbody>
                {queueAges?.map((q) => (
                  <tr key={q.kind}>
                    <th scope="row">{codeWords(q.kind)}</th>
                    <td className={css.number}>{q.open.toLocaleString('en')}</td>
                    <td className={css.number}>{q.overdue.toLocaleString('en')}</td>
                    <td className={css.number}>{durationText(q.ageSecondsMedian)}</td>
                    <td className={css.number}>{durationText(q.ageSecondsMax)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Panel>
    </div>
  )
}
