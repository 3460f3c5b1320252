import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Backoff } from '../../../schema/kit/backoff.ts'
import { withDeadline } from '../../../schema/kit/deadline.ts'
import { WakeableSleep } from '../../../schema/kit/wakeableSleep.ts'

describe('backoff', () => {
  test('doubles up to the maximum, and begins again after a success', () => {
    const backoff = new Backoff(100, 350)
    assert.deepEqual(
      [1, 1, 1, 1].map((random) => backoff.next(random)),
      [100, 200, 350, 350],
    )
    backoff.reset()
    assert.equal(backoff.next(1), 100)
  })

  test('leaves half of a pause to chance', () => {
    const backoff = new Backoff(100, 100)
    assert.equal(backoff.next(0), 50)
    for (let i = 0; i < 100; i++) {
      const ms = backoff.next()
      assert.ok(ms >= 50 && ms < 100, String(ms))
    }
  })
})

describe('a deadline', () => {
  const never = new Promise<string>(() => {})

  test('passes on what the work returns or throws in time', async () => {
    assert.equal(await withDeadline(Promise.resolve('done'), 1_000, () => 'late'), 'done')
    await assert.rejects(
      withDeadline(Promise.reject(new Error('failed')), 1_000, () => 'late'),
      /failed/,
    )
  })

  test('passes on what late returns or throws after it', async () => {
    assert.equal(await withDeadline(never, 5, () => 'late'), 'late')
    const late = (): string => {
      throw new Error('too late')
    }
    await assert.rejects(withDeadline(never, 5, late), /too late/)
  })

  test('leaves no unhandled rejection behind when the work fails after it', async () => {
    const work = sleep(20).then((): string => {
      throw new Error('failed later')
    })
    assert.equal(await withDeadline(work, 5, () => 'late'), 'late')
    await sleep(40)
  })
})

describe('a wakeable sleep', () => {
  test('ends when it is woken, also when the wake came before it', { timeout: 5_000 }, async () => {
    const pause = new WakeableSleep()
    setTimeout(pause.wake, 5)
    await pause.sleep(60_000)
    await pause.sleep(60_000)
    assert.equal(pause.woken, true)
  })

  test('lasts its time when the wakes before it were cleared', async () => {
    const pause = new WakeableSleep()
    pause.wake()
    pause.clear()
    const began = performance.now()
    await pause.sleep(20)
    assert.ok(performance.now() - began >= 15)
  })
})
