import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Turns } from '../../../mdm/feed/turns.ts'

test('a few subscriptions go on in each turn of the event loop, and consumers in turns', async () => {
  const turns = new Turns()
  const went: string[] = []
  const wait = async (consumer: string, n: number) => {
    await turns.next(consumer)
    went.push(`${consumer}${n}`)
  }
  const all = [
    ...Array.from({ length: 500 }, (_, n) => wait('a', n)),
    ...[0, 1].map((n) => wait('b', n)),
  ]
  await setImmediate()
  assert.deepEqual(went, ['a0', 'b0', 'a1', 'b1'])
  await setImmediate()
  assert.equal(went.length, 8)
  await Promise.all(all)
  assert.equal(went.length, 502)
  await wait('c', 0)
  assert.equal(went.at(-1), 'c0')
})
