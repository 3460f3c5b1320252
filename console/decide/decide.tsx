import { useNavigate, useParams } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useUrlState } from '../app/urlState.ts'
import { Button } from '../parts/button.tsx'
import { useKeys } from '../parts/keys.ts'
import { Panes } from '../parts/panes.tsx'
import { Empty, FailureNote, Skeleton } from '../parts/states.tsx'
import { queueState } from '../queue/filter.ts'
import { forget, loadAhead, usePair } from './ahead.ts'
import { onReopen, undo } from './decisions.ts'
import { Match } from './match.tsx'
import { OtherTask } from './otherTask.tsx'
import { useRound } from './round.ts'

const slowMs = 2_000
const MATCHES = ['POSSIBLE_MATCH', 'CONFLICT']

/** One task after the other: each decision goes on to the next one. */
export function Screen() {
  const { id = '' } = useParams({ strict: false }) as { id?: string }
  const navigate = useNavigate()
  const [state] = useUrlState(queueState)
  const round = useRound(id, state)
  const outcome = usePair(id)
  const [slow, setSlow] = useState(false)
  useEffect(() => {
    setSlow(false)
    if (outcome) return
    loadAhead(id)
    const timer = setTimeout(() => setSlow(true), slowMs)
    return () => clearTimeout(timer)
  }, [id, outcome])

  const open = (to: string) =>
    void navigate({
      to: '/decide/$id',
      params: { id: to } as never,
      search: true as never,
      replace: true,
    })
  const back = () => void navigate({ to: '/queue', search: true as never })
  const goOn = () => {
    round.pass(id)
    if (round.next) open(round.next)
    else back()
  }
  const { giveBack } = round
  useEffect(() => {
    onReopen((task) => {
      giveBack(task)
      open(task)
    })
  })

  // Also while a pair is on its way: a decision is undone as soon as it was made.
  useKeys('Decisions', [
    { key: 'u', name: 'Undo the last decision', run: () => void undo() },
    { key: 'Escape', name: 'Back to the queue', run: back },
  ])

  const again = () => forget((task) => task === id)
  const task = outcome?.data?.task
  const left = round.left === null ? null : `${round.left.toLocaleString('en')} to decide`
  // A preview that failed is loaded again from the pair, which stays.
  if (task && MATCHES.includes(task.kind) && task.subjects.length > 1)
    return (
      <Match
        key={`${id} ${task.subjects.map((s) => s.version)}`}
        task={task}
        left={left}
        closed={round.closedNow ?? (task.open ? null : (task.closedBecause ?? 'it is decided'))}
        failure={outcome.failure}
        again={again}
        onNext={goOn}
        onDecided={goOn}
      />
    )
  return (
    <Panes
      title={task ? 'Task' : 'Decision'}
      head={<Button onPress={back}>Back to the queue</Button>}
      first={
        outcome === null ? (
          <Skeleton rows={14} slow={slow} />
        ) : task ? (
          <OtherTask task={task} onNext={goOn} />
        ) : outcome.failure ? (
          <FailureNote failure={outcome.failure} again={again} />
        ) : (
          <Empty title="There is no such task">
            <p>The address may be of another installation.</p>
          </Empty>
        )
      }
    />
  )
}
