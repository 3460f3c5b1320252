import type { Sql } from '../db/database.ts'

/** How long a process that says nothing more keeps its endpoints. */
export const leaseMs = 15_000

/**
 * Renews the leases that a process has and takes those that are free: endpoint -> revision of all
 * that it holds now. By the clock of the database, the same for all. Rows that another is about to
 * take are left to it. Whatever is saved names the holder, so one that was stopped for longer than
 * its lease writes nothing.
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

/** Others need not wait for the leases to run out: of all endpoints that are held, or of one. */
export async function release(sql: Sql, holder: string, id: string | null = null): Promise<void> {
  await sql`
    update webhook set leased_by = null, leased_until = null
    where leased_by = ${holder} ${id === null ? sql`` : sql`and id = ${id}`}`
}
