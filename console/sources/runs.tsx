import { useQuery } from '../graph/useQuery.ts'
import { useRefresh } from '../graph/useRefresh.ts'
import { Scroll } from '../parts/scroll.tsx'
import { Empty, FailureNote, Skeleton, SlowNote } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords, counted } from '../parts/valueText.ts'
import type { Entry } from './entries.ts'
import { SourceRunsDocument, type SourceRunsQuery } from './sources.generated.ts'
import css from './sources.module.css'

type Run = NonNullable<SourceRunsQuery['syncRuns']>['nodes'][number]

const MODES: Record<Run['mode'], string> = {
  FULL: 'every row',
  DELTA: 'what changed',
  CENSUS: 'census',
}
const GLYPHS: Record<Run['state'], string> = {
  RUNNING: '↻',
  DONE: '✓',
  FAILED: '✗',
  STOPPED: '‖',
  LOST: '?',
}

/** The runs of the last 30 days of a source system or an object, the latest first. */
export function Runs({ entry }: { entry: Entry }) {
  const { data, failure, loading, slow, again } = useQuery(SourceRunsDocument, {
    filter: {
      sources: [entry.source],
      ...(entry.object ? { objects: [entry.object.object] } : {}),
    },
  })
  useRefresh(again)
  const runs = data?.syncRuns
  if (!runs)
    return failure ? (
      <FailureNote failure={failure} again={again} />
    ) : loading ? (
      <Skeleton rows={8} slow={slow} />
    ) : null
  if (runs.nodes.length === 0)
    return (
      <Empty title="No run in the last 30 days">
        <p>It only sends, or its first run is still to come.</p>
      </Empty>
    )
  return (
    <>
      {failure && <FailureNote failure={failure} again={again} />}
      <SlowNote slow={slow} />
      <Scroll title="Runs of the last 30 days">
        <table className={css.table} aria-label="Runs">
          <thead>
            <tr>
              <th scope="col">Began</th>
              <th scope="col">Object</th>
              <th scope="col">Run</th>
              <th scope="col" className={css.number}>
                Rows
              </th>
              <th scope="col" className={css.number}>
                New
              </th>
              <th scope="col" className={css.number}>
                Requests
              </th>
            </tr>
          </thead>
          <tbody>
            {runs.nodes.map((run) => (
              <RunRow key={run.id} run={run} />
            ))}
          </tbody>
        </table>
      </Scroll>
      {runs.totalCount > runs.nodes.length && (
        <p className={css.small}>
          The latest {runs.nodes.length} of {counted(runs.totalCount, 'run')} are shown.
        </p>
      )}
    </>
  )
}

function RunRow({ run }: { run: Run }) {
  return (
    <tr data-run={run.id}>
      <td>
        <Time at={run.beganAt} />
        {run.endedAt && <div className={css.small}>{tookText(run.beganAt, run.endedAt)}</div>}
      </td>
      <td>{run.object}</td>
      <td>
        <span className={run.state === 'FAILED' ? css.bad : undefined}>
          <span aria-hidden="true">{GLYPHS[run.state]} </span>
          {MODES[run.mode]}, {codeWords(run.state)}
        </span>
        {run.code !== null && (
          <div className={css.small}>
            <code>{run.code}</code> {run.detail}
          </div>
        )}
      </td>
      <td className={css.number}>
        {run.rows.toLocaleString('en')}
        {run.deletions > 0 && <div className={css.small}>{counted(run.deletions, 'deletion')}</div>}
      </td>
      <td className={css.number}>{run.messages.toLocaleString('en')}</td>
      <td className={css.number}>
        {run.requests.toLocaleString('en')}
        {run.retries + run.waits > 0 && (
          <div className={css.small}>
            {run.retries} repeated, {counted(run.waits, 'wait')}
          </div>
        )}
      </td>
    </tr>
  )
}

function tookText(from: string, to: string): string {
  const ms = Date.parse(to) - Date.parse(from)
  return ms < 120_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`
}
