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

const perMs = 2_000
const max = 40

/** Returns the largest number of times within any length of the rate. */
function mostInAWindow(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b)
  let most = 0
  for (let from = 0, to = 0; to < sorted.length; to++) {
    while ((sorted[to] ?? 0) - (sorted[from] ?? 0) >= perMs) from++
    most = Math.max(most, to - from + 1)
  }
  return most
}

function limiterOf(credential = 'a'): Limiter {
  const definition = { name: 'per 2s', perMs, max, setting: null, path: null }
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

  const start = async () => {
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
    const [first] = await Promise.all([start(), start()])
    await sleep(2_500)
    first?.kill('SIGKILL')
    await start()
    await sleep(2_500)
    await end()
    const times = system.received.map(({ at }) => at)
    assert.ok(mostInAWindow(times) <= max, `${mostInAWindow(times)} of ${max} in a window`)
    // Those of the killed process are lost for a while; the others go on.
    assert.ok(times.length > max, `${times.length} requests`)
  })

  test('is used whole by one process, and handed over to the next with its count', async (t) => {
    t.after(end)
    const windows = 2
    // A busy machine takes a while for each request.
    const slackMs = perMs / 2
    const first = await start()
    await sleep(windows * perMs + slackMs)
    first.kill('SIGTERM')
    await once(first, 'exit')
    await start()
    await sleep(perMs)
    await end()
    const times = system.received.map(({ at }) => at)
    assert.ok(mostInAWindow(times) <= max, `${mostInAWindow(times)} of ${max} in a window`)
    const used = times.filter((at) => at < (times[0] ?? 0) + windows * perMs + slackMs).length
    assert.ok(used >= windows * max, `${used} requests in ${windows} windows`)
    assert.ok(times.length > used, 'the next one asks too')
  })
})

describe('a limiter with a shared rate', () => {
  const acquire = (limiter: Limiter, ms: number) =>
    limiter.acquire('/', AbortSignal.timeout(ms)).then(
      (permit) => permit,
      () => null,
    )

  test('counts what another one has taken, and not what it gave back', async () => {
    const [one, two] = [limiterOf(), limiterOf()]
    for (let n = 0; n < max; n++) (await acquire(one, 500))?.release()
    assert.equal(await acquire(two, 300), null)
    assert.ok(await acquire(two, 2 * perMs), 'after the length of the rate')
    await db.sql`truncate request_slice`
    const [idle, busy] = [limiterOf('b'), limiterOf('b')]
    ;(await acquire(idle, 500))?.release()
    await sleep(1_500)
    let taken = 0
    while (await acquire(busy, 200)) taken++
    assert.ok(taken >= max - 1, `${taken} of the rest`)
  })

  test('of another credential is another rate', async () => {
    for (let n = 0; n < max; n++) (await acquire(limiterOf('c'), 500))?.release()
    assert.ok(await acquire(limiterOf('d'), 300))
  })
})
