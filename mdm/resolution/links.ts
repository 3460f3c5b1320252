import type { Transaction } from '../db/database.ts'

/** Two records of one type connected by their match weight; `a` is the lower id. */
export interface Link {
  a: number
  b: number
  weight: number
}

/** Returns the links of any of these records; two index scans. */
export async function loadLinks(tx: Transaction, ids: number[]): Promise<Link[]> {
  if (ids.length === 0) return []
  return await tx<Link[]>`
    select a, b, weight from link where a = any(${ids}::bigint[])
    union select a, b, weight from link where b = any(${ids}::bigint[])`
}

export async function saveLinks(tx: Transaction, removed: Link[], added: Link[]): Promise<void> {
  if (removed.length > 0)
    await tx`delete from link l using unnest(${removed.map((r) => r.a)}::bigint[], ${removed.map((r) => r.b)}::bigint[]) as r (a, b)
      where l.a = r.a and l.b = r.b`
  if (added.length > 0)
    await tx`insert into link (a, b, weight)
      select * from unnest(${added.map((l) => l.a)}::bigint[], ${added.map((l) => l.b)}::bigint[], ${added.map((l) => l.weight)}::real[])
      on conflict (a, b) do update set weight = excluded.weight`
}

export interface PossibleMatch {
  a: string
  b: string
  weight: number
  reason: string
}

/**
 * Replaces the possible matches of the records in `touched`. Returns how many there were. Writes
 * those alone that are gone, new or different: most stay as they are, and a row that is written is
 * locked for the transaction that decides about its records.
 */
export async function savePossible(
  tx: Transaction,
  type: string,
  touched: string[],
  found: PossibleMatch[],
): Promise<number> {
  const stored =
    touched.length === 0
      ? []
      : await tx<PossibleMatch[]>`
          select a, b, weight, reason from possible_match
          where a = any(${touched}::uuid[]) or b = any(${touched}::uuid[])`
  const pairOf = (p: PossibleMatch) => `${p.a} ${p.b}`
  const before = new Map(stored.map((p) => [pairOf(p), p]))
  const wanted = new Set(found.map(pairOf))
  const gone = stored.filter((p) => !wanted.has(pairOf(p)))
  const changed = found.filter((f) => {
    const was = before.get(pairOf(f))
    // Weights are stored in single precision.
    return was?.reason !== f.reason || Math.fround(was.weight) !== Math.fround(f.weight)
  })
  if (gone.length > 0)
    await tx`delete from possible_match p
      using unnest(${gone.map((p) => p.a)}::uuid[], ${gone.map((p) => p.b)}::uuid[]) as g (a, b)
      where p.a = g.a and p.b = g.b`
  if (changed.length > 0)
    await tx`insert into possible_match (a, b, type, weight, reason)
      select a, b, ${type}, weight, reason from unnest(${changed.map((f) => f.a)}::uuid[], ${changed.map((f) => f.b)}::uuid[],
        ${changed.map((f) => f.weight)}::real[], ${changed.map((f) => f.reason)}::text[]) as f (a, b, weight, reason)
      on conflict (a, b) do update set weight = excluded.weight, reason = excluded.reason`
  return stored.length
}
