import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Lineage } from '../../../mdm/feed/lineage.ts'
import fc from '../../property.ts'

describe('the epochs of a feed (FEED 4.3)', () => {
  test('a position counts up to where a later epoch began', () => {
    const lineage = new Lineage([
      { id: 'a', beganAfter: 0 },
      { id: 'b', beganAfter: 10 },
      { id: 'c', beganAfter: 10 },
      { id: 'd', beganAfter: 7 },
    ])
    assert.equal(lineage.current, 'd')
    const last = (epoch: string) =>
      [...Array(20).keys()].filter((p) => lineage.holds(epoch, p)).at(-1)
    assert.deepEqual(['a', 'b', 'c', 'd'].map(last), [7, 7, 7, 19])
    assert.equal(lineage.holds('unknown', 0), false)
    assert.deepEqual(
      [1, 7, 8, 10, 11].map((p) => lineage.epochOf(p)),
      ['a', 'a', 'd', 'd', 'd'],
    )
  })

  /** One store with its events and epochs, and the copies that were made of it. */
  interface Store {
    events: string[]
    epochs: { id: string; beganAfter: number }[]
  }

  test('after any backups, restores and starts, exactly the cursors that miss no event are good', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constant('EVENT' as const) },
      fc.constant('BACKUP' as const),
      fc.constant('RESTORE' as const),
      fc.constant('START' as const),
    )
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.infiniteStream(fc.nat()),
        (steps, numbers) => {
          let names = 0
          const name = () => `${names++}`
          const begin = (s: Store) => s.epochs.push({ id: name(), beganAfter: s.events.length })
          let store: Store = { events: [], epochs: [] }
          begin(store)
          const backups: Store[] = []
          const given: { epoch: string; seen: string[] }[] = []
          for (const action of steps) {
            if (action === 'EVENT') store.events.push(name())
            if (action === 'BACKUP') backups.push(structuredClone(store))
            if (action === 'RESTORE' && backups.length > 0) {
              const chosen = backups[Number(numbers.next().value) % backups.length]
              store = structuredClone(chosen ?? store)
              begin(store)
            }
            if (action === 'START') begin(store)
            given.push({ epoch: store.epochs.at(-1)?.id ?? '', seen: [...store.events] })
          }
          const lineage = new Lineage(store.epochs)
          for (const { epoch, seen } of given) {
            const prefix = seen.every((e, i) => store.events[i] === e)
            if (lineage.holds(epoch, seen.length)) assert.ok(prefix, 'no other history is accepted')
            // A cursor of an epoch that a restore has undone may be of shared positions; it is
            // rejected all the same.
            else assert.ok(!prefix || !lineage.knows(epoch))
          }
        },
      ),
    )
  })
})
