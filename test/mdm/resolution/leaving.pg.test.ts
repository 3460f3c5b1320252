import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { applyRecords, done, key, person } from '../../fixtures/steward.ts'
import { directPipeline, empty } from '../../fixtures/store.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(async () => await empty(db.sql))
after(async () => await db?.drop())

const contact = {
  phones: ['+494030123456'],
  domains: ['muster.example'],
  billingAddress: {
    ...{ street: 'Hafenstraße 1', city: 'Hamburg', postcode: '20457', country: 'DE' },
  },
}
const taxIds = ['DE136695976']
/** The CRM has no tax id of the company; billing and ERP have. */
const crm = (name: string, version = 1) => ({
  ...{ source: 'crm', id: 'C', version, fields: { name, ...contact } },
})
const billing = { source: 'billing', id: 'B', fields: { name: 'Muster GmbH', ...contact, taxIds } }
const erp = { source: 'erp', id: 'E', fields: { name: 'Muster GmbH', ...contact, taxIds } }
const another = { source: 'success', id: 'S', fields: { name: 'Muster AG', ...contact } }
const ada = person('ada', 'steward')

async function goldenIds(): Promise<Record<string, string | null>> {
  const rows = await db.sql<{ source: string; golden: string | null }[]>`
    select source, golden_id as golden from source_record`
  return Object.fromEntries(rows.map((r) => [r.source, r.golden]))
}

async function splits(): Promise<{ subject: string[]; reason: string }[]> {
  return (
    await db.sql<{ subject: string[]; reason: string }[]>`
      select subject, reason from task where kind = 'SPLIT' and state = 'OPEN'`
  ).map(({ subject, reason }) => ({ subject, reason }))
}

describe('a company that its CRM renames from GmbH to AG', () => {
  for (const order of ['crm first', 'billing first'])
    test(`leaves its golden record with a task that names the record and the field: ${order}`, async () => {
      const first = order === 'crm first' ? [crm('Muster GmbH')] : [billing, erp]
      const second = order === 'crm first' ? [billing, erp] : [crm('Muster GmbH')]
      await applyRecords(db.sql, first)
      await applyRecords(db.sql, second)
      assert.equal(new Set(Object.values(await goldenIds())).size, 1)
      await applyRecords(db.sql, [crm('Muster AG', 2)])
      const ids = await goldenIds()
      assert.notEqual(ids.crm, ids.billing)
      assert.equal(ids.billing, ids.erp)
      assert.deepEqual(await splits(), [
        {
          subject: [String(ids.crm), String(ids.billing)].sort(),
          reason: 'split by a changed value: crm Customer C (name)',
        },
      ])
      // One action keeps them together, also when the others are renamed later.
      const both = [String(ids.crm), String(ids.billing)]
      await done(directPipeline(db.sql), ada, { kind: 'MERGE', ids: both, choices: [] })
      assert.deepEqual(await splits(), [])
      await applyRecords(db.sql, [
        { ...erp, version: 2, fields: { ...erp.fields, name: 'Muster AG' } },
      ])
      assert.equal(new Set(Object.values(await goldenIds())).size, 1)
      assert.deepEqual(await splits(), [])
    })

  test('is a task too where it joins another golden record', async () => {
    await applyRecords(db.sql, [billing, erp, crm('Muster GmbH')])
    await applyRecords(db.sql, [another])
    const before = await goldenIds()
    assert.notEqual(before.success, before.crm)
    await applyRecords(db.sql, [crm('Muster AG', 2)])
    const ids = await goldenIds()
    assert.equal(ids.crm, ids.success)
    assert.deepEqual(await splits(), [
      {
        subject: [String(ids.crm), String(ids.billing)].sort(),
        reason: 'split by a changed value: crm Customer C (name)',
      },
    ])
    // Back to the others, and away from the one that it joined.
    await done(directPipeline(db.sql), ada, {
      ...{ kind: 'ATTACH', record: key('crm', 'C'), to: String(ids.billing) },
    })
    const attached = await goldenIds()
    assert.equal(attached.crm, attached.billing)
    assert.notEqual(attached.crm, attached.success)
    assert.deepEqual(await splits(), [])
  })

  test('is together again, without a task, once the others are renamed', async () => {
    await applyRecords(db.sql, [billing, erp, crm('Muster GmbH')])
    await applyRecords(db.sql, [crm('Muster AG', 2)])
    assert.equal((await splits()).length, 1)
    const renamed = [billing, erp].map((r) => ({
      ...{ ...r, version: 2, fields: { ...r.fields, name: 'Muster AG' } },
    }))
    await applyRecords(db.sql, renamed)
    assert.equal(new Set(Object.values(await goldenIds())).size, 1)
    assert.deepEqual(await splits(), [])
  })

  test('has no task where it never was with the others', async () => {
    await applyRecords(db.sql, [billing, erp, crm('Muster AG')])
    const ids = await goldenIds()
    assert.notEqual(ids.crm, ids.billing)
    assert.deepEqual(await splits(), [])
  })
})

test('a record that moves between two golden records of others is a task', async () => {
  // Its own id is never a golden id, and both golden records stay: only UPDATED and SPLIT are events.
  await applyRecords(db.sql, [
    { source: 'billing', id: 'B', fields: { name: 'North Freight GmbH', taxIds } },
    { source: 'erp', id: 'E', fields: { name: 'Casa Lupo S.r.l.', taxIds: ['IT00743110157'] } },
  ])
  await applyRecords(db.sql, [
    { source: 'crm', id: 'C', fields: { name: 'North Freight GmbH', taxIds } },
  ])
  await applyRecords(db.sql, [
    {
      ...{ source: 'crm', id: 'C', version: 2 },
      fields: { name: 'Casa Lupo S.r.l.', taxIds: ['IT00743110157'] },
    },
  ])
  const ids = await goldenIds()
  assert.equal(ids.crm, ids.erp)
  assert.deepEqual(await splits(), [
    {
      subject: [String(ids.crm), String(ids.billing)].sort(),
      reason: 'split by a changed value: crm Customer C (name, taxIds)',
    },
  ])
})
