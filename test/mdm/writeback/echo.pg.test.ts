import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { transaction } from '../../../mdm/db/transaction.ts'
import { remap } from '../../../mdm/ingest/remap.ts'
import { replay } from '../../../mdm/ingest/replay.ts'
import { checkRebuild } from '../../../mdm/policy/rebuild.ts'
import { heldRaw } from '../../../mdm/writeback/heldRaw.ts'
import {
  confirmWritten,
  loadWritten,
  saveWritten,
  withdrawWritten,
} from '../../../mdm/writeback/writtenValues.ts'
import { recordKey } from '../../../schema/recordKey.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import type { DirectMessage } from '../../fixtures/directSource.ts'
import { directPipeline, drain, empty, send } from '../../fixtures/store.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db.drop())

const key = recordKey('crm', 'Customer', '1')
const name = 'Nordwind Logistik GmbH'

function customer(version: number, fields: Record<string, unknown>, more = {}) {
  const message: DirectMessage = {
    type: 'Customer',
    id: '1',
    version: version * 1e6,
    fields: { name, ...fields },
    ...more,
  }
  return { source: 'crm', message }
}

async function stored() {
  const [row] = await db.sql<{ raw: Record<string, unknown>; version: number; values: object }[]>`
    select r.raw, r.version, g.values from source_record r join golden g on g.id = r.golden_id where r.key = ${key}`
  assert.ok(row)
  return row
}

const changes = async () => (await db.sql`select position from change`).length

test('a value that comes back after a write changes no record, no golden record and no stamp', async () => {
  await empty(db.sql)
  await db.sql`truncate written_value, written_record`
  const pipeline = directPipeline(db.sql)
  await send(db.sql, [customer(10, { paymentTerms: 'NET30' })])
  await drain(pipeline)
  const before = await stored()
  await transaction(db.sql, (tx) =>
    saveWritten(tx, {
      intentId: 7,
      goldenId: key,
      source: 'crm',
      object: 'Customer',
      sourceId: '1',
      values: { paymentTerms: 'NET14', jobTitle: null },
    }),
  )
  await transaction(db.sql, (tx) => confirmWritten(tx, 7, '1'))
  const written = async () =>
    (await transaction(db.sql, (tx) => loadWritten(tx, [key]))).get(key) ?? []
  assert.deepEqual(heldRaw(before.raw, await written()), {
    name,
    paymentTerms: 'NET14',
    jobTitle: null,
  })
  const events = await changes()
  await send(db.sql, [customer(20, { paymentTerms: 'NET14' })])
  assert.deepEqual(await drain(pipeline), { applied: 0, skipped: 1, exceptions: 0 })
  const [outcome] =
    await db.sql`select outcome, code, detail from outcome order by inbox_id desc limit 1`
  assert.deepEqual(
    { ...outcome },
    {
      outcome: 'SKIPPED',
      code: 'ECHO',
      detail: 'it states what was written to the system, and nothing else is new',
    },
  )
  assert.deepEqual([await stored(), await changes()], [before, events])
  assert.deepEqual(
    (await written()).map((w) => [w.path, w.state, w.since, typeof w.appliedAt]),
    [
      ['jobTitle', 'SEEN', 10e6, 'number'],
      ['paymentTerms', 'SEEN', 10e6, 'number'],
    ],
  )

  // A late own change between the write and the echo, then replay and remap: the same result.
  await send(db.sql, [customer(15, { paymentTerms: 'NET60' })])
  await drain(pipeline)
  const late = await stored()
  assert.deepEqual([late.raw.paymentTerms, late.version], ['NET60', 15e6])
  const options = { source: 'crm', from: null, to: null, after: 0, actor: 'a', reason: 'r' }
  await replay(db.sql, options)
  await drain(pipeline)
  await remap(pipeline, 'crm')
  assert.deepEqual(await stored(), late)
  assert.deepEqual((await checkRebuild(db.sql, pipeline)).differences, [])

  // Another value is the system's own, and so is the written one when it is typed later.
  await send(db.sql, [customer(30, { paymentTerms: 'NET7' })])
  await drain(pipeline)
  assert.equal((await stored()).raw.paymentTerms, 'NET7')
  await send(db.sql, [customer(40, { paymentTerms: 'NET14' })])
  await drain(pipeline)
  const typed = await stored()
  assert.deepEqual([typed.raw.paymentTerms, typed.version], ['NET14', 40e6])
})

test('a write that was not applied leaves no trace', async () => {
  await empty(db.sql)
  await db.sql`truncate written_value, written_record`
  const pipeline = directPipeline(db.sql)
  await send(db.sql, [customer(10, {})])
  await drain(pipeline)
  const write = {
    intentId: 8,
    goldenId: key,
    source: 'crm',
    object: 'Customer',
    sourceId: '1',
    values: { paymentTerms: 'NET14' },
  }
  await transaction(db.sql, (tx) => saveWritten(tx, write))
  await transaction(db.sql, (tx) => saveWritten(tx, write))
  await transaction(db.sql, (tx) => withdrawWritten(tx, 8))
  await send(db.sql, [customer(20, { paymentTerms: 'NET14' })])
  assert.equal((await drain(pipeline)).applied, 1)
  assert.equal((await stored()).raw.paymentTerms, 'NET14')
})
