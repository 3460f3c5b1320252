import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { OperationIds } from '../../../gateway/http/operationIds.ts'

/** Handles messages as graphql-ws does: a subscribe message takes until its operation has ended. */
function handler() {
  const handled: string[] = []
  const ends: (() => void)[] = []
  const handle = async (text: string) => {
    handled.push(text)
    if (text.includes('subscribe')) await new Promise<void>((resolve) => ends.push(resolve))
  }
  return { handled, handle, endFirst: () => ends.shift()?.() }
}

const subscribe = (id: string, n = 0) => JSON.stringify({ id, type: 'subscribe', n })
const complete = (id: string) => JSON.stringify({ id, type: 'complete' })

test('an operation that reuses an id begins when the one before has ended', async () => {
  const { handled, handle, endFirst } = handler()
  const abandoned: string[] = []
  const ids = new OperationIds((id) => abandoned.push(id))
  for (const text of [subscribe('1', 1), complete('1'), subscribe('1', 2), subscribe('2', 3)])
    void ids.receive(text, false, handle)
  assert.deepEqual(handled, [subscribe('1', 1), complete('1'), subscribe('2', 3)])
  assert.deepEqual(abandoned, ['1'])
  endFirst()
  await turn()
  assert.deepEqual(handled.at(-1), subscribe('1', 2))
})

test('an operation that is completed while it waits never begins', async () => {
  const { handled, handle, endFirst } = handler()
  const ids = new OperationIds(() => {})
  for (let n = 0; n < 50; n++) {
    void ids.receive(subscribe('1', n), false, handle)
    void ids.receive(complete('1'), false, handle)
  }
  void ids.receive(subscribe('1', 99), false, handle)
  endFirst()
  await turn()
  assert.deepEqual(handled, [subscribe('1', 0), complete('1'), subscribe('1', 99)])
})

test('a second operation under an id in use is passed on, to be rejected', async () => {
  const { handled, handle } = handler()
  const ids = new OperationIds(() => {})
  void ids.receive(subscribe('1', 1), false, handle)
  void ids.receive(subscribe('1', 2), false, handle)
  assert.deepEqual(handled, [subscribe('1', 1), subscribe('1', 2)])
})

test('an operation that the server has completed frees its id', async () => {
  const { handled, handle, endFirst } = handler()
  const ids = new OperationIds(() => {})
  void ids.receive(subscribe('1', 1), false, handle)
  ids.completed('1')
  void ids.receive(subscribe('1', 2), false, handle)
  assert.equal(handled.length, 1)
  endFirst()
  await turn()
  assert.equal(handled.length, 2)
})

test('a socket that ends takes no new operations, and passes other messages on', async () => {
  const { handled, handle } = handler()
  const ids = new OperationIds(() => {})
  const ping = '{"type":"ping"}'
  for (const text of [subscribe('1'), ping, 'no JSON', 'null', '{"type":"subscribe","id":7}'])
    void ids.receive(text, true, handle)
  assert.deepEqual(handled.slice(0, 3), [ping, 'no JSON', 'null'])
})
