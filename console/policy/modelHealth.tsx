import { useQuery } from '../graph/useQuery.ts'
import { FailureNote, Skeleton } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { counted, fieldWords } from '../parts/valueText.ts'
import {
  PolicyLabelsDocument,
  type PolicyLabelsQuery,
  PolicyModelsDocument,
} from './policy.generated.ts'
import css from './policy.module.css'

type Labels = NonNullable<PolicyLabelsQuery['labelSample']>

/** The models of a type, and what people's answers show of matching. */
export function Health({ type }: { type: string }) {
  const models = useQuery(PolicyModelsDocument, { type })
  const labels = useQuery(PolicyLabelsDocument, { type })
  const found = models.data?.matchModels?.nodes
  const sample = labels.data?.labelSample
  return (
    <div className={css.part}>
      <h2>Labelled pairs</h2>
      {labels.failure && <FailureNote failure={labels.failure} again={labels.again} />}
      {!sample && labels.loading && <Skeleton rows={3} slow={labels.slow} />}
      {sample && <Measured of={sample} />}
      <h2>Models of {type}</h2>
      {models.failure && <FailureNote failure={models.failure} again={models.again} />}
      {!found && models.loading && <Skeleton rows={3} slow={models.slow} />}
      {found?.length === 0 && (
        <p className={css.small}>
          None was trained on this store: the shipped weights are used.{' '}
          <code>npx touchstone train {type}</code> trains one.
        </p>
      )}
      {found?.map((m) => (
        <section key={m.version} className={css.model} aria-label={`Model ${m.version}`}>
          <p>
            <code>{m.version}</code>
            {m.inForce && <b> ● in force</b>}
          </p>
          <p className={css.small}>
            Trained by {m.actor} <Time at={m.trainedAt} /> on {counted(m.records, 'record')},{' '}
            {counted(m.pairs, 'candidate pair')} and {counted(m.labels, 'labelled pair')}.
          </p>
          {m.absent.length > 0 && (
            <p className={css.small}>
              ⚠ Without any value in training: {m.absent.map(fieldWords).join(', ')}.
            </p>
          )}
          {m.misfit && <p className={css.problem}>⚠ It fits no more: {m.misfit}</p>}
        </section>
      ))}
    </div>
  )
}

function Measured({ of }: { of: Labels }) {
  if (of.answered === 0)
    return (
      <p className={css.small}>
        Nobody has labelled a pair yet, so precision and recall are the model’s own expectation.{' '}
        {counted(of.open, 'pair')} of a sample wait: labelSample and answerLabels in the graph, or{' '}
        <code>npx touchstone match --label</code>.
      </p>
    )
  return (
    <dl className={css.facts}>
      <dt>Precision</dt>
      <dd>{interval(of.precision)}</dd>
      <dt>Recall of linked pairs</dt>
      <dd>{interval(of.recall)}</dd>
      <dt>Answered</dt>
      <dd>
        {of.answered} · {of.unsure} unsure · {of.open} open
      </dd>
    </dl>
  )
}

function interval(of: Labels['precision']): string {
  if (!of) return 'not known yet'
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`
  return `${percent(of.share)} (95 %: ${percent(of.low)} to ${percent(of.high)})`
}
