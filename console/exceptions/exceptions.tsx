import { useEffect, useRef, useState } from 'react'
import { useUrlState } from '../app/urlState.ts'
import { useQuery } from '../graph/useQuery.ts'
import { useRefresh } from '../graph/useRefresh.ts'
import { Button } from '../parts/button.tsx'
import { useKeys } from '../parts/keys.ts'
import { Panes } from '../parts/panes.tsx'
import { ReasonForm } from '../parts/reasonForm.tsx'
import { Empty, FailureNote, Skeleton, SlowNote } from '../parts/states.tsx'
import { counted } from '../parts/valueText.ts'
import { useRefusal } from '../session/viewer.ts'
import { Detail, refusalOfCorrection, refusalOfWork } from './detail.tsx'
import { ExceptionDetailDocument, ExceptionReasonsDocument } from './exceptions.generated.ts'
import css from './exceptions.module.css'
import { exceptionsState, type Filter, filterOf, isChosen, reasonsFilterOf } from './filter.ts'
import { ExceptionList } from './list.tsx'
import { Reasons } from './reasons.tsx'
import { ASIDE_REASONS, RETRY_REASONS } from './reasonTexts.ts'
import { StateFilter } from './stateFilter.tsx'
import { useExceptions } from './useExceptions.ts'
import { useRetryAll } from './useRetryAll.ts'
import { retry, setAside } from './work.ts'

type Act =
  | { kind: 'CORRECT' }
  | { kind: 'RETRY' | 'ASIDE'; ids: string[] }
  | { kind: 'RETRY_ALL'; filter: Filter; count: number }

/** While a retry is being applied, the counts follow it. */
const busyMs = 1_000
const calmMs = 10_000

export function Screen() {
  const [state, change] = useUrlState(exceptionsState)
  const reasons = useQuery(ExceptionReasonsDocument, { filter: reasonsFilterOf(state) })
  const counts = reasons.data?.inboundExceptionCounts?.nodes ?? []
  const chosen = counts.filter((r) => isChosen(r, state))
  const sum = (of: 'count' | 'waiting') => chosen.reduce((n, r) => n + r[of], 0)
  const [total, waiting] = [sum('count'), sum('waiting')]
  const filter = filterOf(state)
  const list = useExceptions(filter)
  const { rows } = list
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [act, setAct] = useState<Act | null>(null)
  const found = rows.findIndex((r) => r.id === state.at)
  // One that was applied leaves its place to the next one.
  const last = useRef(0)
  const at = found >= 0 ? found : Math.max(0, Math.min(last.current, rows.length - 1))
  useEffect(() => {
    last.current = at
  }, [at])
  const next = found < 0 && state.at !== undefined ? at : at + 1
  // One that was opened by a link may be in no page yet.
  const current = state.at ?? rows[0]?.id ?? null
  const detail = useQuery(ExceptionDetailDocument, current === null ? null : { id: current })
  const shown = detail.data?.inboundException
  const refusal = useRefusal('Mutation.retryExceptions', 'EXCEPTIONS')
  const again = () => {
    reasons.again()
    list.again()
    if (current !== null) detail.again()
  }
  const retryAll = useRetryAll(again)
  const { run } = retryAll
  useRefresh(again, (run?.sending ?? false) || waiting > 0 ? busyMs : calmMs)

  const close = () => setAct(null)
  const move = (to: number) => {
    const row = rows[Math.max(0, Math.min(to, rows.length - 1))]
    if (!row) return
    close()
    change({ at: row.id })
    if (to >= rows.length - 1) list.more()
  }
  const select = (id = current) => {
    if (id === null) return
    const next = new Set(selected)
    if (!next.delete(id)) next.add(id)
    setSelected(next)
  }
  const ids = selected.size > 0 ? [...selected] : current === null ? [] : [current]
  // The buttons at the one that is shown say why; the selection may hold several states.
  const refusalOfIds =
    selected.size > 0 ? refusal : shown ? refusalOfWork(shown, refusal) : 'None is selected'
  const prepare = (kind: 'RETRY' | 'ASIDE') => () => refusalOfIds === null && setAct({ kind, ids })
  const onCorrect = () =>
    shown && refusalOfCorrection(shown, refusal) === null && setAct({ kind: 'CORRECT' })
  const refusalOfAll =
    refusal ??
    (state.state !== undefined
      ? 'Only open exceptions are tried again'
      : total === 0
        ? 'There are none'
        : total === waiting
          ? 'They are in the queue already'
          : null)
  const onRetryAll = () =>
    refusalOfAll === null && setAct({ kind: 'RETRY_ALL', filter, count: total })
  const done = () => {
    setSelected(new Set())
    again()
  }

  useKeys('Exceptions', [
    { key: 'j', repeats: true, name: 'Next exception', run: () => move(next) },
    { key: 'k', repeats: true, name: 'Previous exception', run: () => move(at - 1) },
    { key: 'ArrowDown', repeats: true, name: 'Next', run: () => move(next), hidden: true },
    { key: 'ArrowUp', repeats: true, name: 'Previous', run: () => move(at - 1), hidden: true },
    { key: 'x', name: 'Select the exception', run: () => select() },
    { key: 'c', name: 'Correct the payload and try it', run: onCorrect },
    { key: 'Enter', name: 'Correct the payload and try it', run: onCorrect, hidden: true },
    { key: 'r', name: 'Try the selected ones again', run: prepare('RETRY') },
    { key: 'Shift+R', name: 'Try all of the list again', run: onRetryAll },
    { key: 'd', name: 'Set the selected ones aside', run: prepare('ASIDE') },
    { key: 'Escape', name: 'Leave what is prepared', run: close },
  ])

  return (
    <Panes
      title="Exceptions"
      even
      head={
        <>
          <span role="status">
            {reasons.data && counted(total, 'message')}
            {waiting > 0 && ` · ${waiting.toLocaleString('en')} in the queue`}
            {selected.size > 0 && ` · ${selected.size} selected`}
          </span>
          <StateFilter state={state} change={change} />
          <span style={{ flex: 1 }} />
          <Button keyHint="R" refusal={refusalOfAll} onPress={onRetryAll}>
            Try all {total > 0 ? total.toLocaleString('en') : ''} again
          </Button>
        </>
      }
      first={
        <>
          {run && run.filter === JSON.stringify(filter) && (
            <Progress
              run={run}
              waiting={waiting}
              remaining={total - waiting}
              onClose={retryAll.close}
            />
          )}
          {act?.kind === 'RETRY_ALL' && (
            <ReasonForm
              title={`Try ${counted(act.count, 'message')} again`}
              consequence={
                <p>
                  Each one of this list is put into the queue and mapped again, so a corrected
                  mapping takes effect. Those that fail again stay exceptions.
                </p>
              }
              verb={`Try ${counted(act.count, 'message')} again`}
              reasons={RETRY_REASONS}
              send={(reason, key) => retryAll.start(act.filter, act.count, reason, key)}
              onClose={close}
            />
          )}
          {!reasons.data && <SlowNote slow={reasons.slow} />}
          {reasons.failure && <FailureNote failure={reasons.failure} again={reasons.again} />}
          {counts.length > 0 && (
            <Reasons
              reasons={counts}
              more={reasons.data?.inboundExceptionCounts?.pageInfo.hasNextPage ?? false}
              state={state}
              change={(part) => {
                close()
                setSelected(new Set())
                change(part)
              }}
            />
          )}
          {list.failure && <FailureNote failure={list.failure} again={list.again} />}
          {rows.length > 0 && (
            <>
              <SlowNote slow={list.slow} />
              <ExceptionList
                rows={rows}
                at={current === rows[at]?.id ? at : -1}
                selected={selected}
                hasMore={list.after !== null}
                loading={list.loading}
                onMove={move}
                onSelect={select}
                onMore={list.more}
              />
            </>
          )}
          {rows.length === 0 && list.loading && <Skeleton rows={12} slow={list.slow} />}
          {rows.length === 0 && !list.loading && !list.failure && (
            <Nothing isFiltered={Object.keys(filter).length > 0} />
          )}
        </>
      }
      second={
        <>
          {(act?.kind === 'RETRY' || act?.kind === 'ASIDE') && (
            <ActForm key={act.kind} act={act} onClose={close} onDone={done} />
          )}
          {current === null ? (
            <Empty title="No exception is selected" />
          ) : (
            <Detail
              id={current}
              loaded={detail}
              isCorrecting={act?.kind === 'CORRECT'}
              refusal={refusal}
              onRetry={() => setAct({ kind: 'RETRY', ids: [current] })}
              onCorrect={onCorrect}
              onSetAside={() => setAct({ kind: 'ASIDE', ids: [current] })}
              onClose={close}
              onDone={done}
            />
          )}
        </>
      }
      secondTitle="Exception"
    />
  )
}

function ActForm({
  act,
  onClose,
  onDone,
}: {
  act: { kind: 'RETRY' | 'ASIDE'; ids: string[] }
  onClose: () => void
  onDone: () => void
}) {
  const isRetry = act.kind === 'RETRY'
  const messages = counted(act.ids.length, 'message')
  const verb = isRetry ? `Try ${messages} again` : `Set ${messages} aside`
  return (
    <ReasonForm
      title={verb}
      consequence={
        <p>
          {isRetry
            ? 'It is put into the queue and mapped again, so a corrected mapping takes effect. If it fails again it stays an exception.'
            : 'Nothing of it is applied, and it is open no more. The message stays in the inbox; its source system may still send what was missing. It cannot be opened again.'}
        </p>
      }
      verb={verb}
      reasons={isRetry ? RETRY_REASONS : ASIDE_REASONS}
      send={async (reason, key) => {
        const isDone = isRetry
          ? await retry({ ids: act.ids }, reason, key)
          : await setAside(act.ids, reason, key)
        if (isDone) onDone()
        return isDone
      }}
      onClose={onClose}
    />
  )
}

function Progress({
  run,
  waiting,
  remaining,
  onClose,
}: {
  run: { total: number; queued: number; left: number; sending: boolean }
  waiting: number
  remaining: number
  onClose: () => void
}) {
  const isDone = !run.sending && waiting === 0
  return (
    <div className={css.progress}>
      <p role="status">
        {isDone ? 'Tried again' : 'Trying again'}: {counted(run.queued, 'message')} of{' '}
        {run.total.toLocaleString('en')} put into the queue · {waiting.toLocaleString('en')} wait
        {isDone && ` · ${remaining.toLocaleString('en')} are exceptions`}
      </p>
      <progress
        max={Math.max(1, run.total)}
        value={Math.max(0, run.queued - waiting)}
        aria-label="Tried again"
      />
      {isDone && (
        <Button kind="QUIET" onPress={onClose}>
          Close
        </Button>
      )}
    </div>
  )
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  return isFiltered ? (
    <Empty title="No exception is in this list">
      <p>Press the chosen reason, owner or state again to leave it out.</p>
    </Empty>
  ) : (
    <Empty title="Every message could be applied">
      <p>
        A message that cannot be read, has no mapping or lacks a required value appears here, with
        the line of the mapping at which it failed.
      </p>
    </Empty>
  )
}
