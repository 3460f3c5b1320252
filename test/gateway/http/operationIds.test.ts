import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { OperationIds } from '../../../gateway/http/operationIds.ts'

/**
 * Receives messages of a socket and handles them as graphql-ws does: a subscribe message takes
 * until its operation has ended.
 */
function receiver() {
  const handled: string[] = []
  const abandoned: string[] = []
  const ends: (() => void)[] = []
  const state = { isEnding: false }
  const ids = new OperationIds({
    abandon: (id) => abandoned.push(id),
    isEnding: () => state.isEnding,
  })
  const receive = (...texts: string[]) => {
    for (const text of texts)
      void ids.receive(text, async () => {
        handled.push(text)
        if (text.includes('subscribe')) await new Promise<void>((resolve) => ends.push(resolve))
      })
  }
  return { ids, receive, handled, abandoned, state, endFirst: () => ends.shift()?.() }
}

const subscribe = (id: string, n = 0) => JSON.stringify({ id, type: 'subscribe', n })
const complete = (id: string) => JSON.stringify({ id, type: 'complete' })

test('an operation that reuses an id begins when the one before has ended', async () => {
  const { receive, handled, abandoned, endFirst } = receiver()
  receive(subscribe('1', 1), complete('1'), subscribe('1', 2), subscribe('2', 3))
  assert.deepEqual(handled, [subscribe('1', 1), complete('1'), subscribe('2', 3)])
  assert.deepEqual(abandoned, ['1'])
  endFirst()
  await turn()
  assert.deepEqual(handled.at(-1), subscribe('1', 2))
})

test('an operation that is completed while it waits never begins', async () => {
  const { receive, handled, endFirst } = receiver()
  for (let n = 0; n < 50; n++) receive(subscribe('1', n), complete('1'))
  receive(subscribe('1', 99))
  endFirst()
  await turn()
  assert.deepEqual(handled, [subscribe('1', 0), complete('1'), subscribe('1', 99)])
})

test('a second operation under an id in use is passed on, to be rejected', async () => {
  const { receive, handled } = receiver()
  receive(subscribe('1', 1), subscribe('1', 2))
  assert.deepEqual(handled, [subscribe('1', 1), subscribe('1', 2)])
})

test('an operation that the server has completed frees its id', async () => {
  const { ids, receive, handled, endFirst } = receiver()
  receive(subscribe('1', 1))
  ids.completed('1')
  receive(subscribe('1', 2))
  assert.equal(handled.length, 1)
  endFirst()
  await turn()
  assert.equal(handled.length, 2)
})

test('a socket that ends takes no new operations, and passes other messages on', async () => {
  const { receive, handled, state } = receiver()
  state.isEnding = true
  const ping = '{"type":"ping"}'
  receive(subscribe('1'), ping, 'no JSON', 'null', '{"type":"subscribe","id":7}')
  assert.deepEqual(handled.slice(0, 3), [ping, 'no JSON', 'null'])
})

test('an operation that waits when the socket ends never begins', async () => {
  const { receive, handled, state, endFirst } = receiver()
  receive(subscribe('1', 1), complete('1'), subscribe('1', 2))
  state.isEnding = true
  endFirst()
  await turn()
  assert.deepEqual(handled, [subscribe('1', 1), complete('1')])
})
