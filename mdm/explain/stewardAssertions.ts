import type { Transaction } from '../db/database.ts'
import type { SortTerm } from '../db/keyset.ts'
import type { Listing, Relation } from '../db/page.ts'

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

/** Largest number of assertions read for one pair, the oldest first. */
const assertionsMax = 200

/**
 * Returns the standing assertions about each pair, in the order of `pairs`. If the two are in two
 * golden records, any assertion between records of the one and the other counts, because it decides
 * about both. One statement with index scans for each member.
 */
export async function assertionsBetween(
  tx: Transaction,
  pairs: readonly PlacedPair[],
): Promise<StewardAssertion[][]> {
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

/**
 * The standing assertions between any source record of the parent, a golden record, and any other.
 */
export const assertionsOfGolden = {
  from: `(select s.assertion_id, s.kind, s.a, s.b from source_record m join standing s on s.a = m.key
      where m.golden_id = p.id and s.kind in ('SAME', 'NOT_SAME')
    union select s.assertion_id, s.kind, s.a, s.b from source_record m join standing s on s.b = m.key
      where m.golden_id = p.id and s.kind in ('SAME', 'NOT_SAME')) s join assertion x on x.id = s.assertion_id`,
  where: 'true',
} satisfies Relation

/** Assertions of stewards about pairs of source records; read with a parent. */
export const assertionListing: Listing = {
  from: assertionsOfGolden.from,
  where: 'true',
  columns: () => 's.kind, s.a, s.b, x.actor, x.reason, x.at, x.action_id as "actionId"',
  unique: { name: 'id', sql: 'x.id', type: 'bigint', nullable: false },
}

export const oldestAssertions: SortTerm[] = [{ column: assertionListing.unique, descending: false }]
