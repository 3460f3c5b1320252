import type { Sql, Transaction } from '../db/database.ts'

/** Messages that are looked at for what came lately, the newest first. */
export const recentMessagesMax = 10_000

/** What came lately from a source system, among the newest messages of all. */
export interface Arrivals {
  lastMessageAt: Date
  /** Messages of the last hour. */
  messagesOfHour: number
}

/** Returns what each source system sent lately, from the end of the inbox. */
export async function readArrivals(tx: Transaction): Promise<Map<string, Arrivals>> {
  const rows = await tx<(Arrivals & { source: string })[]>`
    select source, max(received_at) as "lastMessageAt",
      (count(*) filter (where received_at > now() - interval '1 hour'))::int as "messagesOfHour"
    from inbox where id > (select coalesce(max(id), 0) from inbox) - ${recentMessagesMax} group by source`
  return new Map(rows.map(({ source, ...arrivals }) => [source, arrivals]))
}

/**
 * Returns how many places of each limit are taken now, by credential and limit: requests that count
 * for a rate, or that are under way. A key that is not there has none taken.
 */
export async function readLimitUse(
  sql: Sql,
  keys: readonly string[],
): Promise<Map<string, number>> {
  const rows = await sql<{ key: string; used: number }[]>`
    select key, sum(places)::int as used from (
      select rate as key, places from request_slice
      where rate = any(${[...keys]}::text[]) and free_at > clock_timestamp()
      union all
      select credential_limit, places from request_place
      where credential_limit = any(${[...keys]}::text[]) and free_at > clock_timestamp()) u
    group by key`
  return new Map(rows.map(({ key, used }) => [key, used]))
}

/** A limit of the credential that a source system is asked with. */
export interface ConfiguredLimit {
  name: string
  max: number
  /** Milliseconds of a rate; null for requests at one time. */
  perMs: number | null
  /** Names credential and limit. */
  key: string
}
