import { type Repeated, repeat } from '../../schema/kit/repeated.ts'
import type { Sql } from '../db/database.ts'
import {
  type CurrencyRates,
  loadUnratedCurrencies,
  valueAtRisk,
} from '../golden/read/valueAtRisk.ts'
import { examineHierarchies } from '../tasks/hierarchyRings.ts'
import { currencyRates, DEFAULT_RULES } from '../tasks/rules.ts'
import { escalateTasks, reweighTasks, tasksToWeigh } from '../tasks/tasks.ts'
import { expireProposals } from './actions.ts'
import { expireValues, type Stewardship } from './steward.ts'

/** Counts of what one sweep did. */
export interface Swept {
  values: number
  proposals: number
  escalated: number
  /** Currencies of values at risk without a rate: these amounts count as they are. */
  unrated: string[]
}

const tasksPerSweep = 500

/**
 * Does what is due by time: expires values that a steward stated for a while, expires proposals,
 * escalates overdue tasks, and recomputes the value at risk of open tasks, the longest unchecked
 * first. The first sweep over a golden type examines its hierarchy. Several processes may sweep at
 * once.
 */
export async function sweep(steward: Stewardship): Promise<Swept> {
  const { sql, rules = DEFAULT_RULES } = steward
  const values = await expireValues(steward)
  const [proposals, escalated] = await Promise.all([expireProposals(sql), escalateTasks(sql)])
  await examineHierarchies(sql, steward)
  const unrated = await reweigh(sql, currencyRates(rules))
  return { values, proposals, escalated, unrated }
}

/** Returns the currencies without a rate. */
async function reweigh(sql: Sql, rates: CurrencyRates): Promise<string[]> {
  return (await sql.begin(async (tx) => {
    const tasks = await tasksToWeigh(tx, tasksPerSweep)
    if (tasks.length === 0) return []
    const rows = await tx<{ id: string; keys: string[] }[]>`
      select golden_id as id, array_agg(key) as keys from source_record
      where golden_id = any(${[...new Set(tasks.flatMap((t) => t.subject))]}::uuid[]) group by golden_id`
    const stakeOf = await valueAtRisk(tx, new Map(rows.map((r) => [r.id, r.keys])), rates)
    await reweighTasks(
      tx,
      tasks.map((t) => ({
        ...t,
        stake: t.subject.reduce((sum, id) => sum + (stakeOf.get(id) ?? 0), 0),
      })),
    )
    return await loadUnratedCurrencies(
      tx,
      rows.flatMap((r) => r.keys),
      rates,
    )
  })) as string[]
}

/** Sweeps at an interval until stopped. `onUnrated` receives each currency without a rate once. */
export function startSweeper(
  steward: Stewardship,
  everyMs: number,
  onError: (error: unknown) => void,
  onUnrated: (currencies: string[]) => void = () => {},
): Repeated {
  const known = new Set<string>()
  const turn = async () => {
    const { unrated } = await sweep(steward)
    const fresh = unrated.filter((code) => !known.has(code))
    for (const code of fresh) known.add(code)
    if (fresh.length > 0) onUnrated(fresh)
  }
  return repeat(everyMs, turn, onError)
}
