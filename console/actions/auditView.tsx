import { Link } from '@tanstack/react-router'
import { useTitles } from '../graph/titles.ts'
import { useQuery } from '../graph/useQuery.ts'
import { Button } from '../parts/button.tsx'
import { useKeys } from '../parts/keys.ts'
import { Empty, FailureNote, Skeleton, SlowNote } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords, counted, fieldWords } from '../parts/valueText.ts'
import { useRefusal } from '../session/viewer.ts'
import {
  AuditRowsDocument,
  AuditVerifiedDocument,
  SensitiveReadsDocument,
} from './actions.generated.ts'
import css from './actions.module.css'
import { type ActionsState, auditFilter, readsFilter } from './state.ts'
import { usePages } from './usePages.ts'

const RESULTS: Record<string, string> = {
  INTACT: '✓ Verified: every entry fits',
  BROKEN: '⚠ The log was changed',
  NOT_VERIFIED: '⚠ It could not be verified',
  UNFINISHED: '… Not finished',
}

/** Whether the chain of the audit log is as it was written. It is checked when the view opens. */
function Verified() {
  const refusal = useRefusal('Query.auditCheck')
  const { data, failure, loading, slow, again } = useQuery(
    AuditVerifiedDocument,
    refusal === null ? {} : null,
  )
  useKeys('Audit log', [{ key: 'v', name: 'Verify the audit log again', run: again }])
  const check = data?.auditCheck
  if (refusal) return null
  return (
    <div className={css.verified} data-result={check?.result}>
      {failure && <FailureNote failure={failure} again={again} />}
      <SlowNote slow={slow} />
      {check && (
        <p role="status">
          <b>{RESULTS[check.result]}</b>
          {`: ${counted(check.entries, 'entry', 'entries')} checked, up to entry ${check.last}`}
          {check.detail && `. ${check.detail}`}{' '}
          <span className={css.small}>
            <Time at={check.at} />
          </span>
        </p>
      )}
      {!check && loading && <p className={css.small}>The entries are checked …</p>}
      <Button
        keyHint="v"
        refusal={loading ? 'The entries are being checked' : null}
        onPress={again}
      >
        Verify again
      </Button>
    </div>
  )
}

/** The rows of the audit log, the latest first. */
export function AuditView({ state }: { state: ActionsState }) {
  const refusal = useRefusal('Query.auditLog')
  const list = usePages(AuditRowsDocument, refusal === null ? auditFilter(state) : null)
  if (refusal) return <Empty title="You have no right to see the audit log">{refusal}</Empty>
  return (
    <>
      <Verified />
      <ListStates list={list} empty="No entry fits these filters" />
      {list.rows.length > 0 && (
        <table className={css.rows}>
          <caption className="visually-hidden">Audit log</caption>
          <thead>
            <tr>
              <th scope="col">Entry</th>
              <th scope="col">When</th>
              <th scope="col">Who</th>
              <th scope="col">Event</th>
              <th scope="col">What</th>
              <th scope="col">Hash</th>
            </tr>
          </thead>
          <tbody>
            {list.rows.map((r) => (
              <tr key={r.id} id={`entry-${r.id}`}>
                <th scope="row">{r.id}</th>
                <td>
                  <Time at={r.at} />
                </td>
                <td>{r.actor}</td>
                <td>{codeWords(r.event)}</td>
                <td>
                  {textIn(r.body, 'reason')}
                  {textIn(r.body, 'agent') && ` by the agent ${textIn(r.body, 'agent')}`}
                  {r.action && (
                    <>
                      {' '}
                      <Link to="/actions" search={{ at: r.action.id } as never}>
                        {codeWords(r.action.kind)}
                      </Link>
                    </>
                  )}
                </td>
                <td>
                  <code title={r.hash}>{r.hash.slice(0, 8)}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <More more={list.more} />
    </>
  )
}

function textIn(body: unknown, name: string): string | null {
  const value = (body as Record<string, unknown>)[name]
  return typeof value === 'string' ? value : null
}

/** Who saw or changed values of sensitive fields, the latest first. */
export function ReadsView({ state }: { state: ActionsState }) {
  const refusal = useRefusal('Query.sensitiveAccess')
  const list = usePages(SensitiveReadsDocument, refusal === null ? readsFilter(state) : null)
  const titles = useTitles(list.rows.flatMap((r) => r.about.slice(0, 1)))
  if (refusal) return <Empty title="You have no right to see who read what">{refusal}</Empty>
  return (
    <>
      <ListStates list={list} empty="No read of a sensitive field fits these filters" />
      {list.rows.length > 0 && (
        <table className={css.rows}>
          <caption className="visually-hidden">Reads of sensitive fields</caption>
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Who</th>
              <th scope="col">Fields</th>
              <th scope="col">Record</th>
              <th scope="col">Through</th>
            </tr>
          </thead>
          <tbody>
            {list.rows.map((r, n) => {
              const [id] = r.about
              const others = r.about.length - 1 + r.more
              return (
                // biome-ignore lint/suspicious/noArrayIndexKey: rows have no id of their own
                <tr key={n}>
                  <td>
                    <Time at={r.at} />
                  </td>
                  <th scope="row">{r.actor}</th>
                  <td>{r.fields.map(fieldWords).join(', ')}</td>
                  <td>
                    {id ? (
                      <Link to="/record/$id" params={{ id } as never}>
                        {titles.get(id)?.title ?? `${r.type} ${id.slice(0, 8)}`}
                      </Link>
                    ) : (
                      r.type
                    )}
                    {others > 0 && ` and ${counted(others, 'other')}`}
                  </td>
                  <td>
                    {codeWords(r.through)}
                    <span className={css.small}> {r.operation}</span>
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      )}
      <More more={list.more} />
    </>
  )
}

type List = Pick<
  ReturnType<typeof usePages<unknown, unknown>>,
  'rows' | 'failure' | 'loading' | 'slow' | 'again'
>

/** What stands in the place of rows, or above them. */
export function ListStates({ list, empty }: { list: List; empty: string }) {
  const { rows, failure, loading, slow, again } = list
  return (
    <>
      {failure && <FailureNote failure={failure} again={again} />}
      {rows.length > 0 && <SlowNote slow={slow} />}
      {rows.length === 0 && loading && <Skeleton rows={12} slow={slow} />}
      {rows.length === 0 && !loading && !failure && (
        <Empty title={empty}>
          <p>Take a filter away to see more.</p>
        </Empty>
      )}
    </>
  )
}

export function More({ more }: { more: (() => void) | null }) {
  return (
    more && (
      <p className={css.more}>
        <Button onPress={more}>Show more</Button>
      </p>
    )
  )
}
