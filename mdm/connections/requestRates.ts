import type {
  EndedSlice,
  RateSlice,
  SharedRate,
  SharedRates,
} from '../../connectors/connection/limits/sharedRates.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'

/** Counts the requests of all processes that share a database, by its clock. */
export function createRequestRates(sql: Sql): SharedRates {
  return {
    take: (rate, places, heldMsMax, ended) =>
      transaction(sql, (tx) => take(tx, rate, places, heldMsMax, ended)),
    end: (rate, ended) => transaction(sql, (tx) => end(tx, rate, ended)),
  }
}

/** The lock of a rate makes one process after the other look at its slices. */
async function take(
  tx: Transaction,
  rate: SharedRate,
  places: number,
  heldMsMax: number,
  ended: readonly EndedSlice[],
): Promise<RateSlice | { waitMs: number }> {
  await tx`select pg_advisory_xact_lock(hashtextextended(${`rate ${rate.key}`}, 0))`
  await end(tx, rate, ended)
  await tx`delete from request_slice where rate = ${rate.key} and free_at <= clock_timestamp()`
  const [now] = await tx<{ used: number; waitMs: number | null }[]>`
    select coalesce(sum(places), 0)::int as used,
      extract(epoch from min(free_at) - clock_timestamp())::float8 * 1000 as "waitMs"
    from request_slice where rate = ${rate.key}`
  const free = rate.max - (now?.used ?? 0)
  if (free <= 0) return { waitMs: now?.waitMs ?? rate.perMs }
  const taken = Math.min(places, free)
  const [slice] = await tx<{ id: number }[]>`
    insert into request_slice (rate, places, free_at)
    values (${rate.key}, ${taken}, clock_timestamp() + make_interval(secs => ${(heldMsMax + rate.perMs) / 1_000}))
    returning id`
  if (!slice) throw new Error('the slice was not stored')
  return { id: slice.id, places: taken }
}

/** Says how much of slices was used, and until when that counts. */
async function end(tx: Transaction, rate: SharedRate, ended: readonly EndedSlice[]): Promise<void> {
  if (ended.length === 0) return
  await tx`
    update request_slice s set places = e.used,
      free_at = clock_timestamp() + make_interval(secs => (${rate.perMs} - e.ago_ms) / 1000.0)
    from unnest(${ended.map((e) => e.id)}::bigint[], ${ended.map((e) => e.used)}::int[], ${ended.map((e) => e.agoMs)}::float8[])
      as e (id, used, ago_ms)
    where s.id = e.id`
}
