import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../database.ts'
import { emptyAll } from '../mdm/writeback/shopRun.ts'
import fc from '../property.ts'
import { FIELDS, type NetworkSetting, runNetwork } from './I11database.ts'
import { silentAfterWrites } from './I11network.ts'

// I11 with everything that the product has: matching, survivorship, echoes, creates and the writer on
// Postgres. The systems are in this process.

const networks = Number(process.env.TOUCHSTONE_I11_DB_NETWORKS ?? 8)
const budgetMs = Number(process.env.TOUCHSTONE_I11_DB_SECONDS ?? 86_400) * 1_000

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

const field = fc.constantFrom(...FIELDS)
const network: fc.Arbitrary<NetworkSetting> = fc.record({
  systems: fc.array(
    fc.record({
      role: fc.constantFrom('CRM', 'BILLING', 'ERP', 'SUCCESS'),
      update: fc.option(fc.subarray([...FIELDS], { minLength: 1 }), { freq: 4 }),
      creates: fc.boolean(),
      reverts: fc.option(field, { freq: 1 }),
      isPoor: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
    }),
    { minLength: 2, maxLength: 6 },
  ),
  edits: fc.array(
    fc.record({
      system: fc.nat(5),
      thing: fc.nat(2),
      field,
      empties: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
      next: fc.constantFrom('NOTHING', 'PLAN', 'WRITE'),
    }),
    { minLength: 3, maxLength: 10 },
  ),
  faultEvery: fc.constantFrom(0, 3, 5),
})

test('I11 on Postgres: golden records are the same with write-back and without, nothing is created twice, systems fall silent', async () => {
  let [runs, writes, most] = [0, 0, 0]
  try {
    await fc.assert(
      fc.asyncProperty(network, async (setting) => {
        await emptyAll(db.sql)
        const alone = await runNetwork(db.sql, setting, false)
        await emptyAll(db.sql)
        const result = await runNetwork(db.sql, setting, true)
        assert.ok(result.isSilent, 'the systems go on for ever')
        assert.deepEqual(result.goldens, alone.goldens)
        assert.equal(result.doubled, 0, 'a record was created twice')
        assert.ok(result.fieldWritesMax <= silentAfterWrites, `${result.fieldWritesMax} writes`)
        runs++
        writes += result.writes
        most = Math.max(most, result.fieldWritesMax)
      }),
      { numRuns: networks, interruptAfterTimeLimit: budgetMs, endOnFailure: true },
    )
  } finally {
    console.log(
      `${runs} networks, ${writes} writes, at most ${most} of one field after the last edit`,
    )
  }
})
