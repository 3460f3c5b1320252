import type { Sql, Transaction } from '../../db/database.ts'
import type { Lease } from '../lease.ts'
import type { Run } from '../runs.ts'

/** A record that an event named. */
export interface DueHint {
  id: string
  gone: boolean
  times: number
  attempts: number
  correlationId: string
}

export interface HintsDue {
  /** Records that are due, counted up to `max`. */
  records: number
  /** The version of a hint that names the object alone; null where there is none. */
  whole: number | null
}

/** Counts the hints of an object that are due, by its index. */
export async function countDue(
  sql: Sql,
  { source, object }: Pick<Lease, 'source' | 'object'>,
  max: number,
): Promise<HintsDue> {
  const [row] = await sql<HintsDue[]>`
    select (select count(*)::int from (
        select from read_hint where source = ${source} and object = ${object} and due_at <= clock_timestamp() and id <> '' limit ${max}) h) as records,
      (select times from read_hint where source = ${source} and object = ${object} and id = '') as whole`
  return row ?? { records: 0, whole: null }
}

/** Returns the hints that are due, the oldest first. */
export async function listDueHints(
  sql: Sql,
  { source, object }: Lease,
  limit: number,
): Promise<DueHint[]> {
  return await sql<DueHint[]>`
    select id, gone, times, attempts, correlation_id as "correlationId" from read_hint
    where source = ${source} and object = ${object} and due_at <= clock_timestamp() and id <> ''
    order by due_at limit ${limit}`
}

/** Removes hints that were read, unless another event came meanwhile. */
export async function removeHints(
  tx: Sql | Transaction,
  { source, object }: Lease,
  hints: readonly Pick<DueHint, 'id' | 'times'>[],
): Promise<void> {
  if (hints.length === 0) return
  await tx`
    delete from read_hint h using unnest(${hints.map((h) => h.id)}::text[], ${hints.map((h) => h.times)}::bigint[]) as r (id, times)
    where h.source = ${source} and h.object = ${object} and h.id = r.id and h.times = r.times`
}

/** Removes the hints of records that a page has, where they came before its run began. */
export async function removeRead(
  tx: Transaction,
  { id, lease: { source, object } }: Run,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return
  await tx`
    delete from read_hint h using sync_run r
    where r.id = ${id} and h.source = ${source} and h.object = ${object} and h.id = any(${[...ids]}::text[])
      and h.hinted_at < r.began_at`
}

/** Removes the hints that came before a run which has read everything. */
export async function removeBefore(
  sql: Sql,
  { id, lease: { source, object } }: Run,
): Promise<void> {
  await sql`
    delete from read_hint h using sync_run r
    where r.id = ${id} and h.source = ${source} and h.object = ${object} and h.id <> '' and h.hinted_at < r.began_at`
}
