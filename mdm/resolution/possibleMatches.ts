import type { Transaction } from '../db/database.ts'
import type { SortTerm } from '../db/keyset.ts'
import type { Listing, Relation } from '../db/page.ts'
import type { PossibleMatch } from './links.ts'

/** The best pair of records of two golden records that are possible matches. */
export interface PossibleRow {
  /** The record of the given golden record, and the record of the other one. */
  own: string
  other: string
  goldenId: string
  otherGoldenId: string
  weight: number
  reason: string
  since: Date
}

/**
 * Golden records that may match the parent, each with its best pair. Reads all possible matches of
 * the parent by index; the page is cut from them.
 */
export const possibleMatchesOfGolden = {
  from: `(select distinct on (o.golden_id) q.own, q.other, p.id as golden_id, o.golden_id as other_golden_id,
      q.weight::float8 as weight, q.reason, q.created_at
    from (
      select x.a as own, x.b as other, x.weight, x.reason, x.created_at
        from source_record m join possible_match x on x.a = m.key where m.golden_id = p.id
      union all select x.b, x.a, x.weight, x.reason, x.created_at
        from source_record m join possible_match x on x.b = m.key where m.golden_id = p.id
    ) q join source_record o on o.key = q.other
    where o.golden_id is not null and o.golden_id <> p.id
    order by o.golden_id, q.weight desc, q.own, q.other) t`,
  where: 'true',
} satisfies Relation

/**
 * Possible matches of golden records; read with a parent. `weight` is as stored, in single
 * precision.
 */
export const possibleMatchListing: Listing = {
  from: possibleMatchesOfGolden.from,
  where: 'true',
  columns:
    () => `t.own, t.other, t.golden_id as "goldenId", t.other_golden_id as "otherGoldenId", t.weight::real as weight,
    t.reason, t.created_at as since`,
  unique: { name: 'goldenId', sql: 't.other_golden_id', type: 'uuid', nullable: false },
}

export const likeliestMatches: SortTerm[] = [
  {
    column: { name: 'weight', sql: 't.weight', type: 'float8', nullable: false },
    descending: true,
  },
  { column: possibleMatchListing.unique, descending: false },
]

/** The order for callers to whom the weights would reveal hidden values. */
export const matchesById: SortTerm[] = [{ column: possibleMatchListing.unique, descending: false }]

/**
 * Returns the possible match with the highest weight for each pair of golden records, in the order
 * of `pairs`. One statement.
 */
export async function possibleBetween(
  tx: Transaction,
  pairs: readonly { goldenA: string | null; goldenB: string | null }[],
): Promise<(PossibleMatch | null)[]> {
  const rows = await tx<(PossibleMatch & { n: number })[]>`
    select p.n::int as n, x.a, x.b, x.weight, x.reason
    from unnest(${pairs.map((p) => p.goldenA)}::uuid[], ${pairs.map((p) => p.goldenB)}::uuid[])
      with ordinality as p (golden_a, golden_b, n)
    cross join lateral (
      select y.a, y.b, y.weight, y.reason from source_record m join possible_match y on y.a = m.key
        join source_record o on o.key = y.b where m.golden_id = p.golden_a and o.golden_id = p.golden_b
      union all select y.a, y.b, y.weight, y.reason from source_record m join possible_match y on y.a = m.key
        join source_record o on o.key = y.b where m.golden_id = p.golden_b and o.golden_id = p.golden_a
      order by weight desc, a, b limit 1) x`
  const byPair = new Map(rows.map(({ n, ...row }) => [n, row]))
  return pairs.map((_, i) => byPair.get(i + 1) ?? null)
}
