import type { Sql } from './database.ts'

/** A read that took long. Values are parameters and not in its text; of the plan they are taken out. */
export interface SlowStatement {
  /** The wait for a connection included. */
  ms: number
  text: string
  /** As the database would run it now; null where it did not say. */
  plan: string | null
}

const textCharsMax = 4_000
const planCharsMax = 8_000
/** Plans asked for in a minute: what is slow because there is too much to do must not be made slower. */
const plansPerMinuteMax = 6

/**
 * The same connections, whose statements put together from parts (mdm/db/statement.ts) are told when they take `msMin`
 * or longer, with their plan, a few in a minute; further ones without. Those that the database has ended are told without a plan.
 */
export function watchSlow(
  sql: Sql,
  msMin: number,
  tell: (slow: SlowStatement) => void,
  clock = () => performance.now(),
): Sql {
  let minute = 0
  let plans = 0
  const planOf = async (text: string, values: unknown[]): Promise<string | null> => {
    const now = Math.floor(clock() / 60_000)
    if (now !== minute) [minute, plans] = [now, 0]
    if (plans++ >= plansPerMinuteMax) return null
    try {
      const rows = await sql.unsafe<{ 'QUERY PLAN': string }[]>(`explain ${text}`, values as never[])
      return withoutValues(rows.map((r) => r['QUERY PLAN']).join('\n')).slice(0, planCharsMax)
    } catch {
      return null // no plan is no fault of the read
    }
  }
  const timed = async (text: string, values: unknown[], options: object | undefined) => {
    const began = performance.now()
    const late = (plan: () => Promise<string | null>) => {
      const ms = Math.round(performance.now() - began)
      if (ms >= msMin) void plan().then((found) => tell({ ms, text: text.slice(0, textCharsMax), plan: found }))
    }
    try {
      const rows = await sql.unsafe(text, values as never[], options as never)
      late(() => planOf(text, values))
      return rows
    } catch (e) {
      // What it waited for a plan may wait for as well.
      late(async () => null)
      throw e
    }
  }
  return new Proxy(sql, {
    get: (target, key) => (key === 'unsafe' ? timed : Reflect.get(target, key)),
  })
}

/** A plan quotes the values of its conditions. */
function withoutValues(plan: string): string {
  return plan.replace(/'(?:[^']|'')*'/g, '?').replace(/(?<=[=<>] )-?\d[\d.]*/g, '?')
}
