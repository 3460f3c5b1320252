import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cluster, type MergeStep } from '../../../mdm/match/cluster.ts'
import { joinsOf } from '../../../mdm/match/joins.ts'
import fc from '../../property.ts'

interface Edge {
  a: string
  b: string
  weight: number
}

/**
 * Slow reference: returns the sizes of the two parts before each step and the best link between
 * them, from all links.
 */
function referenceJoins(keys: string[], steps: readonly MergeStep[], links: readonly Edge[]) {
  let parts = keys.map((k) => [k])
  return steps.flatMap((step) => {
    const [one, other] = [step.a, step.b].map((k) => parts.find((p) => p.includes(k)))
    if (!one || !other) return []
    const across = links.filter(
      (l) =>
        (one.includes(l.a) && other.includes(l.b)) || (one.includes(l.b) && other.includes(l.a)),
    )
    parts = [...parts.filter((p) => p !== one && p !== other), [...one, ...other]]
    return [
      { sizeA: one.length, sizeB: other.length, best: Math.max(...across.map((l) => l.weight)) },
    ]
  })
}

test('gives the sizes and strongest links of the joins like a slow reference', () => {
  const records = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  const pairs = records.flatMap((a, i) => records.slice(i + 1).map((b) => [a, b] as const))
  let joined = 0
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -6, max: 9 }), {
        minLength: pairs.length,
        maxLength: pairs.length,
      }),
      (w) => {
        const weights = new Map(pairs.map(([a, b], i) => [a + b, w[i] ?? 0]))
        const weightOf = (a: string, b: string) => weights.get(a < b ? a + b : b + a) ?? 0
        const links = pairs
          .map(([a, b]) => ({ a, b, weight: weightOf(a, b) }))
          .filter((l) => l.weight >= -2)
        const { clusters, steps } = cluster(
          records.map((key) => ({ key, source: 's', features: key })),
          links,
          [{ kind: 'SAME', a: 'a', b: 'g' }],
          {
            matchWeightMin: 0,
            linkWeightMin: -2,
            canJoin: (w) => w >= 0,
            compare: (a, b) => ({ weight: weightOf(a, b) }),
          },
        )
        for (const keys of clusters) {
          const joins = joinsOf(keys, steps, links)
          assert.equal(joins.length, keys.length - 1)
          joined += joins.length
          assert.deepEqual(
            joins.map((j) => ({
              sizeA: j.sizeA,
              sizeB: j.sizeB,
              best: j.link?.weight ?? Number.NEGATIVE_INFINITY,
            })),
            referenceJoins(keys, steps, links),
          )
          for (const j of joins) assert.equal(j.weight === null, j.because === 'ASSERTION')
        }
      },
    ),
    { numRuns: 200, seed: 2 },
  )
  assert.ok(joined > 300)
})
