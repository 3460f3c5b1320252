import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Assertion,
  type Clustering,
  COMPONENT_DENSE_RECORDS_MAX,
  cluster,
} from '../../../mdm/match/cluster.ts'
import { createSeededRandom } from '../../../mdm/match/random.ts'
import fc from '../../property.ts'

interface World {
  keys: string[]
  weight: (a: string, b: string) => number
  conflict: (a: string, b: string) => string | undefined
}

const RULES = { matchWeightMin: 0, linkWeightMin: -2, canJoin: (weight: number) => weight >= 0 }

/** Returns a component with random symmetric weights, reproducible by its seed. */
function world(n: number, seed: number, conflicts = 0): World {
  const random = createSeededRandom(seed)
  const keys = Array.from({ length: n }, (_, i) => `r${String(i).padStart(3, '0')}`)
  const weights = new Map<string, number>()
  const against = new Set<string>()
  for (let i = 0; i < n; i++)
    for (let j = i + 1; j < n; j++) {
      weights.set(`${keys[i]} ${keys[j]}`, Math.round(random() * 24 - 14))
      if (random() < conflicts) against.add(`${keys[i]} ${keys[j]}`)
    }
  const pair = (a: string, b: string) => (a < b ? `${a} ${b}` : `${b} ${a}`)
  return {
    keys,
    weight: (a, b) => weights.get(pair(a, b))!,
    conflict: (a, b) => (against.has(pair(a, b)) ? 'cannot be' : undefined),
  }
}

function run(
  w: World,
  assertions: Assertion[] = [],
  order = (x: readonly string[]) => [...x],
): Clustering {
  const keys = order(w.keys)
  const edges = []
  for (const [i, a] of keys.entries())
    for (const b of keys.slice(i + 1))
      if (w.weight(a, b) >= RULES.linkWeightMin) edges.push({ a, b, weight: w.weight(a, b) })
  return cluster(
    keys.map((key) => ({ key, source: 's', features: key })),
    edges,
    assertions,
    {
      ...RULES,
      compare: (a, b) => {
        const conflict = w.conflict(a, b)
        return conflict === undefined
          ? { weight: w.weight(a, b) }
          : { weight: w.weight(a, b), conflict }
      },
    },
  )
}

/**
 * Slow reference for the same rule: each merge examines all pairs of clusters and recomputes
 * averages from the records. Evidence before clipping decides between equal averages.
 */
function referenceClusters(w: World): string[][] {
  const clusters = w.keys.map((key) => [key])
  const clip = (x: number) => Math.max(-8, Math.min(12, x))
  for (;;) {
    let best = Number.NEGATIVE_INFINITY
    let bestEvidence = Number.NEGATIVE_INFINITY
    let at: [number, number] | undefined
    for (let i = 0; i < clusters.length; i++)
      for (let j = i + 1; j < clusters.length; j++) {
        let sum = 0
        let evidence = 0
        let barred = false
        for (const a of clusters[i]!)
          for (const b of clusters[j]!) {
            sum += clip(w.weight(a, b))
            evidence += w.weight(a, b)
            barred ||= w.conflict(a, b) !== undefined
          }
        const pairs = clusters[i]!.length * clusters[j]!.length
        const average = sum / pairs
        const isBetter = average > best || (average === best && evidence / pairs > bestEvidence)
        if (!barred && isBetter) {
          best = average
          bestEvidence = evidence / pairs
          at = [i, j]
        }
      }
    if (!at || best < RULES.matchWeightMin)
      return clusters.map((c) => c.sort()).sort((x, y) => (x[0]! < y[0]! ? -1 : 1))
    clusters[at[0]] = [...clusters[at[0]]!, ...clusters[at[1]]!].sort()
    clusters.splice(at[1], 1)
    clusters.sort((x, y) => (x[0]! < y[0]! ? -1 : 1))
  }
}

test('clusters like the slow reference', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const w = world(3 + (seed % 14), seed, seed % 3 === 0 ? 0.1 : 0)
    assert.deepEqual(run(w).clusters, referenceClusters(w), `seed ${seed}`)
  }
})

test('does not depend on the order of members, edges or assertions', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e6 }),
      fc.integer({ min: 2, max: 14 }),
      fc.array(fc.tuple(fc.boolean(), fc.nat(13), fc.nat(13)), { maxLength: 5 }),
      (seed, n, pairs) => {
        const w = world(n, seed, 0.05)
        const assertions = pairs
          .filter(([, a, b]) => a < n && b < n && a !== b)
          .map(
            ([same, a, b]): Assertion => ({
              kind: same ? 'SAME' : 'NOT_SAME',
              a: w.keys[a]!,
              b: w.keys[b]!,
            }),
          )
        const random = createSeededRandom(seed)
        const shuffled = (x: readonly string[]) =>
          [...x]
            .map((v) => [random(), v] as const)
            .sort((p, q) => p[0] - q[0])
            .map(([, v]) => v)
        assert.deepEqual(run(w, assertions), run(w, assertions.toReversed(), shuffled))
      },
    ),
    { numRuns: 150, seed: 3 },
  )
})

test('assertions of stewards win: SAME joins and NOT_SAME separates records against all evidence', () => {
  const w: World = {
    keys: ['a', 'b', 'c'],
    weight: (x, y) => ((x < y ? x + y : y + x) === 'ab' ? 5 : -10),
    conflict: () => undefined,
  }
  assert.deepEqual(run(w).clusters, [['a', 'b'], ['c']])
  assert.deepEqual(run(w, [{ kind: 'NOT_SAME', a: 'b', b: 'a' }]).clusters, [['a'], ['b'], ['c']])
  assert.deepEqual(run(w, [{ kind: 'SAME', a: 'c', b: 'b' }]).clusters, [['a'], ['b', 'c']])
})

test('a conflict keeps two records apart however much agrees, and is reported', () => {
  const w: World = { keys: ['a', 'b'], weight: () => 30, conflict: () => 'two valid LEI numbers' }
  const found = run(w)
  assert.deepEqual(found.clusters, [['a'], ['b']])
  assert.equal(found.possible[0]?.reason, 'two valid LEI numbers')
})

test('one strong pair does not chain two groups together', () => {
  const group = (key: string) => Number(key[1]) < 3
  const w: World = {
    keys: ['r0', 'r1', 'r2', 'r3', 'r4', 'r5'],
    weight: (a, b) => (group(a) === group(b) ? 8 : a === 'r2' && b === 'r3' ? 6 : -6),
    conflict: () => undefined,
  }
  const found = run(w)
  assert.deepEqual(found.clusters, [
    ['r0', 'r1', 'r2'],
    ['r3', 'r4', 'r5'],
  ])
  assert.equal(found.possible.length, 1)
})

test('a component of thousands is clustered without comparing all its pairs', () => {
  const n = 20_000
  assert.ok(n > COMPONENT_DENSE_RECORDS_MAX)
  let compared = 0
  const key = (i: number) => `k${String(i).padStart(6, '0')}`
  const found = cluster(
    Array.from({ length: n }, (_, i) => ({ key: key(i), source: 's', features: i })),
    Array.from({ length: n - 1 }, (_, i) => ({ a: key(i), b: key(i + 1), weight: 3 })),
    [],
    {
      ...RULES,
      compare: (a, b) => {
        compared++
        return { weight: Math.abs(a - b) === 1 ? 3 : -5 }
      },
    },
  )
  assert.equal(found.clusters.flat().length, n)
  assert.ok(compared < 2 * n, `${compared} comparisons`)
  assert.ok(Math.max(...found.clusters.map((c) => c.length)) < 10, 'a chain of pairs is no cluster')
})

test('compares only the edges of a large component and the pairs that meet along them', () => {
  const things = 50
  const keys = Array.from({ length: 4 * things }, (_, i) => `r${String(i).padStart(3, '0')}`)
  const thing = (key: string) => Math.floor(Number(key.slice(1)) / 4)
  // Each thing is a ring of four records, joined to the next by one weak edge.
  const weight = (a: string, b: string) =>
    thing(a) === thing(b) ? 8 : Math.abs(thing(a) - thing(b)) === 1 ? -1 : -8
  const edges = keys.flatMap((a, i) => {
    const ring = keys[i % 4 === 3 ? i - 3 : i + 1]!
    const next = i % 4 === 0 ? keys[i + 4] : undefined
    return [ring, ...(next ? [next] : [])].map((b) => ({ a, b, weight: weight(a, b) }))
  })
  const compared = new Set<string>()
  let twice = 0
  const found = cluster(
    keys.map((key) => ({ key, source: 's', features: key })),
    edges,
    [],
    {
      ...RULES,
      compare: (a, b) => {
        if (compared.has(`${a} ${b}`)) twice++
        compared.add(`${a} ${b}`)
        return { weight: weight(a, b) }
      },
    },
  )
  assert.equal(found.clusters.length, things)
  assert.equal(twice, 0)
  // Six pairs within each thing and sixteen to the next; all pairs would be 19,900.
  assert.ok(compared.size <= 22 * things, `${compared.size} comparisons`)
  assert.ok(found.clusters.every((c) => c.length === 4))
})

test('a unique source stays unique in a component of any size, and evidence decides a tie', () => {
  const n = COMPONENT_DENSE_RECORDS_MAX
  const key = (source: string, i: number) => `${source}${String(i).padStart(4, '0')}`
  // Each record is alike to its twin and, nearly as much, to the twins of its neighbours.
  const weight = (a: string, b: string) => {
    const apart = Math.abs(Number(a.slice(1)) - Number(b.slice(1)))
    return apart === 0 ? 30 : apart === 1 ? 20 : -10
  }
  const edges = Array.from({ length: n }, (_, i) =>
    [i - 1, i, i + 1]
      .filter((j) => j >= 0 && j < n)
      .map((j) => ({ a: key('a', i), b: key('b', j), weight: weight(key('a', i), key('b', j)) })),
  ).flat()
  const found = cluster(
    ['a', 'b'].flatMap((source) =>
      Array.from({ length: n }, (_, i) => ({
        key: key(source, i),
        source,
        features: key(source, i),
      })),
    ),
    edges,
    [],
    {
      ...RULES,
      isUniqueSource: () => true,
      compare: (a, b) => ({
        weight: weight(a, b),
        ...(a[0] === b[0] ? { conflict: 'one source' } : {}),
      }),
    },
  )
  assert.deepEqual(
    found.clusters,
    Array.from({ length: n }, (_, i) => [key('a', i), key('b', i)]),
  )
})

test('between unique sources a clear best counterpart is matched, and a tie is not', () => {
  const weights: Record<string, number> = {
    'a1 b1': -1,
    'a1 b2': -7,
    'a2 b1': -7,
    'a3 b3': -1,
    'a3 b4': -1,
  }
  const found = cluster(
    ['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'b4'].map((key) => ({
      key,
      source: key[0]!,
      features: key,
    })),
    Object.entries(weights).map(([pair, weight]) => ({
      a: pair.split(' ')[0]!,
      b: pair.split(' ')[1]!,
      weight,
    })),
    [],
    {
      matchWeightMin: 0,
      linkWeightMin: -7,
      canJoin: () => true,
      isUniqueSource: () => true,
      oneToOneWeight: 2,
      compare: (a, b) => ({
        weight: weights[`${a} ${b}`] ?? weights[`${b} ${a}`] ?? -20,
        ...(a[0] === b[0] ? { conflict: 'one source' } : {}),
      }),
    },
  )
  assert.deepEqual(found.clusters, [['a1', 'b1'], ['a2'], ['a3'], ['b2'], ['b3'], ['b4']])
})

test('a counterpart that a steward has excluded does not compete with the others', () => {
  const weights: Record<string, number> = { 'x1 y1': 8, 'x1 y2': 7.5 }
  const find = (assertions: Assertion[]) =>
    cluster(
      ['x1', 'y1', 'y2'].map((key) => ({ key, source: key[0]!, features: key })),
      Object.entries(weights).map(([pair, weight]) => ({
        a: pair.slice(0, 2),
        b: pair.slice(3),
        weight,
      })),
      assertions,
      {
        matchWeightMin: 3,
        linkWeightMin: 0,
        canJoin: () => true,
        isUniqueSource: () => true,
        compare: (a, b) => ({
          weight: weights[`${a} ${b}`] ?? -20,
          ...(a[0] === b[0] ? { conflict: 'one source' } : {}),
        }),
      },
    ).clusters
  assert.deepEqual(find([]), [['x1'], ['y1'], ['y2']], 'two counterparts are as likely')
  assert.deepEqual(find([{ kind: 'NOT_SAME', a: 'y1', b: 'x1' }]), [['x1', 'y2'], ['y1']])
})

test('in a source that rarely has a thing twice, a duplicate is matched and a crowd is not', () => {
  const weight = 3
  const find = (...keys: string[]) =>
    cluster(
      keys.map((key) => ({ key, source: key[0]!, features: key })),
      keys.flatMap((a) => keys.filter((b) => a < b).map((b) => ({ a, b, weight }))),
      [],
      {
        matchWeightMin: 0,
        linkWeightMin: -2,
        canJoin: (weight) => weight >= 0,
        isUniqueSource: () => false,
        competes: () => true,
        compare: () => ({ weight }),
      },
    ).clusters
  assert.deepEqual(find('a1', 'a2'), [['a1', 'a2']])
  assert.deepEqual(find('a1', 'a2', 'b1', 'b2'), [
    ['a1', 'a2'],
    ['b1', 'b2'],
  ])
  assert.deepEqual(find('a1', 'a2', 'a3', 'a4'), [['a1'], ['a2'], ['a3'], ['a4']])
})

test('a record that is as near to one as to another of two contradicting things joins neither', () => {
  const find = (weights: Record<string, number>) =>
    cluster(
      ['father', 'nobody', 'son'].map((key) => ({ key, source: 's', features: key })),
      Object.entries(weights).map(([pair, weight]) => {
        const [a, b] = pair.split(' ')
        return { a: a!, b: b!, weight }
      }),
      [],
      {
        matchWeightMin: 0,
        linkWeightMin: -2,
        canJoin: (weight) => weight >= 0,
        compare: (a, b) => ({ weight: weights[`${a} ${b}`] ?? -3 }),
        comparePooled: (a, b) =>
          [...a, ...b].includes('father') && [...a, ...b].includes('son') ? -3 : 5,
      },
    ).clusters
  assert.deepEqual(find({ 'father nobody': 5, 'nobody son': 4.5 }), [
    ['father'],
    ['nobody'],
    ['son'],
  ])
  assert.deepEqual(find({ 'father nobody': 5, 'nobody son': 3.5 }), [['father', 'nobody'], ['son']])
})
