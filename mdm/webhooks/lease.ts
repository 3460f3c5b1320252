import type { Sql } from '../db/database.ts'

/** Time until the lease of a process that does not renew it expires. */
export const leaseMs = 15_000

/**
 * Renews the leases of a process and takes free ones. Returns endpoint -> revision for all that it
 * holds. Uses the clock of the database, one for all processes. Skips rows that another process is
 * about to take. Every save names the holder, so a process that stopped for longer than its lease
 * writes nothing.
 */
export async function claim(sql: Sql, holder: string): Promise<Map<string, number>> {
  const until = sql`clock_timestamp() + make_interval(secs => ${leaseMs / 1_000})`
  const kept = await sql<{ id: string; revision: number }[]>`
    update webhook set leased_until = ${until} where leased_by = ${holder} and state = 'ACTIVE' returning id, revision`
  const taken = await sql<{ id: string; revision: number }[]>`
    update webhook set leased_by = ${holder}, leased_until = ${until}
    where id in (
      select id from webhook
      where state = 'ACTIVE' and leased_by is distinct from ${holder}::uuid
        and (leased_until is null or leased_until < clock_timestamp())
      for update skip locked)
    returning id, revision`
  return new Map([...kept, ...taken].map((w) => [w.id, w.revision]))
}

/**
 * Releases the leases on all held endpoints, or on one, so that others need not wait for expiry.
 */
export async function release(sql: Sql, holder: string, id: string | null = null): Promise<void> {
  await sql`
    update webhook set leased_by = null, leased_until = null
    where leased_by = ${holder} ${id === null ? sql`` : sql`and id = ${id}`}`
}
