import type { Sql } from './database.ts'

/**
 * A read that took long. The text has parameters instead of values; the values in the plan are
 * removed.
 */
export interface SlowStatement {
  /** Includes the wait for a connection. */
  ms: number
  text: string
  /** The plan that the database would use now; null if it was not asked or did not answer. */
  plan: string | null
}

const textCharsMax = 4_000
const planCharsMax = 8_000
/** Under overload every read is slow, and plans would make it slower. */
const plansPerMinuteMax = 6

/**
 * Returns the same connections and reports composed statements (statement.ts) that take `msMin` or
 * longer. The first few of a minute are reported with their plan. Statements that failed are
 * reported without one.
 */
export function watchSlowStatements(
  sql: Sql,
  msMin: number,
  report: (slow: SlowStatement) => void,
  clock = () => performance.now(),
): Sql {
  let minute = 0
  let plans = 0
  const planOf = async (text: string, values: unknown[]): Promise<string | null> => {
    const now = Math.floor(clock() / 60_000)
    if (now !== minute) [minute, plans] = [now, 0]
    if (plans++ >= plansPerMinuteMax) return null
    try {
      const rows = await sql.unsafe<{ 'QUERY PLAN': string }[]>(
        `explain ${text}`,
        values as never[],
      )
      return withoutValues(rows.map((r) => r['QUERY PLAN']).join('\n')).slice(0, planCharsMax)
    } catch {
      return null // The read itself succeeded.
    }
  }
  const timed = async (text: string, values: unknown[], options: object | undefined) => {
    const startedAt = performance.now()
    const reportIfSlow = (plan: () => Promise<string | null>) => {
      const ms = Math.round(performance.now() - startedAt)
      if (ms >= msMin)
        void plan().then((found) => report({ ms, text: text.slice(0, textCharsMax), plan: found }))
    }
    try {
      const rows = await sql.unsafe(text, values as never[], options as never)
      reportIfSlow(() => planOf(text, values))
      return rows
    } catch (e) {
      // EXPLAIN could wait for the same lock.
      reportIfSlow(async () => null)
      throw e
    }
  }
  return new Proxy(sql, {
    get: (target, key) => (key === 'unsafe' ? timed : Reflect.get(target, key)),
  })
}

/** Removes the values that a plan quotes in its conditions. */
function withoutValues(plan: string): string {
  return plan.replace(/'(?:[^']|'')*'/g, '?').replace(/(?<=[=<>] )-?\d[\d.]*/g, '?')
}
