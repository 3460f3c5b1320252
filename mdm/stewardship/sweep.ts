import type { Sql } from '../db/database.ts'
import { stakes } from '../golden/read/valueAtRisk.ts'
import { escalateTasks, reweighTasks, tasksToWeigh } from '../tasks/tasks.ts'
import { expireProposals } from './actions.ts'
import { expireValues, type Stewardship } from './steward.ts'

/** What the clock did. */
export interface Swept {
  values: number
  proposals: number
  escalated: number
}

const tasksPerSweep = 500

/**
 * What time alone brings about: values that a steward stated for a while end, proposals that nobody decided on expire,
 * overdue tasks move up, and the value at stake of open tasks is looked at again, those looked at longest ago first.
 * Several processes may do it at once.
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
    const stakeOf = await stakes(tx, new Map(rows.map((r) => [r.id, r.keys])))
    await reweighTasks(
      tx,
      tasks.map((t) => ({ ...t, stake: t.subject.reduce((sum, id) => sum + (stakeOf.get(id) ?? 0), 0) })),
    )
  })
}

export interface Sweeper {
  stop(): Promise<void>
}

/** Sweeps again and again until it is stopped. */
export function startSweeper(steward: Stewardship, everyMs: number, onError: (error: unknown) => void): Sweeper {
  let running: Promise<unknown> | null = null
  // While one is under way, the next is left out: a database that hangs must not gather them.
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
