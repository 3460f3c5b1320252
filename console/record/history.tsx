import { useTitles } from '../graph/titles.ts'
import { useQuery } from '../graph/useQuery.ts'
import { Badge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { FailureNote, Skeleton, SlowNote } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords, counted, fieldWords } from '../parts/valueText.ts'
import { FieldValue, referencesIn } from './fieldValue.tsx'
import { RecordDiffDocument, type RecordVersionFragment } from './record.generated.ts'
import css from './record.module.css'
import type { RecordState } from './state.ts'
import type { ShownRecord } from './useRecord.ts'

interface HistoryProps {
  shown: ShownRecord
  state: RecordState
  change: (part: Partial<RecordState>) => void
}

/** The versions, the newest first, and the differences of two of them. */
export function History({ shown, state, change }: HistoryProps) {
  const { operations } = shown
  const id = presentId(shown.record.id)
  const loaded = useQuery(operations.history, { id })
  const versions = loaded.data?.node?.history
  if (!versions)
    return loaded.failure ? (
      <FailureNote failure={loaded.failure} again={loaded.again} />
    ) : (
      <Skeleton rows={8} slow={loaded.slow} />
    )
  const newest = versions.nodes[0]?.version ?? 1
  const to = state.to ?? newest
  const from = state.from ?? Math.max(1, to - 1)
  return (
    <>
      <SlowNote slow={loaded.slow} />
      {newest > 1 ? (
        <Diff shown={shown} id={id} from={from} to={to} />
      ) : (
        <p className={css.pad}>It has one version, so there is nothing to compare.</p>
      )}
      <table className={css.versions}>
        <caption className="visually-hidden">Versions, the newest first</caption>
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">When</th>
            <th scope="col">What</th>
            <th scope="col">By</th>
          </tr>
        </thead>
        <tbody>
          {versions.nodes.map((v) => (
            <Version
              key={v.version}
              version={v}
              isFrom={v.version === from && newest > 1}
              isTo={v.version === to && newest > 1}
              onFrom={() => change({ from: v.version, to: to <= v.version ? newest : to })}
              onTo={() => change({ to: v.version, from: from >= v.version ? undefined : from })}
              onShow={() => change({ asOf: momentOf(v), tab: 'values' })}
            />
          ))}
        </tbody>
      </table>
      {versions.totalCount > versions.nodes.length && (
        <p className={css.pad}>
          {counted(versions.totalCount - versions.nodes.length, 'older version')} not shown.
        </p>
      )}
    </>
  )
}

/** A record of a moment has the moment in its id. */
export function presentId(id: string): string {
  return id.split('@')[0] ?? id
}

/** The moments of the graph have milliseconds, those of the store less: one later has the version. */
export function momentOf({ at }: { at: string }): string {
  return new Date(Date.parse(at) + 1).toISOString()
}

function Version({
  version: v,
  isFrom,
  isTo,
  onFrom,
  onTo,
  onShow,
}: {
  version: RecordVersionFragment
  isFrom: boolean
  isTo: boolean
  onFrom: () => void
  onTo: () => void
  onShow: () => void
}) {
  return (
    <tr data-current={isFrom || isTo || undefined}>
      <th scope="row">{v.version}</th>
      <td>
        <input
          type="radio"
          name="from"
          aria-label={`Compare from version ${v.version}`}
          checked={isFrom}
          onChange={onFrom}
        />
      </td>
      <td>
        <input
          type="radio"
          name="to"
          aria-label={`Compare to version ${v.version}`}
          checked={isTo}
          onChange={onTo}
        />
      </td>
      <td>
        <Time at={v.at} />
      </td>
      <td>
        {codeWords(v.op)}
        {v.changedFields.length > 0 && `: ${v.changedFields.map(fieldWords).join(', ')}`}
      </td>
      <td>
        <span className={css.line}>
          <Badge system={v.cause.system} />
          <span className={css.id}>
            {v.cause.object ?? v.cause.system} {v.cause.sourceId}
          </span>
          <span className={css.grow} />
          <Button kind="QUIET" label={`Show version ${v.version}`} onPress={onShow}>
            Show
          </Button>
        </span>
      </td>
    </tr>
  )
}

function Diff({
  shown,
  id,
  from,
  to,
}: {
  shown: ShownRecord
  id: string
  from: number
  to: number
}) {
  const { fields } = shown.type
  const loaded = useQuery(RecordDiffDocument, { id, from, to })
  const differences = loaded.data?.goldenDiff
  const titles = useTitles(
    (differences ?? []).flatMap((d) => [
      ...referencesIn(fields, d.field, d.before),
      ...referencesIn(fields, d.field, d.after),
    ]),
  )
  return (
    <section className={css.diff} aria-label={`From version ${from} to ${to}`}>
      <h2>
        From version {from} to {to}
      </h2>
      {loaded.failure && <FailureNote failure={loaded.failure} again={loaded.again} />}
      {!differences && loaded.loading && <Skeleton rows={3} slow={loaded.slow} />}
      {differences?.length === 0 && (
        <p>No value that you may see differs. Its source records may.</p>
      )}
      {differences && differences.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
            </tr>
          </thead>
          <tbody>
            {differences.map((d) => {
              const field = fields.find((f) => f.name === d.field)
              return (
                <tr key={d.field}>
                  <th scope="row">{fieldWords(d.field)}</th>
                  <td>
                    <FieldValue field={field} value={d.before} against={d.after} titles={titles} />
                  </td>
                  <td>
                    <FieldValue field={field} value={d.after} against={d.before} titles={titles} />
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      )}
    </section>
  )
}
