import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SlowReaderGuard } from '../../../gateway/http/slowReaderGuard.ts'

test('sums what waits when much more of it waits, not for each message of a slow client', () => {
  const guard = new SlowReaderGuard({ bytesMax: 16_000 })
  const closed: string[] = []
  let sums = 0
  const first = {
    bytes: () => {
      sums++
      return 100
    },
    close: () => closed.push('first'),
  }
  guard.wait(first)
  sums = 0
  let bytes = 900
  const slow = { bytes: () => bytes, close: () => closed.push('slow') }
  for (let n = 0; n < 90; n++) {
    guard.wait(slow)
    bytes++
  }
  assert.ok(sums <= 2, `${sums} sums of all clients for 990 bytes`)
  bytes = 16_000
  guard.wait(slow)
  assert.deepEqual(closed, ['first'], 'the client that waits longest')
  guard.forget(slow)
  bytes = 32_000
  guard.wait({ bytes: () => 1, close: () => closed.push('third') })
  assert.deepEqual(closed, ['first'])
})
