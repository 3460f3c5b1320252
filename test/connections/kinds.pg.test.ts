import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Fault } from '../../demo/systems/kit/faults.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { empty } from '../fixtures/store.ts'
import { KINDS_WITH_MODELS } from './kindCases.ts'
import { operationalDifferences } from './operationalCases.ts'
import { openPulled } from './pulledSystem.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`truncate sync_state, sync_run, census_seen, read_hint`
})
after(async () => await db?.drop())

const FAULTS: readonly [Fault, number][] = [
  [{ kind: 'status', status: 503 }, 2],
  [{ kind: 'status', status: 429, retryAfterSeconds: 0 }, 2],
  [{ kind: 'cut', after: 'nothing' }, 1],
  [{ kind: 'cut', after: 'half' }, 1],
  [{ kind: 'invalidJson' }, 1],
  // Met only where a request carries one.
  [{ kind: 'expired', what: 'cursor' }, 1],
  [{ kind: 'expired', what: 'token' }, 1],
]
const records = Number(process.env.TOUCHSTONE_PULL_RECORDS ?? 20)
const only = process.env.TOUCHSTONE_KINDS?.split(',')

for (const kind of KINDS_WITH_MODELS) {
  if (only && !only.includes('all') && !only.includes(kind.model.kind)) continue
  describe(`${kind.model.kind} against its model`, () => {
    test('the store has what the vendor has: after a full load, and after a day with faults', async (t) => {
      const pulled = await openPulled(db.sql, kind)
      t.after(() => pulled.close())
      const { system } = pulled
      system.fill(records, 1)
      await pulled.pull()
      assert.deepEqual((await pulled.differences()).slice(0, 6), [])
      assert.deepEqual((await pulled.rereadDifferences()).slice(0, 20), [])
      const typed = async () =>
        (await operationalDifferences(db.sql, kind.model.kind, pulled)).slice(0, 10)
      assert.deepEqual(await typed(), [])
      assert.deepEqual(system.requests().unknown, [])
      for (let day = 1; day <= 2; day++) {
        for (const [fault, times] of FAULTS) system.faults.add(fault, undefined, times)
        system.day(records, day)
        await pulled.pull()
        system.clock.advance(3_600_000)
        await pulled.pull()
        assert.deepEqual((await pulled.differences()).slice(0, 6), [], `day ${day}`)
      }
      assert.deepEqual(await typed(), [])
      assert.deepEqual(system.requests().unknown, [])
      for (const met of ['status', 'cut', 'invalidJson'] as const)
        assert.ok(system.faults.met().has(met), `a fault of the kind ${met} was met`)
      const [exceptions] = await db.sql<{ count: number }[]>`
        select count(*)::int as count from outcome where outcome = 'EXCEPTION'`
      assert.equal(exceptions?.count, 0)
    })
  })
}
