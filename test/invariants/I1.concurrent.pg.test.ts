import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { LOCK, lockNumber } from '../../mdm/db/locks.ts'
import { applyPending } from '../../mdm/ingest/pipeline.ts'
import { checkRebuild } from '../../mdm/policy/rebuild.ts'
import { recordKey } from '../../schema/recordKey.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { directPipeline, drain, empty, send } from '../fixtures/store.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase({ connectionsMax: 6 })
})
after(async () => await db.drop())

const customer = (source: string, name: string, fields: Record<string, unknown>) => ({
  source,
  message: { type: 'Customer', id: name, version: 1e6, fields: { name, ...fields } },
})
const taxId = { taxIds: ['DE136695976'] }
const phone = { phones: ['+4930123456'] }

test('I1: a link is removed with its last two keys when two concurrent transactions saturate one each', async () => {
  const { sql } = db
  const pipeline = directPipeline(sql, 2)
  await send(sql, [
    customer('crm', 'Alder Forest', { ...taxId, ...phone }),
    customer('erp', 'Birch Meadow', { ...taxId, ...phone }),
  ])
  await drain(pipeline)
  assert.equal((await sql`select from link`).length, 1)

  await send(sql, [
    customer('billing', 'Cedar Hill', taxId),
    customer('success', 'Dogwood Lake', phone),
  ])
  const waiting = await sql<{ id: number }[]>`select inbox_id as id from pending order by 1`
  // Both have decided when they reach the head of the feed, and neither has committed.
  const gate = await sql.reserve()
  await gate`begin`
  await gate`select from feed_head for update`
  const both = Promise.all(waiting.map(({ id }) => applyPending(pipeline, 1, [id])))
  // This query does not use `gate`: within its transaction the result would not change.
  const held = () =>
    sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  while ((await held()).length < 2) await sleep(20)
  await gate`commit`
  gate.release()
  assert.deepEqual(
    (await both).map((a) => a.applied),
    [1, 1],
  )

  assert.deepEqual([...(await sql`select a, b from link`)], [])
  assert.deepEqual((await checkRebuild(sql, pipeline)).differences, [])
})

test('I1: records that refer to a changed record are compared again although a transaction that locked them rolled back', async () => {
  const { sql } = db
  const pipeline = directPipeline(sql)
  await empty(sql)
  const contact = (source: string, of: string) => ({
    source,
    message: {
      type: 'Contact',
      id: '1',
      version: 1e6,
      fields: { name: 'Anna Weber', customer: recordKey(source, 'Customer', of) },
    },
  })
  // First both customers are one, so the two contacts are one person; then the customers turn out
  // to be two.
  await send(sql, [customer('crm', 'Alder Forest', taxId), customer('erp', 'Alder Forest', taxId)])
  await send(sql, [contact('crm', 'Alder Forest'), contact('erp', 'Alder Forest')])
  await drain(pipeline)
  const contacts = () => sql`select distinct golden_id from source_record where type = 'Contact'`
  assert.equal((await contacts()).length, 1)
  const held = await sql.reserve()
  await held`begin`
  const keys = ['crm', 'erp'].map((source) => lockNumber(recordKey(source, 'Contact', '1')))
  for (const key of keys)
    await held`select pg_advisory_xact_lock((${LOCK.record}::bigint << 56) | ${key}::bigint)`
  const changed = customer('erp', 'Alder Forest', {
    taxIds: ['DE811569869'],
    name: 'Zircon Harbour',
  })
  await send(sql, [{ ...changed, message: { ...changed.message, version: 2e6 } }])
  await applyPending(pipeline, 10)
  await held`rollback`
  held.release()
  await drain(pipeline)
  assert.deepEqual((await checkRebuild(sql, pipeline)).differences, [])
  assert.equal((await contacts()).length, 2)
})
