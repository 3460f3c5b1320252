import { useCallback, useEffect, useRef, useState } from 'react'
import { query } from '../graph/client.ts'
import type { Failure } from '../graph/failure.ts'
import { useLive } from '../graph/live.ts'
import { filterOf, fits, type QueueState } from './filter.ts'
import {
  QueueChangesDocument,
  QueueTasksDocument,
  type TaskRowFragment,
} from './queue.generated.ts'

export type TaskRow = TaskRowFragment

interface Tasks {
  rows: TaskRow[]
  /** Cursor of the last row; null if there are no more. */
  after: string | null
  failure: Failure | null
  loading: boolean
}

const NONE: Tasks = { rows: [], after: null, failure: null, loading: true }
const slowMs = 2_000

/**
 * The list of tasks: pages by falling priority as the list is scrolled, and each change of a task as
 * it happens. `changed` is called for changes, so that counts are loaded again.
 */
export function useTasks(state: QueueState, changed: () => void) {
  const [tasks, setTasks] = useState<Tasks>(NONE)
  const [slow, setSlow] = useState(false)
  const filter = JSON.stringify(filterOf(state))
  /** Responses of another filter, or of before a new start, are dropped. */
  const turn = useRef(0)
  const waiting = useRef(false)

  const load = useCallback(
    async (after: string | null) => {
      const mine = after === null ? ++turn.current : turn.current
      waiting.current = true
      setTasks((t) => ({ ...t, loading: true, failure: null }))
      const timer = setTimeout(() => setSlow(true), slowMs)
      const { data, failure } = await query(QueueTasksDocument, {
        filter: JSON.parse(filter),
        after,
      })
      clearTimeout(timer)
      if (mine !== turn.current) return
      waiting.current = false
      setSlow(false)
      const page = data?.tasks
      setTasks((t) => {
        if (!page) return { ...t, failure, loading: false }
        const before = after === null ? [] : t.rows
        const known = new Set(before.map((r) => r.id))
        return {
          rows: [...before, ...page.nodes.filter((r) => !known.has(r.id))],
          after: page.pageInfo.hasNextPage ? (page.pageInfo.endCursor ?? null) : null,
          failure,
          loading: false,
        }
      })
    },
    [filter],
  )
  useEffect(() => {
    setTasks(NONE)
    void load(null)
  }, [load])

  const apply = useCallback(
    (task: TaskRow) => setTasks((t) => ({ ...t, rows: withTask(t, task, state) })),
    [state],
  )
  useLive(
    QueueChangesDocument,
    {},
    ({ taskChanged }) => {
      apply(taskChanged)
      changed()
    },
    () => {
      void load(null)
      changed()
    },
  )
  const more = useCallback(() => {
    if (tasks.after !== null && !waiting.current) void load(tasks.after)
  }, [tasks.after, load])
  return { ...tasks, slow, more, again: () => void load(null), apply }
}

/** Puts a changed task where it belongs: the list stays sorted, and has no task twice. */
function withTask({ rows, after }: Tasks, task: TaskRow, state: QueueState): TaskRow[] {
  const at = rows.findIndex((r) => r.id === task.id)
  const others = at < 0 ? rows : rows.toSpliced(at, 1)
  if (!fits(task, state)) return others
  const place = others.findIndex(
    (r) => r.priority < task.priority || (r.priority === task.priority && r.id > task.id),
  )
  if (place >= 0) return others.toSpliced(place, 0, task)
  // Behind the last loaded row it comes with its page.
  return after === null || at >= 0 ? [...others, task] : others
}
