import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../database.ts'
import { empty } from '../fixtures/store.ts'
import { KINDS_WITH_MODELS } from './kindCases.ts'
import { openPulled } from './pulledSystem.ts'

// An object that not every system has: the org of this model has switched quotes off.

const kind = KINDS_WITH_MODELS.find(({ model }) => model.kind === 'salesforce')
assert.ok(kind)

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`truncate sync_state, sync_run, census_seen, read_hint`
})
after(async () => await db?.drop())

const states = async () =>
  await db.sql<{ object: string; state: string; code: string | null; detail: string | null }[]>`
    select object, state, code, detail from sync_state order by object`
const without = { kind: 'forbidden' } as const
const quotes = /FROM\+Quote|FROM%20Quote|FROM Quote/

describe('an object that not every system has', () => {
  test('is paused with a reason when its first run is refused; the others are read', async (t) => {
    const pulled = await openPulled(db.sql, kind)
    t.after(() => pulled.close())
    pulled.system.fill(20, 1)
    pulled.system.faults.add(without, quotes, Number.POSITIVE_INFINITY)
    const results = await pulled.pull(1)
    assert.deepEqual(
      [...results].filter(([, { ended }]) => ended !== 'DONE').map(([name, r]) => [name, r.ended]),
      [['Quote', 'ABSENT']],
    )
    const paused = (await states()).filter((s) => s.state !== 'IDLE')
    assert.deepEqual(
      paused.map((s) => [s.object, s.state, s.code]),
      [['Quote', 'PAUSED', 'OBJECT_NOT_THERE']],
    )
    assert.match(paused[0]?.detail ?? '', /sync resume salesforce --object Quote/)
  })

  test('fails as any other when it was there before', async (t) => {
    const pulled = await openPulled(db.sql, kind)
    t.after(() => pulled.close())
    pulled.system.fill(20, 1)
    await pulled.pull()
    pulled.system.faults.add(without, quotes, Number.POSITIVE_INFINITY)
    const results = await pulled.pull(1)
    assert.equal(results.get('Quote')?.ended, 'FAILED')
    const failed = (await states()).filter((s) => s.state === 'FAILED')
    assert.deepEqual(
      failed.map((s) => s.object),
      ['Quote'],
    )
  })
})
