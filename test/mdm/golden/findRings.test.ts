import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findRings } from '../../../mdm/golden/findRings.ts'

const ringsOf = (links: Record<string, string | null>) => findRings(new Map(Object.entries(links)))

test('finds rings of one, two and more, from the lowest node on, and none in a tree', () => {
  assert.deepEqual(ringsOf({ a: 'a' }), [['a']])
  assert.deepEqual(ringsOf({ b: 'a', a: 'b' }), [['a', 'b']])
  assert.deepEqual(ringsOf({ c: 'b', b: 'a', a: 'c' }), [['a', 'c', 'b']])
  assert.deepEqual(ringsOf({ a: 'b', b: 'c', c: null, d: 'c', e: 'gone' }), [])
  assert.deepEqual(ringsOf({ x: 'a', y: 'x', a: 'b', b: 'a', p: 'q', q: 'p' }), [
    ['a', 'b'],
    ['p', 'q'],
  ])
})

test('a very long chain or ring needs no stack', () => {
  const chain = new Map<string, string | null>()
  for (let i = 0; i < 100_000; i++) chain.set(`${i}`, i === 99_999 ? null : `${i + 1}`)
  assert.deepEqual(findRings(chain), [])
  chain.set('99999', '0')
  assert.equal(findRings(chain)[0]?.length, 100_000)
})

test('without one link of each ring no ring is left, in any order of the nodes', () => {
  const links = fc.array(fc.tuple(fc.nat(12), fc.option(fc.nat(12))), { maxLength: 13 })
  fc.assert(
    fc.property(links, fc.nat(), (pairs, turn) => {
      const parents = new Map(pairs.map(([id, p]) => [`n${id}`, p === null ? null : `n${p}`]))
      const rings = findRings(parents)
      const entries = [...parents]
      const turned = [...entries.slice(turn % 13), ...entries.slice(0, turn % 13)]
      const sorted = (found: string[][]) => found.map((r) => r.join()).sort()
      assert.deepEqual(sorted(findRings(new Map(turned))), sorted(rings))
      for (const [first = ''] of rings) parents.set(first, null)
      assert.deepEqual(findRings(parents), [])
    }),
  )
})
