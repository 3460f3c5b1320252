import { useCallback, useEffect, useRef, useState } from 'react'
import { query } from '../graph/client.ts'
import { useLive } from '../graph/live.ts'
import { filterOf, type QueueState } from '../queue/filter.ts'
import { forget, loadAhead } from './ahead.ts'
import { DecisionChangesDocument, DecisionRoundDocument } from './decide.generated.ts'

/** Pairs that are loaded before they are looked at. */
const aheadCount = 3
/** The list is loaded again when fewer are left. */
const leftMin = 5
const MATCHES = ['POSSIBLE_MATCH', 'CONFLICT']

/**
 * The tasks of a round of decisions: those of the filter by falling priority, without what was
 * decided or put off in this round. `closedNow` says why the present task closed meanwhile.
 */
export function useRound(id: string, state: QueueState) {
  const [ids, setIds] = useState<string[]>([])
  const [left, setLeft] = useState<number | null>(null)
  const passed = useRef(new Set<string>())
  const [closedNow, setClosedNow] = useState<{ id: string; because: string } | null>(null)
  const kinds = (state.kinds ?? MATCHES).filter((k) => MATCHES.includes(k))
  const filter = JSON.stringify({ ...filterOf(state), kinds: kinds.length > 0 ? kinds : MATCHES })

  const load = useCallback(async () => {
    const { data } = await query(DecisionRoundDocument, { filter: JSON.parse(filter) })
    setIds((data?.tasks?.nodes ?? []).map((t) => t.id).filter((t) => !passed.current.has(t)))
    setLeft(data?.taskCounts?.total ?? null)
  }, [filter])
  useEffect(() => {
    void load()
  }, [load])

  const ahead = ids.filter((t) => t !== id && !passed.current.has(t))
  const next = ahead[0] ?? null
  const wanted = ahead.slice(0, aheadCount).join(' ')
  useEffect(() => {
    loadAhead(id)
    for (const other of wanted.split(' ').filter(Boolean)) loadAhead(other)
  }, [id, wanted])
  useEffect(() => {
    if (ids.length > 0 && ahead.length < leftMin && left !== null && left > ids.length) void load()
  }, [ahead.length, ids.length, left, load])

  useLive(
    DecisionChangesDocument,
    {},
    ({ taskChanged: t }) => {
      if (t.open) return
      setIds((list) => list.filter((other) => other !== t.id))
      setLeft((n) => (n === null ? null : Math.max(0, n - 1)))
      if (t.id === id && !passed.current.has(id))
        setClosedNow({ id, because: t.closedBecause ?? 'it is decided' })
      forget((other) => other === t.id && other !== id)
    },
    () => void load(),
  )
  return {
    next,
    left,
    closedNow: closedNow?.id === id ? closedNow.because : null,
    /** The task is decided, or put off: it does not come again in this round. */
    pass: (task: string) => {
      passed.current.add(task)
    },
    /** A task that is open again by an undo is the next one. */
    giveBack: (task: string) => {
      passed.current.delete(task)
      setIds((list) => [task, ...list.filter((t) => t !== task)])
    },
  }
}
