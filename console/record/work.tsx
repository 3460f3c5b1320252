import { Link } from '@tanstack/react-router'
import { useTitles } from '../graph/titles.ts'
import { useQuery } from '../graph/useQuery.ts'
import { FailureNote, Skeleton } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords } from '../parts/valueText.ts'
import { refusalOf, useViewer } from '../session/viewer.ts'
import { RecordLink } from './fieldValue.tsx'
import { presentId } from './history.tsx'
import { RecordWorkDocument } from './record.generated.ts'
import css from './record.module.css'
import type { ShownRecord } from './useRecord.ts'

/** The tasks and actions of stewards about the record, and what it may be the same as. */
export function Work({ shown }: { shown: ShownRecord }) {
  const viewer = useViewer()
  const refusal = refusalOf(viewer, 'Query.tasks')
  const id = presentId(shown.record.id)
  const { data, failure, loading, slow, again } = useQuery(
    RecordWorkDocument,
    refusal === null ? { id } : null,
  )
  const matches = data?.possibleMatches?.nodes ?? []
  const titles = useTitles(matches.map((m) => m.goldenId))
  if (refusal) return <p className={css.pad}>{refusal}</p>
  if (!data)
    return failure ? (
      <FailureNote failure={failure} again={again} />
    ) : loading ? (
      <Skeleton rows={6} slow={slow} />
    ) : null
  const tasks = data.tasks?.nodes ?? []
  const actions = data.stewardActions?.nodes ?? []
  return (
    <>
      {failure && <FailureNote failure={failure} again={again} />}
      <section className={css.section} aria-label="Open tasks">
        <h2>Open tasks</h2>
        {tasks.length === 0 && <p className={css.small}>No decision waits for a person.</p>}
        <ul className={css.plain}>
          {tasks.map((t) => (
            <li key={t.id}>
              <Link to="/decide/$id" params={{ id: t.id } as never}>
                {codeWords(t.kind)}
              </Link>
              <span>{t.reason}</span>
              <span className={css.small}>
                due <Time at={t.dueAt} />
                {t.assignee && `, ${t.assignee}`}
              </span>
            </li>
          ))}
        </ul>
      </section>
      <section className={css.section} aria-label="Possible matches">
        <h2>Possible matches</h2>
        {matches.length === 0 && (
          <p className={css.small}>No other record looks like the same thing.</p>
        )}
        <ul className={css.plain}>
          {matches.map((m) => (
            <li key={m.goldenId}>
              <RecordLink id={m.goldenId} titles={titles} />
              <span>{m.reason}</span>
              <span className={css.small}>
                {m.weight.toFixed(1)} bits, {Math.round(m.probability * 100)} %
              </span>
            </li>
          ))}
        </ul>
      </section>
      <section className={css.section} aria-label="Actions">
        <h2>What stewards did</h2>
        {actions.length === 0 && <p className={css.small}>No steward has touched it yet.</p>}
        <ul className={css.plain}>
          {actions.map((a) => (
            <li key={a.id}>
              <span>
                {codeWords(a.kind)} by {a.actor}: {a.reason}
              </span>
              <span className={css.small}>
                {codeWords(a.state)}, <Time at={a.doneAt ?? a.proposedAt} />
              </span>
            </li>
          ))}
        </ul>
      </section>
    </>
  )
}
