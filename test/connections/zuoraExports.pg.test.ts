import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test'
import type { PulledPage, PullPosition } from '../../connectors/connection/contract.ts'
import type { Fault } from '../../demo/systems/kit/faults.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { empty } from '../fixtures/store.ts'
import { KINDS_WITH_MODELS } from './kindCases.ts'
import { type KindCase, openPulled, type PulledOptions, type PulledSystem } from './pulledSystem.ts'

const hour = 3_600_000
const day = 24 * hour
const never = 10_000 * day

let db: TestDatabase
let files: string
before(async () => {
  db = await testDatabase()
  files = mkdtempSync(join(tmpdir(), 'touchstone-zuora-'))
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`truncate sync_state, sync_run, census_seen, read_hint`
})
after(async () => {
  rmSync(files, { recursive: true })
  await db?.drop()
})

const zuora = KINDS_WITH_MODELS.find((kind) => kind.model.kind === 'zuora')!

/** The kind with jobs for lists that a test can fill, and without their pauses. */
function withSmallJobs(): KindCase {
  const text = readFileSync('connectors/zuora/connection.yaml', 'utf8')
  const definition = join(files, 'connection.yaml')
  const small = text
    .replaceAll('over: 2000', 'over: 8')
    .replaceAll('pageSize: "99"', 'pageSize: "5"')
  writeFileSync(definition, small.replace('every: 5s', 'every: 1ms'))
  const mapping = 'connectors/zuora/mapping.yaml'
  return { ...zuora, files: { definition, mapping }, writesOffsets: true }
}

async function open(t: TestContext, kind: KindCase, options: PulledOptions = {}) {
  const pulled = await openPulled(db.sql, kind, { censusEveryMs: never, ...options })
  t.after(() => pulled.close())
  return pulled
}

const same = async (pulled: PulledSystem) =>
  assert.deepEqual((await pulled.differences()).slice(0, 6), [])

/** Pulls as often as jobs need: to be submitted, looked at, and read. */
async function pullThrice(pulled: PulledSystem) {
  pulled.system.clock.advance(hour)
  for (let n = 0; n < 3; n++) await pulled.pull()
}

const runsOf = async (mode: string) => {
  const [row] = await db.sql<{ count: number }[]>`
    select count(*)::int as count from sync_run where mode = ${mode}`
  return row?.count
}
const stateOf = async (object: string) => {
  const [row] = await db.sql<{ state: string; code: string | null; verdict: string | null }[]>`
    select state, code, verdict from sync_state where object = ${object}`
  return row && { ...row }
}

const FAULTS: readonly [Fault, RegExp | undefined, number][] = [
  [{ kind: 'status', status: 503 }, undefined, 3],
  [{ kind: 'cut', after: 'half' }, /\/v1\/file/, 2],
  [{ kind: 'invalidJson' }, /\/v1\/file/, 2],
  [{ kind: 'status', status: 200 }, /batch-query/, 2],
  [{ kind: 'expired', what: 'cursor' }, /\/v1\/file/, 2],
  [{ kind: 'failedJob' }, undefined, 2],
  [{ kind: 'expired', what: 'token' }, undefined, 1],
]

describe('exports of Zuora', () => {
  for (const aqua of ['deletes', 'all'] as const)
    test(`aqua: ${aqua}: a full load and two days with faults give what the vendor has, without a census`, async (t) => {
      const pulled = await open(t, aqua === 'all' ? withSmallJobs() : zuora, { settings: { aqua } })
      const { system } = pulled
      system.fill(20, 1)
      await pulled.pull()
      await same(pulled)
      for (let n = 1; n <= 2; n++) {
        for (const [fault, where, times] of FAULTS) system.faults.add(fault, where, times)
        system.day(30, n)
        for (let again = 0; again < 3; again++) await pullThrice(pulled)
        await same(pulled)
      }
      assert.ok([...system.state('Account').values()].some((row) => row.deleted))
      for (const met of ['status', 'cut', 'invalidJson', 'failedJob', 'expired'] as const)
        assert.ok(system.faults.met().has(met), met)
      assert.equal(await runsOf('CENSUS'), 0)
      assert.deepEqual(await stateOf('Account'), { state: 'IDLE', code: null, verdict: null })
      assert.deepEqual(system.requests().unknown, [])
      const exceptions = await db.sql`select 1 from outcome where outcome = 'EXCEPTION'`
      assert.equal(exceptions.length, 0)
    })

  test('a user who may not export: object queries go on, the state says why, and a census finds deletions', async (t) => {
    const pulled = await open(t, withSmallJobs(), {
      ...{ settings: { aqua: 'all' }, censusEveryMs: 0 },
      objects: ['Account', 'Contact', 'Invoice'],
    })
    const { system } = pulled
    system.faults.add({ kind: 'forbidden' }, /batch-query/, Number.POSITIVE_INFINITY)
    system.fill(20, 1)
    await pulled.pull()
    await same(pulled)
    const refused = { state: 'IDLE', code: 'PERMISSION_MISSING', verdict: 'FORBIDDEN' }
    assert.deepEqual(await stateOf('Account'), refused)
    const [row] = await db.sql<{ detail: string }[]>`
      select detail from sync_state where object = 'Account'`
    assert.match(row?.detail ?? '', /set aqua: none/)
    system.day(30, 2)
    await pullThrice(pulled)
    assert.deepEqual(await stateOf('Account'), refused)
    await same(pulled)
    assert.ok(((await runsOf('CENSUS')) ?? 0) > 0)
    system.faults.clear()
    system.day(10, 3)
    await pullThrice(pulled)
    await same(pulled)
    assert.deepEqual(await stateOf('Account'), { state: 'IDLE', code: null, verdict: null })
  })

  test('a load that is killed goes on with the same job; one whose job or file is gone begins again', async (t) => {
    const pulled = await open(t, withSmallJobs(), {
      settings: { aqua: 'all' },
      objects: ['Account'],
    })
    const { system, connection } = pulled
    system.fill(20, 1)
    const submitted = () => system.faults.met().get('slow') ?? 0
    system.faults.add({ kind: 'slow', ms: 0 }, /^POST \/v1\/batch-query/, Number.POSITIVE_INFINITY)
    const read = async (from: PullPosition | null, pagesMax = Number.POSITIVE_INFINITY) => {
      const pages: PulledPage[] = []
      for await (const page of connection.pull('Account', from, new AbortController().signal)) {
        pages.push(structuredClone({ ...page, note: undefined }))
        if (pages.length >= pagesMax) break
      }
      return {
        ids: pages.flatMap((p) => p.rows.map((r) => r.id)),
        position: pages.at(-1)!.position,
      }
    }
    const distinct = (ids: string[]) => [...new Set(ids)].sort()
    const all = [...system.state('Account')]
      .filter(([, r]) => !r.deleted)
      .map(([id]) => id)
      .sort()
    // Two pages, of which the second is too much for a list.
    const killed = await read(null, 2)
    assert.deepEqual([killed.ids.length, submitted()], [5, 1])
    assert.deepEqual((await read(killed.position)).ids.sort(), all)
    assert.equal(submitted(), 1)
    // A file is deleted after three days, a job forgotten after half a year.
    for (const ms of [hour, 181 * day]) {
      const { position } = await read(null, 2)
      system.clock.advance(ms)
      if (ms === hour) system.faults.add({ kind: 'expired', what: 'cursor' }, /\/v1\/file/)
      // A list that begins again gives its first rows twice.
      assert.deepEqual(distinct((await read(position)).ids), all)
    }
    assert.equal(submitted(), 5)
  })

  test('what is deleted in the hour that the clocks show twice, or leave out, is found', async (t) => {
    for (const change of ['-11-0', '-03-0']) {
      await empty(db.sql)
      await db.sql`truncate sync_state, sync_run`
      const pulled = await open(t, zuora, {
        objects: ['Account'],
        advance: ({ clock }) =>
          clock.advance(changeOfClocks(clock.now(), change) - 2 * hour - clock.now()),
      })
      const { system } = pulled
      system.fill(20, 1)
      await pulled.pull()
      for (let n = 0; n < 8; n++) {
        const [id] = [...system.state('Account')].find(([, row]) => !row.deleted)!
        system.remove('Account', id)
        system.clock.advance(hour / 2)
        await pulled.pull()
      }
      for (let n = 0; n < 2; n++) await pullThrice(pulled)
      await same(pulled)
      assert.equal(await runsOf('CENSUS'), 0)
      assert.ok([...system.state('Account').values()].filter((row) => row.deleted).length >= 8)
    }
  })

  test('a pause of 40 days: deletions that are forgotten are left to a census, visibly', async (t) => {
    const pulled = await open(t, zuora, { objects: ['Account'], censusEveryMs: 0 })
    const { system } = pulled
    system.fill(20, 1)
    await pulled.pull()
    system.day(40, 2)
    system.clock.advance(40 * day)
    await pulled.pull()
    const { code, verdict } = (await stateOf('Account')) ?? {}
    assert.deepEqual([code, verdict], ['DELETIONS_EXPIRED', 'GONE'])
    await same(pulled)
    await pullThrice(pulled)
    assert.equal((await stateOf('Account'))?.code, null)
  })
})

/** Returns when the clocks of California change next, in a month. */
function changeOfClocks(now: number, month: string): number {
  const offset = (ms: number) =>
    new Intl.DateTimeFormat('en-US', {
      ...{ timeZone: 'America/Los_Angeles', timeZoneName: 'longOffset' },
    }).format(ms)
  for (let at = Math.ceil(now / hour) * hour + day; ; at += hour)
    if (new Date(at).toISOString().includes(month) && offset(at) !== offset(at - hour)) return at
}
