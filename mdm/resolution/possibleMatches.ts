import type { Sql, Transaction } from '../db/database.ts'
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
 * Returns golden records that may match one, each with its best pair, the most probable first.
 * Reads all possible matches of the golden record by index and returns one page. `after` is the
 * last entry of the previous page.
 */
export async function readPossible(
  sql: Sql,
  goldenId: string,
  limit: number,
  after: { weight: number; otherGoldenId: string } | null,
): Promise<PossibleRow[]> {
  return await sql<PossibleRow[]>`
    with pair as (
      select p.a as own, p.b as other, p.weight, p.reason, p.created_at
        from source_record m join possible_match p on p.a = m.key where m.golden_id = ${goldenId}
      union all select p.b, p.a, p.weight, p.reason, p.created_at
        from source_record m join possible_match p on p.b = m.key where m.golden_id = ${goldenId}
    ), best as (
      select distinct on (o.golden_id) p.own, p.other, o.golden_id, p.weight, p.reason, p.created_at
      from pair p join source_record o on o.key = p.other
      where o.golden_id is not null and o.golden_id <> ${goldenId}
      order by o.golden_id, p.weight desc, p.own, p.other
    )
    select own, other, ${goldenId} as "goldenId", golden_id as "otherGoldenId", weight, reason, created_at as since
    from best
    where ${after === null} or weight < ${after?.weight ?? 0}::real
      or (weight = ${after?.weight ?? 0}::real and golden_id > ${after?.otherGoldenId ?? null}::uuid)
    order by weight desc, golden_id limit ${limit}`
}

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
