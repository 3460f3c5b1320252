import type { Transaction } from '../db/database.ts'

/** What a steward says of two source records, and who, why and when. It stands now. */
export interface StewardAssertion {
  kind: 'SAME' | 'NOT_SAME'
  a: string
  b: string
  actor: string
  reason: string
  at: Date
  actionId: string
}

/** Two source records, each with the golden record that it is in. */
export interface PlacedPair {
  a: string
  b: string
  goldenA: string | null
  goldenB: string | null
}

/** Of one pair, and of one golden record, at most this many are read, the oldest. */
const saidMax = 200

/**
 * What stands between two records; where they are in two golden records, between any records of the one and the other,
 * because that decides about both. The answer has the order of `pairs`. One statement, index scans a member.
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
      order by assertion_id limit ${saidMax}) s
    join assertion x on x.id = s.assertion_id
    order by p.n, s.assertion_id`
  const byPair = Map.groupBy(rows, (r) => r.n)
  return pairs.map((_, i) => (byPair.get(i + 1) ?? []).map(({ n: _n, ...said }) => said))
}

/** What stands of any of these records and any other, the oldest first. */
export async function assertionsAbout(tx: Transaction, keys: readonly string[]): Promise<StewardAssertion[]> {
  return await tx<StewardAssertion[]>`
    select s.kind, s.a, s.b, x.actor, x.reason, x.at, x.action_id as "actionId"
    from (select assertion_id, kind, a, b from standing where kind in ('SAME', 'NOT_SAME') and a = any(${keys}::uuid[])
      union select assertion_id, kind, a, b from standing where kind in ('SAME', 'NOT_SAME') and b = any(${keys}::uuid[])
      order by assertion_id limit ${saidMax}) s
    join assertion x on x.id = s.assertion_id order by s.assertion_id`
}
