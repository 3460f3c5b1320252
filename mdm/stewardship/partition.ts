/** An assertion to append. */
export type NewAssertion =
  | { kind: 'SAME' | 'NOT_SAME'; a: string; b: string }
  | { kind: 'VALUE'; a: string; field: string; value: unknown; expiresAt: string | null }
  | { kind: 'RETIRED'; a: string }

/** An assertion that stands. */
export interface StandingPair {
  assertionId: number
  kind: 'SAME' | 'NOT_SAME'
  a: string
  b: string
}

/** Assertions to append and to withdraw. */
export interface Statements {
  append: NewAssertion[]
  withdraw: number[]
}

/**
 * Returns the assertions that put records into these groups and keep them there. Within a group all
 * records are SAME, so no evidence separates them. Between groups that were one golden record, or
 * that are declared apart, records are NOT_SAME, so no evidence joins them. Contrary assertions are
 * withdrawn. `groups` hold keys, oldest first; `apart` lists pairs of groups, by index, that must
 * never merge. An assertion that stands already is appended again: the action then does not depend
 * on an earlier one, and undoing that one is recognised as a conflict.
 */
export function partition(
  groups: readonly (readonly string[])[],
  apart: readonly (readonly [number, number])[],
  standing: readonly StandingPair[],
): Statements {
  const home = new Map(groups.flatMap((keys, i) => keys.map((key) => [key, i] as const)))
  const append: NewAssertion[] = []
  for (const [first, ...rest] of groups)
    for (const b of rest) if (first !== undefined) append.push({ kind: 'SAME', a: first, b })
  for (const [i, j] of apart)
    for (const a of groups[i] ?? [])
      for (const b of groups[j] ?? []) append.push({ kind: 'NOT_SAME', a, b })
  const withdraw = standing
    .filter(({ kind, a, b }) => {
      const [x, y] = [home.get(a), home.get(b)]
      return x !== undefined && y !== undefined && (kind === 'SAME') === (x !== y)
    })
    .map((s) => s.assertionId)
  return { append, withdraw }
}

/** Returns how many assertions `apart` would append. */
export function pairsApart(
  groups: readonly (readonly string[])[],
  apart: readonly (readonly [number, number])[],
): number {
  return apart.reduce((n, [i, j]) => n + (groups[i]?.length ?? 0) * (groups[j]?.length ?? 0), 0)
}

/** Returns all pairs of n groups, by index. */
export function everyTwo(n: number): [number, number][] {
  return Array.from({ length: n }, (_, i) => i).flatMap((i) =>
    Array.from({ length: n - i - 1 }, (_, j): [number, number] => [i, i + 1 + j]),
  )
}
