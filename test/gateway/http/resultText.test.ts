import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GraphQLError } from 'graphql'
import { resultText } from '../../../gateway/http/resultText.ts'
import { cursorOfEvent, withEventCursor } from '../../../gateway/subscriptions/eventCursor.ts'
import { cursor } from '../../../subgraphs/changes/resolvers.ts'

test('the JSON of a shared result is written once, and that of a copy again', () => {
  let written = 0
  const event = {
    toJSON() {
      written++
      return { position: 1 }
    },
  }
  const result = { data: { event } }
  for (let subscriber = 0; subscriber < 3; subscriber++)
    assert.equal(resultText(result), '{"data":{"event":{"position":1}}}')
  assert.equal(written, 1)
  assert.match(resultText({ ...result, extensions: { cost: 1 } }), /"extensions":\{"cost":1\}/)

  // The planner uses one array of errors for all events of a subscription.
  const errors = [new GraphQLError('no', { extensions: { code: 'X' } })]
  const failed = { data: null, errors }
  assert.match(resultText(failed), /"message":"no".*"code":"X"/)
  errors.length = 0
  assert.doesNotMatch(resultText(failed), /"no"/)
})

test('subscribers at one cursor share the result, and one at another has its own', () => {
  const result = { data: { changes: { position: 1 } } }
  const first = withEventCursor(result, 'a')
  assert.equal(withEventCursor(result, 'a'), first)
  const other = withEventCursor(result, 'b')
  assert.deepEqual([first, other].map(cursorOfEvent), ['a', 'b'])
  assert.equal(cursorOfEvent(withEventCursor(result, 'a')), 'a')
})

test('a cursor is that of its position and epoch, in whatever order they are asked for', () => {
  const epochs = [crypto.randomUUID(), crypto.randomUUID()]
  const at = (epoch = '', position = 0) =>
    cursor({ at: { epoch, place: { kind: 'TAIL', position } } })
  const places = epochs.flatMap((e) => Array.from({ length: 200 }, (_, n) => [e, n] as const))
  const texts = places.map(([e, n]) => at(e, n))
  assert.equal(new Set(texts).size, places.length)
  for (const [i, [e, n]] of [...places.entries()].reverse()) assert.equal(at(e, n), texts[i])
})
