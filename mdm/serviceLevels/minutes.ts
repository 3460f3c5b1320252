import type { Sql, Transaction } from '../db/database.ts'

const minuteMs = 60_000

/** Counts of one objective in one minute. */
export interface Minute {
  objective: string
  /** Start of the minute, in ms since 1970. */
  minute: number
  good: number
  total: number
}

/** Adds to the counts of all processes. Rows are sorted, so that two processes never deadlock. */
export async function addMinutes(sql: Sql, minutes: readonly Minute[]): Promise<void> {
  if (minutes.length === 0) return
  const rows = minutes.toSorted((a, b) =>
    a.objective === b.objective ? a.minute - b.minute : a.objective < b.objective ? -1 : 1,
  )
  await sql`
    insert into service_minute as s (objective, minute, good, total)
    select * from unnest(${rows.map((r) => r.objective)}::text[], ${rows.map((r) => new Date(r.minute).toISOString())}::timestamptz[],
      ${rows.map((r) => r.good)}::bigint[], ${rows.map((r) => r.total)}::bigint[])
    on conflict (objective, minute) do update set good = s.good + excluded.good, total = s.total + excluded.total`
}

export interface Sum {
  objective: string
  hours: number
  good: number
  total: number
}

/** Sums the last hours, for several spans in one pass over the minutes of the longest. */
export async function sumMinutes(tx: Sql | Transaction, hours: readonly number[]): Promise<Sum[]> {
  // One filtered sum per span: joining the spans would read the minutes once for each.
  const sums = hours.map(
    (
      h,
      i,
    ) => `coalesce(sum(good) filter (where minute > now() - interval '${Number(h)} hours'), 0)::float8 as good_${i},
      coalesce(sum(total) filter (where minute > now() - interval '${Number(h)} hours'), 0)::float8 as total_${i}`,
  )
  const rows = await tx.unsafe<Record<string, number | string>[]>(
    `select objective, ${sums.join(', ')} from service_minute
     where minute > now() - interval '${Number(Math.max(...hours))} hours' group by objective`,
  )
  return rows.flatMap((r) =>
    hours.map((h, i) => ({
      objective: String(r.objective),
      hours: h,
      good: Number(r[`good_${i}`]),
      total: Number(r[`total_${i}`]),
    })),
  )
}

export async function dropMinutes(sql: Sql, olderThanDays: number): Promise<void> {
  await sql`delete from service_minute where minute < now() - make_interval(days => ${olderThanDays}::int)`
}

/** Counts in memory, one entry for each objective and minute, until they are written. */
export class Tally {
  #counts = new Map<string, Minute>()

  add(objective: string, good: boolean, now = Date.now()): void {
    const minute = now - (now % minuteMs)
    const key = `${minute} ${objective}`
    const count = this.#counts.get(key) ?? { objective, minute, good: 0, total: 0 }
    count.total++
    if (good) count.good++
    this.#counts.set(key, count)
  }

  /** Writes the counts. They are lost if that fails: metrics do not justify a retry queue. */
  async flush(sql: Sql): Promise<void> {
    const minutes = [...this.#counts.values()]
    this.#counts = new Map()
    await addMinutes(sql, minutes)
  }
}
