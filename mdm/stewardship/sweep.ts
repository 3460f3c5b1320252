import type { Sql } from '../db/database.ts'
import { valueAtRisk } from '../golden/read/valueAtRisk.ts'
import { escalateTasks, reweighTasks, tasksToWeigh } from '../tasks/tasks.ts'
import { expireProposals } from './actions.ts'
import { expireValues, type Stewardship } from './steward.ts'

/** Counts of what one sweep did. */
export interface Swept {
  values: number
  proposals: number
  escalated: number
}

const tasksPerSweep = 500

/**
 * Does what is due by time: expires values that a steward stated for a while, expires proposals,
 * escalates overdue tasks, and recomputes the value at risk of open tasks, the longest unchecked
 * first. Several processes may sweep at once.
 */
export async function sweep(steward: Stewardship): Promise<Swept> {
  const { sql } = steward
  const values = await expireValues(steward)
  const [proposals, escalated] = await Promise.all([expireProposals(sql), escalateTasks(sql)])
  await reweigh(sql)
  return { values, proposals, escalated }
}

async function reweigh(sql: Sql): Promise<void> {
  await sql.begin(async (tx) => {
    const tasks = await tasksToWeigh(tx, tasksPerSweep)
    if (tasks.length === 0) return
    const rows = await tx<{ id: string; keys: string[] }[]>`
      select golden_id as id, array_agg(key) as keys from source_record
      where golden_id = any(${[...new Set(tasks.flatMap((t) => t.subject))]}::uuid[]) group by golden_id`
    const stakeOf = await valueAtRisk(tx, new Map(rows.map((r) => [r.id, r.keys])))
    await reweighTasks(
      tx,
      tasks.map((t) => ({
        ...t,
        stake: t.subject.reduce((sum, id) => sum + (stakeOf.get(id) ?? 0), 0),
      })),
    )
  })
}

export interface Sweeper {
  stop(): Promise<void>
}

/** Sweeps at an interval until stopped. */
export function startSweeper(
  steward: Stewardship,
  everyMs: number,
  onError: (error: unknown) => void,
): Sweeper {
  let running: Promise<unknown> | null = null
  // The timer skips a turn while a sweep runs: sweeps must not pile up on a database that hangs.
  const timer = setInterval(() => {
    running ??= sweep(steward)
      .catch(onError)
      .finally(() => {
        running = null
      })
  }, everyMs)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}
