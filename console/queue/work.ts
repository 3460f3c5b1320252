import { mutate } from '../graph/client.ts'
import type { Operation } from '../graph/operation.ts'
import { toastDone, toastFailed } from '../parts/toasts.tsx'
import { counted } from '../parts/valueText.ts'
import {
  AssignTasksDocument,
  ClaimTasksDocument,
  DeferTasksDocument,
  ReleaseTasksDocument,
  type WorkedFragment,
} from './queue.generated.ts'
import type { TaskRow } from './useTasks.ts'

type Apply = (task: TaskRow) => void
/** The hour of the next working day at which a deferred task comes back. */
const morningHour = 8

export function claim(ids: string[], apply: Apply): Promise<void> {
  return work(
    ClaimTasksDocument,
    'claimTasks',
    { ids },
    apply,
    (n) => `Claimed ${n}`,
    () => work(ReleaseTasksDocument, 'releaseTasks', { ids }, apply, (n) => `Released ${n}`),
  )
}

export function defer(ids: string[], apply: Apply): Promise<void> {
  const until = nextMorning().toISOString()
  return work(
    DeferTasksDocument,
    'deferTasks',
    { ids, until },
    apply,
    (n) => `Deferred ${n} until tomorrow`,
    () =>
      work(
        DeferTasksDocument,
        'deferTasks',
        { ids, until: null },
        apply,
        (n) => `Opened ${n} again`,
      ),
  )
}

export function assign(ids: string[], to: string, apply: Apply): Promise<void> {
  return work(
    AssignTasksDocument,
    'assignTasks',
    { ids, to },
    apply,
    (n) => `Assigned ${n} to ${to}`,
  )
}

/** Runs work on tasks. What was done shows at once, before the subscription delivers it. */
async function work<V extends object, N extends string>(
  operation: Operation<Record<N, WorkedFragment[]>, V>,
  name: N,
  variables: V,
  apply: Apply,
  text: (tasks: string) => string,
  undo?: () => Promise<void>,
): Promise<void> {
  const { data, failure } = await mutate(operation, variables as never)
  if (!data)
    return toastFailed(failure?.message ?? 'The server gave no result. Load the page again.')
  const results = data[name]
  const done = results.flatMap((r) => (r.__typename === 'TaskDone' ? [r.task] : []))
  const refused = results.flatMap((r) => (r.__typename === 'TaskRefused' ? [r.detail] : []))
  for (const task of done) apply(task)
  if (done.length > 0)
    toastDone(
      text(counted(done.length, 'task')),
      undo && { name: 'Undo', key: 'u', run: () => void undo() },
    )
  if (refused.length > 0)
    toastFailed(`${counted(refused.length, 'task')} unchanged: ${[...new Set(refused)].join('; ')}`)
}

function nextMorning(): Date {
  const at = new Date()
  at.setDate(at.getDate() + 1)
  at.setHours(morningHour, 0, 0, 0)
  return at
}
