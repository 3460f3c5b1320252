import { listOf, textOf } from '../app/urlState.ts'
import type { QueueTasksQueryVariables } from './queue.generated.ts'

type TaskFilter = QueueTasksQueryVariables['filter']

/** What the address of the queue says. */
export interface QueueState extends Record<string, unknown> {
  kinds: string[] | undefined
  types: string[] | undefined
  /** A name, or `nobody`. */
  assignee: string | undefined
  state: 'DEFERRED' | undefined
  overdue: true | undefined
  /** The current task. */
  at: string | undefined
}

export const NOBODY = 'nobody'

export function queueState(search: Record<string, unknown>): QueueState {
  return {
    kinds: listOf(search.kinds),
    types: listOf(search.types),
    assignee: textOf(search.assignee),
    state: search.state === 'DEFERRED' ? 'DEFERRED' : undefined,
    overdue: search.overdue === true ? true : undefined,
    at: textOf(search.at),
  }
}

/** Returns the filter of the graph. `without` is left out: a facet counts what it could choose. */
export function filterOf(state: QueueState, without?: 'kinds' | 'types' | 'assignee'): TaskFilter {
  const { kinds, types, assignee } = state
  return {
    ...(state.state ? { state: state.state } : {}),
    ...(state.overdue ? { overdue: true } : {}),
    ...(kinds && without !== 'kinds' ? { kinds: kinds as never } : {}),
    ...(types && without !== 'types' ? { types } : {}),
    ...(assignee === undefined || without === 'assignee'
      ? {}
      : assignee === NOBODY
        ? { unassigned: true }
        : { assignee }),
  }
}

/** Returns whether a task that changed belongs in the list. */
export function fits(
  task: {
    open: boolean
    kind: string
    type: string
    assignee: string | null
    dueAt: string
    deferredUntil: string | null
  },
  state: QueueState,
  now = Date.now(),
): boolean {
  const isDeferred = task.deferredUntil !== null && Date.parse(task.deferredUntil) > now
  return (
    task.open &&
    isDeferred === (state.state === 'DEFERRED') &&
    (!state.kinds || state.kinds.includes(task.kind)) &&
    (!state.types || state.types.includes(task.type)) &&
    (!state.overdue || Date.parse(task.dueAt) < now) &&
    (state.assignee === undefined ||
      (state.assignee === NOBODY ? task.assignee === null : task.assignee === state.assignee))
  )
}
