import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Limiter } from '../../../connectors/connection/limits/limiter.ts'
import { placesHeldMsMax } from '../../../connectors/connection/limits/sharedPlaces.ts'
import type { SharedRates } from '../../../connectors/connection/limits/sharedRates.ts'
import { createRequestRates } from '../../../mdm/connections/requestRates.ts'
import { serve, type TestServer } from '../../connectors/connection/server.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(() => db.sql`truncate request_slice, request_place`)
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

function limiterOf(
  credential: string,
  perMs: number | null,
  rates: SharedRates = createRequestRates(db.sql),
): Limiter {
  const definition = { name: 'a limit', perMs, max, setting: null, path: null }
  return new Limiter([definition], () => max, undefined, {
    ...{ rates, credential, answerMsMax: 500 },
  })
}

const acquire = (limiter: Limiter, ms = 20_000) =>
  limiter.acquire('/', AbortSignal.timeout(ms)).then(
    (permit) => permit,
    () => null,
  )

let system: TestServer
/** What the system does with a request before it answers. */
let work: (pid: string) => Promise<unknown> | undefined
let children: ChildProcess[] = []
before(async () => {
  system = await serve(async ({ path }) => {
    await work(path.slice(1))
    return { body: {} }
  })
})
beforeEach(() => {
  work = () => undefined
  system.received.length = 0
  children = []
})
after(() => system.close())

async function start(limit: string): Promise<ChildProcess> {
  const child = fork(new URL('./rateProcess.ts', import.meta.url), {
    env: { ...process.env, DATABASE_URL: db.url, SYSTEM: system.url, LIMIT: limit },
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

describe('a rate that processes share', () => {
  test('is used, and never exceeded, though one of three processes is killed and another begins', async (t) => {
    t.after(end)
    const perMs = 2_000
    const [first] = await Promise.all([start(`${max}/${perMs}`), start(`${max}/${perMs}`)])
    await sleep(2_500)
    first?.kill('SIGKILL')
    await start(`${max}/${perMs}`)
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
    const first = await start(`${max}/${perMs}`)
    await sleep(windows * perMs)
    first.kill('SIGTERM')
    await once(first, 'exit')
    await start(`${max}/${perMs}`)
    await sleep(perMs / 2)
    await end()
    const times = system.received.map(({ at }) => at)
    const most = mostInAWindow(times, perMs)
    assert.ok(most <= max, `${most} of ${max} in a window`)
    const used = times.filter((at) => at < (times[0] ?? 0) + windows * perMs).length
    assert.ok(used >= 0.9 * windows * max, `${used} requests in ${windows} windows`)
  })
})

describe('requests at one time that processes share', () => {
  /** Counts the requests that the system works at: how many in all, the most at once, by process. */
  const count = (workMs: number) => {
    const counted = { running: 0, most: 0, of: new Map<string, number>() }
    work = async (pid) => {
      counted.most = Math.max(counted.most, ++counted.running)
      counted.of.set(pid, (counted.of.get(pid) ?? 0) + 1)
      await sleep(workMs)
      counted.running--
    }
    return counted
  }

  test('are never more than the limit; a killed process gives its places back', async (t) => {
    t.after(end)
    const counted = count(20)
    const limit = 4
    const [one, two, three] = await Promise.all([start('4'), start('4'), start('4')])
    await sleep(5_000)
    const each = [one, two, three].map((child) => counted.of.get(`${child.pid}`) ?? 0)
    assert.ok(Math.min(...each) > 20, `requests of each: ${each}`)
    assert.equal(counted.most, limit)
    one.kill('SIGKILL')
    two.kill('SIGKILL')
    await Promise.all([once(one, 'exit'), once(two, 'exit')])
    const killedAt = performance.now()
    await sleep(100)
    assert.ok(counted.running < limit, 'places of the killed ones count for a while')
    const waitMs = 1_000 + placesHeldMsMax + 5_000
    while (counted.running < limit && performance.now() - killedAt < waitMs) await sleep(5)
    assert.equal(counted.running, limit, 'the last one has all places')
    assert.equal(counted.most, limit)
  })

  test('go round where there are more processes than places', async (t) => {
    t.after(end)
    const counted = count(20)
    await Promise.all([start('1'), start('1'), start('1')])
    for (let n = 0; n < 1_000 && counted.of.size < 3; n++) await sleep(20)
    assert.equal(counted.of.size, 3)
    assert.equal(counted.most, 1)
  })

  test('are given back by a process that ends', async (t) => {
    t.after(end)
    const first = await start('1')
    for (let n = 0; n < 500 && system.received.length === 0; n++) await sleep(20)
    first.kill('SIGTERM')
    await once(first, 'exit')
    const [row] = await db.sql`select count(*)::int as n from request_place`
    assert.equal(row?.n, 0)
  })

  test('are asked for once a second, not once a request', async () => {
    const calls = { hold: 0 }
    const rates = createRequestRates(db.sql)
    const counting: SharedRates = {
      ...rates,
      hold: (...parts) => {
        calls.hold++
        return rates.hold(...parts)
      },
    }
    const limiter = limiterOf('a', null, counting)
    const began = performance.now()
    for (let n = 0; n < 5_000; n++) (await acquire(limiter))?.release()
    assert.ok(calls.hold <= 2 + (performance.now() - began) / 1_000, `${calls.hold} for 5000`)
    await rates.close()
  })
})

describe('a limiter with a shared rate', () => {
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
