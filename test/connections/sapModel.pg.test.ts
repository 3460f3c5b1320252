import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../database.ts'
import { empty } from '../fixtures/store.ts'
import { KINDS_THAT_WRITE } from './kindCases.ts'
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

/** SAP's own server knows business partners alone: no metadata of the other services is published freely. */
const OBJECTS = ['A_BusinessPartner', 'A_Product', 'A_SalesContract', 'A_SalesQuotation'] as const

describe('the model of SAP', () => {
  test('is read as a whole, and after a day of changes; a quotation is a quote', async (t) => {
    const kind = KINDS_THAT_WRITE.find((k) => k.model.kind === 'sap')
    assert.ok(kind)
    const pulled = await openPulled(
      db.sql,
      // A partner without a role is no customer, so it counts as deleted.
      { ...kind, isGone: (record) => 'BusinessPartner' in record && !isCustomer(record) },
      { objects: [...OBJECTS] },
    )
    t.after(() => pulled.close())
    const { system } = pulled
    const isCustomer = (record: Record<string, unknown>) =>
      system.state('A_BusinessPartnerRole').has(`${String(record.BusinessPartner)}/FLCU01`)
    system.fill(110, 3)
    await pulled.pull()
    assert.deepEqual(await pulled.differences(), [])
    system.day(30, 3)
    await pulled.pull()
    assert.deepEqual(await pulled.differences(), [])
    assert.deepEqual(system.requests().unknown, [])
    const [id = '', row] = [...system.state('A_SalesQuotation')][0] ?? []
    const [quote] = await db.sql<{ canonical: Record<string, unknown> }[]>`
      select canonical from source_record where source = 'sap' and object = 'A_SalesQuotation' and source_id = ${id}`
    const { number, status, total } = quote?.canonical ?? {}
    assert.equal(number, id)
    const words: Record<string, string> = { A: 'Open', B: 'In process', C: 'Completed' }
    assert.equal(
      status,
      new Map(Object.entries(words)).get(String(row?.record.OverallSDProcessStatus)),
    )
    assert.equal(total, Math.round(Number(row?.record.TotalNetAmount) * 100), 'in cents')
  })
})
