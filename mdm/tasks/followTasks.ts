import type { Sql } from '../db/database.ts'
import { readChangedTasks, type TaskRow } from './queue.ts'
import { taskChannel } from './tasks.ts'

/**
 * Changes this much older than the newest are read again: a transaction may commit later than the
 * clock value it wrote.
 */
const overlapMs = 10_000
const tasksPerRead = 500
/** Poll interval without a notification, and the shortest interval with notifications. */
const pollMs = 5_000
const pauseMs = 200

/**
 * Yields tasks as they change, from now until `signal` aborts. Yields each change once, or only the
 * latest state if a task changes faster than it is read. A database notification wakes it.
 */
export async function* followTasks(sql: Sql, signal: AbortSignal): AsyncGenerator<TaskRow> {
  let wake: (() => void) | undefined
  signal.addEventListener('abort', () => wake?.(), { once: true })
  const { unlisten } = await sql.listen(taskChannel, () => wake?.())
  try {
    const [clock] = await sql<{ now: Date }[]>`select clock_timestamp() as now`
    let since = clock?.now ?? new Date()
    const began = since
    /** Changes that were yielded recently, by task. */
    const given = new Map<string, number>()
    for (const task of await readChangedTasks(
      sql,
      new Date(since.getTime() - overlapMs),
      tasksPerRead,
    ))
      given.set(task.id, task.updatedAt.getTime())
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve
        setTimeout(resolve, pollMs).unref()
      })
      const from = new Date(Math.max(began.getTime() - overlapMs, since.getTime() - overlapMs))
      let rows = await readChangedTasks(sql, from, tasksPerRead)
      for (;;) {
        for (const task of rows) {
          const at = task.updatedAt.getTime()
          if (task.updatedAt > since) since = task.updatedAt
          if (given.get(task.id) === at) continue
          given.set(task.id, at)
          if (signal.aborted) return
          yield task
        }
        const last = rows.at(-1)
        if (rows.length < tasksPerRead || !last) break
        rows = await readChangedTasks(sql, last.updatedAt, tasksPerRead)
      }
      for (const [id, at] of given) if (at < since.getTime() - 2 * overlapMs) given.delete(id)
      await woken
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  } finally {
    await unlisten()
  }
}
