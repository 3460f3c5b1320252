import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findCandidates } from '../../../mdm/match/candidates.ts'
import fc from '../../property.ts'

/**
 * Reference by definition: two records are candidates if they share a key that at most `max`
 * records have.
 */
function reference(keys: ReadonlyMap<number, readonly number[]>, max: number): Set<string> {
  const blocks = new Map<number, number[]>()
  for (const [id, all] of keys) for (const k of all) blocks.set(k, [...(blocks.get(k) ?? []), id])
  const pairs = new Set<string>()
  for (const block of blocks.values())
    if (block.length <= max)
      for (const a of block) for (const b of block) if (a < b) pairs.add(`${a}:${b}`)
  return pairs
}

test('I1: candidates found change by change equal those of the whole set, including keys over the bound', () => {
  const step = fc.record({
    id: fc.integer({ min: 1, max: 9 }),
    keys: fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { maxLength: 3 }),
  })
  fc.assert(
    fc.property(
      fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 8 }),
      (batches) => {
        const max = 2
        const stored = new Map<number, number[]>()
        const pairs = new Set<string>()
        for (const batch of batches) {
          const changes = [...new Map(batch.map((s) => [s.id, s.keys]))].map(([id, newKeys]) => ({
            id,
            oldKeys: stored.get(id) ?? [],
            newKeys,
          }))
          const members = (k: number) =>
            [...stored].filter(([, keys]) => keys.includes(k)).map(([id]) => id)
          const keys = new Set(changes.flatMap((c) => [...c.oldKeys, ...c.newKeys]))
          const blocks = new Map([...keys].map((k) => [k, members(k).slice(0, max + 1)]))
          const leaving = (k: number) =>
            changes.filter((c) => c.oldKeys.includes(k) && !c.newKeys.includes(k)).length
          const whole = new Map(
            [...keys]
              .filter(
                (k) =>
                  members(k).length > max &&
                  leaving(k) > 0 &&
                  members(k).length - leaving(k) <= max,
              )
              .map((k) => [k, members(k)]),
          )
          const found = findCandidates(changes, blocks, whole, max)
          const touched = new Set(changes.map((c) => c.id))
          for (const p of pairs)
            if (p.split(':').some((id) => touched.has(Number(id)))) pairs.delete(p)
          for (const c of changes) stored.set(c.id, c.newKeys)
          // The caller drops pairs that shared only a closed key, since it knows the other keys of
          // both.
          const now = reference(stored, max)
          for (const c of found.closed)
            for (const a of c.records)
              for (const b of c.records)
                if (a < b && !now.has(`${a}:${b}`)) pairs.delete(`${a}:${b}`)
          for (const [a, b] of found.pairs) pairs.add(`${a}:${b}`)
          assert.deepEqual([...pairs].sort(), [...now].sort())
        }
      },
    ),
    { numRuns: 2_000 },
  )
})
