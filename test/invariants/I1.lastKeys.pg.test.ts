import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { applyPending } from '../../mdm/pipeline.ts'
import { checkRebuild } from '../../mdm/rebuild.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { directPipeline, drain, send } from '../fixtures/store.ts'

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

test('I1: a link does not outlive its last two keys when two transactions fill one each at the same time', async () => {
  const { sql } = db
  const pipeline = directPipeline(sql, 2)
  await send(sql, [
    customer('crm', 'Alder Forest', { ...taxId, ...phone }),
    customer('erp', 'Birch Meadow', { ...taxId, ...phone }),
  ])
  await drain(pipeline)
  assert.equal((await sql`select from link`).length, 1)

  await send(sql, [customer('billing', 'Cedar Hill', taxId), customer('success', 'Dogwood Lake', phone)])
  const waiting = await sql<{ id: number }[]>`select inbox_id as id from pending order by 1`
  // Both have decided when they come to the head of the feed, and neither has committed.
  const gate = await sql.reserve()
  await gate`begin`
  await gate`select from feed_head for update`
  const both = Promise.all(waiting.map(({ id }) => applyPending(pipeline, 1, [id])))
  // Not asked of `gate`: within a transaction the answer would stay the same.
  const held = () => sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
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
