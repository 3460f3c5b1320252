import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { components, DisjointSet } from '../../../schema/kit/disjointSet.ts'
import fc from '../../property.ts'

describe('connected components', () => {
  test('keep the order of keys, and ignore pairs with an unknown key', () => {
    const pairs = [
      { a: 'd', b: 'b' },
      { a: 'c', b: 'x' },
      { a: 'b', b: 'e' },
    ]
    assert.deepEqual(components(['a', 'b', 'c', 'd', 'e'], pairs), [['a'], ['b', 'd', 'e'], ['c']])
    assert.deepEqual(components([], pairs), [])
  })

  test('are those that a search finds, in whatever order the pairs come', () => {
    const number = fc.nat(20)
    fc.assert(
      fc.property(fc.array(fc.record({ a: number, b: number })), (pairs) => {
        const keys = Array.from({ length: 21 }, (_, i) => i)
        const found = components(keys, pairs)
        assert.deepEqual(components(keys, pairs.toReversed()), found)
        assert.deepEqual(
          found.flat().toSorted((x, y) => x - y),
          keys,
        )
        for (const component of found) {
          const reached = new Set(component.slice(0, 1))
          for (let size = 0; size !== reached.size; ) {
            size = reached.size
            for (const { a, b } of pairs)
              if (reached.has(a) || reached.has(b)) reached.add(a).add(b)
          }
          assert.deepEqual(
            [...reached].toSorted((x, y) => x - y),
            component,
          )
        }
      }),
    )
  })
})

test('a set is named by its smallest number', () => {
  const sets = new DisjointSet(6)
  sets.unite(5, 4)
  sets.unite(4, 2)
  sets.unite(2, 5)
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5].map((i) => sets.find(i)),
    [0, 1, 2, 3, 2, 2],
  )
})
