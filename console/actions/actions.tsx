import { useEffect, useRef } from 'react'
import { useUrlState } from '../app/urlState.ts'
import { useTitles } from '../graph/titles.ts'
import { Button } from '../parts/button.tsx'
import { useKeys } from '../parts/keys.ts'
import { Panes } from '../parts/panes.tsx'
import { Empty } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords, counted } from '../parts/valueText.ts'
import { ActionPane } from './actionPane.tsx'
import { type ActionRowFragment, ActionsListDocument } from './actions.generated.ts'
import css from './actions.module.css'
import { AuditView, ListStates, More, ReadsView } from './auditView.tsx'
import { Filters } from './filters.tsx'
import { actionFilter, actionsState, isFiltered, VIEWS, type View } from './state.ts'
import { usePages } from './usePages.ts'

const NAMES: Record<View, string> = {
  ACTIONS: 'Actions',
  AUDIT: 'Audit log',
  READS: 'Sensitive reads',
}

export function Screen() {
  const [state, change] = useUrlState(actionsState)
  const view: View = state.view ?? 'ACTIONS'
  const list = usePages(ActionsListDocument, view === 'ACTIONS' ? actionFilter(state) : null)
  const { rows } = list
  const found = rows.findIndex((r) => r.id === state.at)
  const at = state.at ?? rows[0]?.id
  const move = (by: number) => {
    const row = rows[Math.max(0, Math.min(Math.max(found, 0) + by, rows.length - 1))]
    if (row) change({ at: row.id })
  }
  const show = (to: View) =>
    change({
      ...{ view: to === 'ACTIONS' ? undefined : to, at: undefined, kind: undefined },
      ...{ type: undefined, state: undefined, text: undefined },
    })
  useKeys('Actions', [
    { key: 'j', repeats: true, name: 'Next action', run: () => move(1) },
    { key: 'k', repeats: true, name: 'Previous action', run: () => move(-1) },
    ...VIEWS.map((v, n) => ({ key: String(n + 1), name: NAMES[v], run: () => show(v) })),
  ])
  return (
    <Panes
      title="Actions"
      head={
        <>
          {VIEWS.map((v, n) => (
            <Button key={v} keyHint={String(n + 1)} pressed={v === view} onPress={() => show(v)}>
              {NAMES[v]}
            </Button>
          ))}
          <span className={css.space} />
          <span role="status">
            {view === 'ACTIONS' && list.total !== null && counted(list.total, 'action')}
          </span>
        </>
      }
      first={
        <>
          <Filters state={state} change={change} />
          {view === 'AUDIT' && <AuditView state={state} />}
          {view === 'READS' && <ReadsView state={state} />}
          {view === 'ACTIONS' && (
            <>
              <ListStates
                list={list}
                empty={isFiltered(state) ? 'No action fits these filters' : 'Nobody has acted yet'}
              />
              {rows.length > 0 && (
                <ActionList rows={rows} at={at} onAt={(id) => change({ at: id })} />
              )}
              <More more={list.more} />
            </>
          )}
        </>
      }
      {...(view === 'ACTIONS'
        ? {
            second: at ? (
              <ActionPane key={at} id={at} changed={list.again} />
            ) : (
              <Empty title="No action is selected" />
            ),
            secondTitle: 'The action',
          }
        : {})}
    />
  )
}

function ActionList({
  rows,
  at,
  onAt,
}: {
  rows: readonly ActionRowFragment[]
  at: string | undefined
  onAt: (id: string) => void
}) {
  const titles = useTitles(rows.flatMap((r) => recordsOf(r).slice(0, 1)))
  const current = useRef<HTMLTableRowElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another row is in sight then
  useEffect(() => {
    current.current?.scrollIntoView({ block: 'nearest' })
  }, [at])
  return (
    <table className={css.rows}>
      <caption className="visually-hidden">Actions</caption>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">About</th>
          <th scope="col">Who</th>
          <th scope="col">State</th>
          <th scope="col">When</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((r) => {
          const [first, ...others] = recordsOf(r)
          return (
            <tr
              key={r.id}
              id={`action-${r.id}`}
              ref={r.id === at ? current : undefined}
              aria-current={r.id === at || undefined}
              onClick={() => onAt(r.id)}
            >
              <th scope="row">
                <button type="button" className={css.open} onClick={() => onAt(r.id)}>
                  {codeWords(r.kind)}
                </button>
              </th>
              <td>
                <span className={css.about}>
                  {(first && titles.get(first)?.title) ?? r.type ?? 'Policy'}
                  {others.length > 0 && ` and ${others.length} more`}
                </span>
                <span className={css.small}>{r.reason}</span>
              </td>
              <td>
                {r.actor}
                {r.agent && <span className={css.agent}>by the agent {r.agent}</span>}
              </td>
              <td>{codeWords(r.state)}</td>
              <td>
                <Time at={r.doneAt ?? r.proposedAt} />
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

/** An undo is about the action that it undoes, too. */
function recordsOf({ about, undoes }: ActionRowFragment): string[] {
  return about.filter((id) => id !== undoes?.id)
}
