import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { useUrlState } from '../app/urlState.ts'
import { useQuery } from '../graph/useQuery.ts'
import { Button } from '../parts/button.tsx'
import { useKeys } from '../parts/keys.ts'
import { Panes } from '../parts/panes.tsx'
import { Empty, FailureNote, Skeleton, SlowNote } from '../parts/states.tsx'
import { counted } from '../parts/valueText.ts'
import { useRefusal } from '../session/viewer.ts'
import { AssignDialog } from './assignDialog.tsx'
import { Facets } from './facets.tsx'
import { filterOf, queueState } from './filter.ts'
import { QueueCountsDocument } from './queue.generated.ts'
import { TaskList } from './taskList.tsx'
import { TaskPreview } from './taskPreview.tsx'
import { useTasks } from './useTasks.ts'
import { assign, claim, defer } from './work.ts'

/** Changes of many tasks at once load the counts once. */
const countsMs = 500

export function Screen() {
  const navigate = useNavigate()
  const [state, change] = useUrlState(queueState)
  const counts = useQuery(QueueCountsDocument, {
    filter: filterOf(state),
    kinds: filterOf(state, 'kinds'),
    types: filterOf(state, 'types'),
    assignees: filterOf(state, 'assignee'),
  })
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const countAgain = () => {
    clearTimeout(timer.current)
    timer.current = setTimeout(counts.again, countsMs)
  }
  useEffect(() => () => clearTimeout(timer.current), [])
  const tasks = useTasks(state, countAgain)
  const { rows } = tasks
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [assigning, setAssigning] = useState(false)
  const refusal = useRefusal('Mutation.claimTasks')

  const found = rows.findIndex((r) => r.id === state.at)
  // A task that left the list leaves its place to the next one.
  const last = useRef(0)
  const at = found >= 0 ? found : Math.max(0, Math.min(last.current, rows.length - 1))
  useEffect(() => {
    last.current = at
  }, [at])
  const current = rows[at]
  const move = (to: number) => {
    const row = rows[Math.max(0, Math.min(to, rows.length - 1))]
    if (row) change({ at: row.id })
  }
  const open = (id = current?.id) =>
    id &&
    void navigate({
      to: '/decide/$id',
      params: { id } as never,
      // The round of decisions is over what the queue shows.
      search: ((last: Record<string, unknown>) => ({ ...last, at: undefined })) as never,
    })
  const select = (id = current?.id) => {
    if (!id) return
    const next = new Set(selected)
    if (!next.delete(id)) next.add(id)
    setSelected(next)
  }
  const chosen = selected.size > 0 ? [...selected] : current ? [current.id] : []
  const doing = (act: (ids: string[]) => Promise<void>) => () => {
    if (refusal !== null || chosen.length === 0) return
    void act(chosen).then(() => {
      setSelected(new Set())
      countAgain()
    })
  }
  const onClaim = doing((ids) => claim(ids, tasks.apply))
  const onDefer = doing((ids) => defer(ids, tasks.apply))
  const onAssign = () => refusal === null && chosen.length > 0 && setAssigning(true)
  useKeys('Queue', [
    { key: 'j', repeats: true, name: 'Next task', run: () => move(at + 1) },
    { key: 'k', repeats: true, name: 'Previous task', run: () => move(at - 1) },
    { key: 'ArrowDown', repeats: true, name: 'Next task', run: () => move(at + 1), hidden: true },
    { key: 'ArrowUp', repeats: true, name: 'Previous task', run: () => move(at - 1), hidden: true },
    { key: 'Home', name: 'First task', run: () => move(0), hidden: true },
    { key: 'End', name: 'Last loaded task', run: () => move(rows.length - 1), hidden: true },
    { key: 'Enter', name: 'Open the task', run: () => void open() },
    { key: 'x', name: 'Select the task', run: () => select() },
    { key: 'e', name: 'Claim the selected tasks', run: onClaim },
    { key: 's', name: 'Defer the selected tasks until tomorrow', run: onDefer },
    { key: 'a', name: 'Assign the selected tasks', run: onAssign },
  ])

  const total = counts.data?.found?.total ?? null
  const overdue = counts.data?.found?.overdue ?? 0
  return (
    <>
      <Panes
        title="Queue"
        head={
          <>
            <span role="status">
              {total === null ? '' : counted(total, 'task')}
              {overdue > 0 && ` · ${overdue.toLocaleString('en')} late`}
              {selected.size > 0 && ` · ${selected.size} selected`}
            </span>
            <span style={{ flex: 1 }} />
            <Button keyHint="e" refusal={refusal} onPress={onClaim}>
              Claim
            </Button>
            <Button keyHint="s" refusal={refusal} onPress={onDefer}>
              Defer
            </Button>
            <Button keyHint="a" refusal={refusal} onPress={onAssign}>
              Assign
            </Button>
          </>
        }
        first={
          <>
            <Facets state={state} change={change} counts={counts.data} />
            {counts.failure && <FailureNote failure={counts.failure} again={counts.again} />}
            {tasks.failure && <FailureNote failure={tasks.failure} again={tasks.again} />}
            {rows.length > 0 && (
              <>
                <SlowNote slow={tasks.slow} />
                <TaskList
                  rows={rows}
                  at={at}
                  total={total}
                  selected={selected}
                  onMove={move}
                  onOpen={open}
                  onSelect={select}
                  onEnd={tasks.more}
                />
              </>
            )}
            {rows.length === 0 && tasks.loading && <Skeleton rows={14} slow={tasks.slow} />}
            {rows.length === 0 && !tasks.loading && !tasks.failure && (
              <Nothing isFiltered={isFiltered(state)} />
            )}
          </>
        }
        second={
          current ? (
            <TaskPreview task={current} onOpen={() => void open()} />
          ) : (
            <Empty title="No task is selected" />
          )
        }
        secondTitle="Preview"
      />
      {assigning && (
        <AssignDialog
          count={chosen.length}
          known={(counts.data?.assignees?.assignees ?? []).flatMap((a) => a.value ?? [])}
          onClose={() => setAssigning(false)}
          onAssign={(to) => {
            setAssigning(false)
            doing((ids) => assign(ids, to, tasks.apply))()
          }}
        />
      )}
    </>
  )
}

function isFiltered(state: ReturnType<typeof queueState>): boolean {
  return Object.keys(filterOf(state)).length > 0
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  return isFiltered ? (
    <Empty title="No task fits these filters">
      <p>Press a filter again to leave it out.</p>
    </Empty>
  ) : (
    <Empty title="Nothing waits for a decision">
      <p>
        New tasks appear here by themselves: pairs of records that may be the same, values that
        contradict each other, and records that cannot be used.
      </p>
    </Empty>
  )
}
