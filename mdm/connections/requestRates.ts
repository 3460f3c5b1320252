import type {
  EndedSlice,
  HeldPlaces,
  RateSlice,
  SharedRate,
  SharedRates,
} from '../../connectors/connection/limits/sharedRates.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'

/** Counts the requests of all processes that share a database, by its clock. */
export function createRequestRates(sql: Sql): SharedRates {
  const held = new Set<number>()
  const giveBack = async (ids: readonly number[]) => {
    for (const id of ids) held.delete(id)
    await sql`delete from request_place where id = any(${[...ids]}::bigint[])`
  }
  return {
    take: (rate, places, heldMsMax, ended) =>
      transaction(sql, (tx) => take(tx, rate, places, heldMsMax, ended)),
    end: (rate, ended) => transaction(sql, (tx) => end(tx, rate, ended)),
    async hold(limit, own, heldMsMax) {
      const part = await transaction(sql, (tx) => hold(tx, limit, own, heldMsMax))
      held.add(part.id)
      return part
    },
    giveBack,
    close: () => giveBack([...held]),
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

/**
 * Each process has the same part. Where there are more processes than places, those have one that
 * have waited longest, and each of them goes to the end when it asks again.
 */
async function hold(
  tx: Transaction,
  { key, max }: { key: string; max: number },
  own: { id: number | null; held: number },
  heldMsMax: number,
): Promise<HeldPlaces> {
  await tx`select pg_advisory_xact_lock(hashtextextended(${`places ${key}`}, 0))`
  await tx`delete from request_place where credential_limit = ${key} and free_at <= clock_timestamp() and id is distinct from ${own.id}`
  const [kept] = await tx<{ id: number }[]>`
    select id from request_place where id = ${own.id}`
  const { id } = kept ?? (await addPart(tx, key))
  const others = await tx<{ places: number; isBefore: boolean }[]>`
    select o.places, o.turn < p.turn or (o.turn = p.turn and o.id < p.id) as "isBefore"
    from request_place o, request_place p where o.credential_limit = ${key} and p.id = ${id} and o.id <> p.id`
  const isCrowded = others.length >= max
  const goesLast = isCrowded && own.held > 0
  const before = goesLast ? others.length : others.filter((o) => o.isBefore).length
  const each = Math.floor(max / (others.length + 1))
  const fair = each + (before < max % (others.length + 1) ? 1 : 0)
  const free = max - others.reduce((sum, o) => sum + o.places, 0)
  const share = Math.max(0, Math.min(fair, free))
  const places = Math.max(own.held, share)
  await tx`
    update request_place set places = ${places},
      turn = case when ${goesLast} then clock_timestamp() else turn end,
      free_at = clock_timestamp() + make_interval(secs => ${heldMsMax / 1_000})
    where id = ${id}`
  return { id, places, share }
}

async function addPart(tx: Transaction, key: string): Promise<{ id: number }> {
  const [added] = await tx<{ id: number }[]>`
    insert into request_place (credential_limit, places, turn, free_at)
    values (${key}, 0, clock_timestamp(), clock_timestamp()) returning id`
  if (!added) throw new Error('the part of a limit was not stored')
  return added
}
