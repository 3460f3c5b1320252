import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Permits } from '../../../mdm/feed/permits.ts'
import {
  nextAttempt,
  retryAfterMs,
  retryAfterMsMax,
  retryAfterMsMin,
  threeDays,
} from '../../../mdm/webhooks/backoff.ts'
import { afterFailure, closed, failuresMax, stateOf } from '../../../mdm/webhooks/breaker.ts'
import { Window } from '../../../mdm/webhooks/window.ts'
import fc from '../../property.ts'

const hour = 3_600_000

test('an event that always fails is tried ten to twenty times, at growing intervals, until the end of three days', () => {
  fc.assert(
    fc.property(
      fc.infiniteStream(fc.double({ min: 0, max: 0.999_999, noNaN: true })),
      (randoms) => {
        const times = [0]
        for (let now = 0; ; ) {
          const random = randoms.next().value ?? 0
          const next = nextAttempt(threeDays, times.length, 0, now, null, random)
          if (next === null) break
          assert.ok(next > now)
          assert.ok(next - now <= 12 * hour * 1.2)
          now = next
          times.push(now)
        }
        assert.ok(times.length >= 10 && times.length <= 20, `${times.length} attempts`)
        assert.equal(times.at(-1), 72 * hour)
        assert.ok((times[1] ?? 0) >= 4_000 && (times[1] ?? 0) <= 6_000)
      },
    ),
  )
})

test('reads Retry-After in seconds or as a date, within its bounds and never past the end of the window', () => {
  const now = Date.UTC(2026, 0, 1)
  assert.equal(retryAfterMs(undefined, now), null)
  assert.equal(retryAfterMs('120', now), 120_000)
  assert.equal(retryAfterMs(new Date(now + 60_000).toUTCString(), now), 60_000)
  assert.equal(retryAfterMs('0', now), retryAfterMsMin)
  assert.equal(retryAfterMs('Thu, 01 Jan 1970 00:00:00 GMT', now), retryAfterMsMin)
  assert.equal(retryAfterMs('9999999999', now), retryAfterMsMax)
  for (const odd of ['soon', '', '-1x', '1e9x', '\u0661'])
    assert.equal(retryAfterMs(odd, now), null, odd)
  assert.equal(nextAttempt(threeDays, 3, 0, 72 * hour - 10, 60_000, 0), 72 * hour)
})

test('the circuit breaker opens after ten failures in a row for 15 s, then twice as long each time, up to 15 min', () => {
  let breaker = closed
  let now = 1_000
  for (let n = 1; n < failuresMax; n++) {
    breaker = afterFailure(breaker, now, null)
    assert.equal(stateOf(breaker, now), 'CLOSED')
  }
  const pauses: number[] = []
  for (let n = 0; n < 8; n++) {
    breaker = afterFailure(breaker, now, null)
    assert.equal(stateOf(breaker, now), 'OPEN')
    const { pausedUntil } = breaker
    // Failures of attempts already in progress change nothing.
    assert.equal(afterFailure(breaker, now, null).pausedUntil, pausedUntil)
    pauses.push((pausedUntil - now) / 1_000)
    now = pausedUntil
    assert.equal(stateOf(breaker, now), 'TRYING')
  }
  assert.deepEqual(pauses, [15, 30, 60, 120, 240, 480, 900, 900])
})

test('a position is saved only once everything up to it is done, in any order of completion', () => {
  const steps = fc.array(fc.record({ wanted: fc.boolean(), pick: fc.nat() }), { maxLength: 200 })
  fc.assert(
    fc.property(steps, (taken) => {
      const window = new Window(0)
      const open: number[] = []
      for (const [i, { wanted, pick }] of taken.entries()) {
        const position = i + 1
        if (wanted) {
          window.add(position)
          open.push(position)
        } else window.pass(position)
        if (pick % 2 === 0 && open.length > 0)
          window.done(open.splice(pick % open.length, 1)[0] ?? 0)
        assert.equal(window.doneUpTo, Math.min(...open, position + 1) - 1)
      }
      for (const position of open.splice(0)) window.done(position)
      assert.equal(window.doneUpTo, taken.length)
      assert.equal(window.length, 0)
    }),
  )
})

test('work that lasts long gives its place to others, and never more than one place', async () => {
  const permits = new Permits(1)
  const order: string[] = []
  let endSlow = () => {}
  const slow = permits.run(
    () =>
      new Promise<void>((done) => {
        order.push('slow begins')
        endSlow = done
      }),
    5,
  )
  await permits.run(async () => void order.push('next'), 5)
  const last = permits.run(async () => {
    endSlow()
    await slow
    order.push('last')
  })
  await Promise.all([last, permits.run(async () => void order.push('after last'))])
  assert.deepEqual(order, ['slow begins', 'next', 'last', 'after last'])
})
