import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { asyncStream } from '../../../schema/kit/asyncStream.ts'

describe('an async stream', () => {
  test('gives what next gives, and ends its source when the reader leaves', async () => {
    let n = 0
    let ended = 0
    const numbers = asyncStream(
      async () => ({ done: false, value: ++n }),
      async () => ended++,
    )
    const read: number[] = []
    for await (const value of numbers) if (read.push(value) === 3) break
    assert.deepEqual([read, ended], [[1, 2, 3], 1])
  })

  test('returns at once while a next is pending', { timeout: 5_000 }, async () => {
    const { promise, resolve } = Promise.withResolvers<IteratorResult<number, undefined>>()
    const waiting = asyncStream(
      () => promise,
      () => void resolve({ done: true, value: undefined }),
    )
    const pending = waiting.next()
    assert.deepEqual(await waiting.return?.(), { done: true, value: undefined })
    assert.deepEqual(await pending, { done: true, value: undefined })
  })

  test('ends its source and throws what was thrown into it', async () => {
    let ended = false
    const stream = asyncStream<number>(
      async () => ({ done: true, value: undefined }),
      async () => {
        ended = true
      },
    )
    await assert.rejects(async () => await stream.throw?.(new Error('thrown in')), /thrown in/)
    assert.ok(ended)
  })
})
