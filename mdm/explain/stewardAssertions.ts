import type { Transaction } from '../db/database.ts'

/** A standing assertion of a steward about two source records. */
export interface StewardAssertion {
  kind: 'SAME' | 'NOT_SAME'
  a: string
  b: string
  actor: string
  reason: string
  at: Date
  actionId: string
}

/** Two source records with their golden ids. */
export interface PlacedPair {
  a: string
  b: string
  goldenA: string | null
  goldenB: string | null
}

/** Largest number of assertions read for one pair or one golden record, the oldest first. */
const assertionsMax = 200

/**
 * Returns the standing assertions about each pair, in the order of `pairs`. If the two are in two
 * golden records, any assertion between records of the one and the other counts, because it decides
 * about both. One statement with index scans for each member.
 */
export async function assertionsBetween(tx: Transaction, pairs: readonly PlacedPair[]): Promise<StewardAssertion[][]> {
  const rows = await tx<(StewardAssertion & { n: number })[]>`
    select p.n::int as n, s.kind, s.a, s.b, x.actor, x.reason, x.at, x.action_id as "actionId"
    from unnest(${pairs.map((p) => p.a)}::uuid[], ${pairs.map((p) => p.b)}::uuid[],
      ${pairs.map((p) => p.goldenA)}::uuid[], ${pairs.map((p) => p.goldenB)}::uuid[])
      with ordinality as p (a, b, golden_a, golden_b, n)
    cross join lateral (
      select assertion_id, kind, a, b from standing
        where kind in ('SAME', 'NOT_SAME') and ((a = p.a and b = p.b) or (a = p.b and b = p.a))
      union select s.assertion_id, s.kind, s.a, s.b from source_record m join standing s on s.a = m.key
        join source_record o on o.key = s.b
        where m.golden_id = p.golden_a and o.golden_id = p.golden_b and p.golden_a <> p.golden_b
          and s.kind in ('SAME', 'NOT_SAME')
      union select s.assertion_id, s.kind, s.a, s.b from source_record m join standing s on s.a = m.key
        join source_record o on o.key = s.b
        where m.golden_id = p.golden_b and o.golden_id = p.golden_a and p.golden_a <> p.golden_b
          and s.kind in ('SAME', 'NOT_SAME')
      order by assertion_id limit ${assertionsMax}) s
    join assertion x on x.id = s.assertion_id
    order by p.n, s.assertion_id`
  const byPair = Map.groupBy(rows, (r) => r.n)
  return pairs.map((_, i) => (byPair.get(i + 1) ?? []).map(({ n: _n, ...assertion }) => assertion))
}

/** Returns the standing assertions between any of these records and any other, oldest first. */
export async function assertionsAbout(tx: Transaction, keys: readonly string[]): Promise<StewardAssertion[]> {
  return await tx<StewardAssertion[]>`
    select s.kind, s.a, s.b, x.actor, x.reason, x.at, x.action_id as "actionId"
    from (select assertion_id, kind, a, b from standing where kind in ('SAME', 'NOT_SAME') and a = any(${keys}::uuid[])
      union select assertion_id, kind, a, b from standing where kind in ('SAME', 'NOT_SAME') and b = any(${keys}::uuid[])
      order by assertion_id limit ${assertionsMax}) s
    join assertion x on x.id = s.assertion_id order by s.assertion_id`
}
