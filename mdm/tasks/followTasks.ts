import type { Sql } from '../db/database.ts'
import { readChangedTasks, type TaskRow } from './queue.ts'
import { taskChannel } from './tasks.ts'

/** A change is read again for so long after the clock it bears: its transaction may have committed that much later. */
const overlapMs = 10_000
const tasksPerRead = 500
/** Without a notice it looks so often, and with notices not more often than the second. */
const pollMs = 5_000
const pauseMs = 200

/**
 * Tasks as they change, from now on, until `signal` aborts; each change once, the latest state of a task where it changes
 * faster than it is read. A notice of the database wakes it.
 */
export async function* followTasks(sql: Sql, signal: AbortSignal): AsyncGenerator<TaskRow> {
  let wake: (() => void) | undefined
  signal.addEventListener('abort', () => wake?.(), { once: true })
  const { unlisten } = await sql.listen(taskChannel, () => wake?.())
  try {
    const [clock] = await sql<{ now: Date }[]>`select clock_timestamp() as now`
    let since = clock?.now ?? new Date()
    const began = since
    /** Changes given lately, by task. */
    const given = new Map<string, number>()
    for (const task of await readChangedTasks(sql, new Date(since.getTime() - overlapMs), tasksPerRead))
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
