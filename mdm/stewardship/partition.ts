/** A statement to be made. */
export type NewAssertion =
  | { kind: 'SAME' | 'NOT_SAME'; a: string; b: string }
  | { kind: 'VALUE'; a: string; field: string; value: unknown; expiresAt: string | null }
  | { kind: 'RETIRED'; a: string }

/** One that stands. */
export interface StandingPair {
  assertionId: number
  kind: 'SAME' | 'NOT_SAME'
  a: string
  b: string
}

/** What has to be stated and withdrawn. */
export interface Statements {
  append: NewAssertion[]
  withdraw: number[]
}

/**
 * The statements that make records fall into these groups and keep them there: within a group all are the same, so no
 * evidence parts them; between groups that were one golden record, or are said to be two, no two are the same, so no
 * evidence joins them. What stands against it is withdrawn. `groups` hold keys, oldest first; `apart` says which groups
 * (by place) must never meet. What holds already is stated again: the statement then does not rest on an earlier action,
 * and undoing that one is recognised as being in conflict with this one.
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
    for (const a of groups[i] ?? []) for (const b of groups[j] ?? []) append.push({ kind: 'NOT_SAME', a, b })
  const withdraw = standing
    .filter(({ kind, a, b }) => {
      const [x, y] = [home.get(a), home.get(b)]
      return x !== undefined && y !== undefined && (kind === 'SAME') === (x !== y)
    })
    .map((s) => s.assertionId)
  return { append, withdraw }
}

/** How many pairs `apart` would state. */
export function pairsApart(
  groups: readonly (readonly string[])[],
  apart: readonly (readonly [number, number])[],
): number {
  return apart.reduce((n, [i, j]) => n + (groups[i]?.length ?? 0) * (groups[j]?.length ?? 0), 0)
}

/** Every two of n groups. */
export function everyTwo(n: number): [number, number][] {
  return Array.from({ length: n }, (_, i) => i).flatMap((i) =>
    Array.from({ length: n - i - 1 }, (_, j): [number, number] => [i, i + 1 + j]),
  )
}
