import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { directPipeline, drain, empty, send } from '../../fixtures/store.ts'

let db: TestDatabase
let pipeline: Pipeline
before(async () => {
  db = await testDatabase()
  pipeline = directPipeline(db.sql)
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`truncate write_due, write_intent, write_target, written_value`
})
after(async () => await db?.drop())

let version = 0
/** States a customer in a source system; its tax number makes records of one match. */
async function state(source: string, id: string, fields: Record<string, unknown>): Promise<void> {
  const message = { type: 'Customer', id, version: ++version * 1_000_000, fields }
  await send(db.sql, [{ source, message }])
  await drain(pipeline)
}

const ada = { name: 'Ada Lovelace Ltd', taxIds: ['DE129273398'] }

async function writeTo(source: string): Promise<void> {
  await db.sql`insert into write_target (source, version, registered_by) values (${source}, 'v1', 0)`
}

async function due(): Promise<number> {
  const [row] = await db.sql<{ n: number }[]>`
    with taken as (delete from write_due returning golden_id)
    select count(distinct golden_id)::int as n from taken`
  return row?.n ?? 0
}

describe('a golden record is due', () => {
  test('for no write where no source system is written to', async () => {
    await state('erp', '1', ada)
    assert.equal(await due(), 0)
  })

  test('after a change of its own, and of its record in a target', async () => {
    await writeTo('billing')
    await state('erp', '1', ada)
    await state('billing', '1', { ...ada, name: 'Ada Lovelace Limited' })
    assert.equal(await due(), 1)
    await state('billing', '1', { ...ada, name: 'Ada Lovelace' })
    assert.equal(await due(), 1, 'the name is owned by the ERP, so the golden record is the same')
    await state('crm', '1', { ...ada, accountOwner: 'Eve' })
    assert.equal(await due(), 1)
    await state('crm', '1', { ...ada, name: 'Ada', accountOwner: 'Eve' })
    assert.equal(await due(), 0, 'the CRM is not written to')
  })
})
