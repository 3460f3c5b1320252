import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Limiter } from '../../../connectors/connection/limits/limiter.ts'
import { createRequestRates } from '../../../mdm/connections/requestRates.ts'
import { serve, type TestServer } from '../../connectors/connection/server.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(() => db.sql`truncate request_slice`)
after(() => db?.drop())

const max = 40

/** Returns the largest number of times within any length of the rate. */
function mostInAWindow(times: readonly number[], perMs: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  let most = 0
  for (let from = 0, to = 0; to < sorted.length; to++) {
    while ((sorted[to] ?? 0) - (sorted[from] ?? 0) >= perMs) from++
    most = Math.max(most, to - from + 1)
  }
  return most
}

function limiterOf(credential: string, perMs: number): Limiter {
  const definition = { name: 'per time', perMs, max, setting: null, path: null }
  return new Limiter([definition], () => max, undefined, {
    ...{ rates: createRequestRates(db.sql), credential, answerMsMax: 500 },
  })
}

describe('a rate that processes share', () => {
  let system: TestServer
  let children: ChildProcess[] = []
  before(async () => {
    system = await serve(() => ({ body: {} }))
  })
  beforeEach(() => {
    system.received.length = 0
    children = []
  })
  after(() => system.close())

  const start = async (perMs: number) => {
    const child = fork(new URL('./rateProcess.ts', import.meta.url), {
      env: { ...process.env, DATABASE_URL: db.url, SYSTEM: system.url, RATE: `${max}/${perMs}` },
    })
    children.push(child)
    await once(child, 'message')
    return child
  }
  const end = () =>
    Promise.all(
      children.map(async (child) => {
        child.kill('SIGKILL')
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      }),
    )

  test('is used, and never exceeded, though one of three processes is killed and another begins', async (t) => {
    t.after(end)
    const perMs = 2_000
    const [first] = await Promise.all([start(perMs), start(perMs)])
    await sleep(2_500)
    first?.kill('SIGKILL')
    await start(perMs)
    await sleep(2_500)
    await end()
    const times = system.received.map(({ at }) => at)
    const most = mostInAWindow(times, perMs)
    assert.ok(most <= max, `${most} of ${max} in a window`)
    // Those of the killed process are lost for a while; the others go on.
    assert.ok(times.length > max, `${times.length} requests`)
  })

  test('is used to at least 90 % by one process, and handed over to the next with its count', async (t) => {
    t.after(end)
    const windows = 2
    const perMs = 5_000
    const first = await start(perMs)
    await sleep(windows * perMs)
    first.kill('SIGTERM')
    await once(first, 'exit')
    await start(perMs)
    await sleep(perMs / 2)
    await end()
    const times = system.received.map(({ at }) => at)
    const most = mostInAWindow(times, perMs)
    assert.ok(most <= max, `${most} of ${max} in a window`)
    const used = times.filter((at) => at < (times[0] ?? 0) + windows * perMs).length
    assert.ok(used >= 0.9 * windows * max, `${used} requests in ${windows} windows`)
  })
})

describe('a limiter with a shared rate', () => {
  const acquire = (limiter: Limiter, ms = 20_000) =>
    limiter.acquire('/', AbortSignal.timeout(ms)).then(
      (permit) => permit,
      () => null,
    )
  const taken = async () => {
    const [row] = await db.sql<{ n: number }[]>`
      select coalesce(sum(places), 0)::int as n from request_slice`
    return row?.n
  }

  test('counts what another one of the same credential has taken', async () => {
    const perMs = 60_000
    const [one, two] = [limiterOf('a', perMs), limiterOf('a', perMs)]
    for (let n = 0; n < max; n++) (await acquire(one))?.release()
    assert.equal(await taken(), max)
    assert.equal(await acquire(two, 500), null)
    assert.ok(await acquire(limiterOf('b', perMs)), 'another credential')
    await db.sql`update request_slice set free_at = clock_timestamp()`
    assert.ok(await acquire(limiterOf('a', perMs)))
  })

  test('gives back what it does not use', async () => {
    ;(await acquire(limiterOf('a', 2_000)))?.release()
    assert.equal(await taken(), 2)
    for (let n = 0; n < 1_000 && (await taken()) === 2; n++) await sleep(20)
    assert.ok(Number(await taken()) < 2)
  })
})
