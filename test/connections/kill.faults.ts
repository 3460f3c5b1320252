import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from '../connectors/fixture.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { empty } from '../fixtures/store.ts'
import { seeded } from '../mdm/feed/world.ts'
import { firstSeed } from '../property.ts'
import { KINDS_WITH_MODELS } from './kindCases.ts'
import { openPulled } from './pulledSystem.ts'

// A process reads the model of each vendor and is killed at random moments, again and again. At the
// end the program itself goes on from there.

const kills = Number(process.env.TOUCHSTONE_KIND_KILLS ?? 1)
/** The long run has all kinds. */
const only = (process.env.TOUCHSTONE_KINDS ?? 'stripe').split(',')
const kinds = KINDS_WITH_MODELS.map((k) => k.model.kind)
const unknown = only.find((name) => name !== 'all' && !kinds.includes(name))
if (unknown !== undefined)
  throw new Error(`TOUCHSTONE_KINDS: "${unknown}" is none of ${kinds.join(', ')}`)
/** Several pages of each object. */
const records = 230

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`truncate sync_state, sync_run, census_seen`
})
after(() => db?.drop())

for (const kind of KINDS_WITH_MODELS) {
  const name = kind.model.kind
  if (!only.includes('all') && !only.includes(name)) continue
  test(`${name}: the store has what the vendor has after ${kills} kills (seed ${firstSeed})`, async (t) => {
    const random = seeded(firstSeed)
    const pulled = await openPulled(db.sql, kind)
    t.after(() => pulled.close())
    pulled.system.fill(records, 1)
    // So a page takes long enough to be killed within.
    pulled.system.faults.add({ kind: 'slow', ms: 15 }, undefined, Number.POSITIVE_INFINITY)
    const start = (program: string, ...args: string[]) =>
      spawn(process.execPath, [join(root, program), ...args, name], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: {
          ...process.env,
          ...pulled.env,
          DATABASE_URL: db.url,
          TOUCHSTONE_SOURCES: pulled.sources,
        },
      })
    const stored = async () => {
      const [row] = await db.sql<{ n: number }[]>`select count(*)::int as n from inbox`
      return row?.n ?? 0
    }
    const running = async () => {
      const [row] = await db.sql<{ n: number }[]>`
        select count(*)::int as n from sync_run where state = 'RUNNING'`
      return row !== undefined && row.n > 0
    }
    const connected = async () => {
      const [row] = await db.sql<{ n: number }[]>`
        select count(*)::int as n from pg_stat_activity
        where datname = current_database() and application_name = 'test-pull'`
      return row?.n ?? 0
    }
    const ended = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null
    let met = 0
    let again = 0
    while (met < kills) {
      const before = await stored()
      const child = start('test/connections/pullProgram.ts')
      const exit = once(child, 'exit')
      while (!ended(child) && (await stored()) === before) await sleep(10)
      await sleep(random() * 400)
      child.kill('SIGKILL')
      await exit
      // What it had sent to the database is done, or undone.
      while ((await connected()) > 0) await sleep(5)
      if (child.signalCode === null) assert.equal(child.exitCode, 0)
      if (!(await running())) {
        // It was complete, or between two objects: from the beginning.
        again++
        await empty(db.sql)
        await db.sql`truncate sync_state, sync_run, census_seen`
        continue
      }
      met++
      // In production 30 s pass here: the lease of the killed process expires.
      await db.sql`update sync_state set leased_until = null`
    }
    pulled.system.faults.clear()
    const last = start('bin/touchstone.js', 'sync', 'run')
    const [code] = await once(last, 'exit')
    assert.equal(code, 0)
    const [doubled] = await db.sql<{ n: number }[]>`
      select count(*)::int as n from (
        select body from inbox group by source, object, body having count(*) > 1) d`
    assert.equal(doubled?.n, 0, 'no row is stored twice')
    await pulled.pull()
    assert.deepEqual((await pulled.differences()).slice(0, 6), [])
    const [lost] = await db.sql<{ n: number }[]>`
      select count(*)::int as n from sync_run where state = 'LOST'`
    assert.ok(lost && lost.n > 0, 'runs were lost')
    t.diagnostic(`${kills} kills, ${again} of them from the beginning`)
    assert.deepEqual(pulled.system.requests().unknown, [])
  })
}
