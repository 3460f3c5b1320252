import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lazily } from '../../../schema/kit/lazily.ts'

test('makes a value at the first call, and once, also if it is undefined', () => {
  let calls = 0
  const value = lazily(() => {
    calls++
    return undefined
  })
  assert.equal(calls, 0)
  value()
  value()
  assert.equal(calls, 1)
})

test('tries again to make a value whose making failed', () => {
  let calls = 0
  const value = lazily(() => {
    calls++
    if (calls === 1) throw new Error('not yet')
    return calls
  })
  assert.throws(value, /not yet/)
  assert.equal(value(), 2)
  assert.equal(value(), 2)
})
