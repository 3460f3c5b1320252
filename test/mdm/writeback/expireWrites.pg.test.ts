import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { expireWrites } from '../../../mdm/writeback/expireWrites.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(async () => {
  await db.sql`truncate write_intent, write_request, written_value`
})
after(async () => await db?.drop())

interface Given {
  id: string
  state: string
  operation?: 'CREATE' | 'UPDATE'
  /** Days since its end; null for one that has not ended. */
  days: number | null
  released?: boolean
  conflicts?: number
}

async function write({ id, state, days, ...more }: Given): Promise<number> {
  const { operation = 'UPDATE', released = false, conflicts = 0 } = more
  const at = days === null ? null : new Date(Date.now() - days * 86_400_000)
  const [row] = await db.sql<{ id: number }[]>`
    insert into write_intent (golden_id, type, source, object, source_id, operation, state, version, changes, values, former, hash,
      position, policy_version, conflicts, planned_at, ended_at, released_at)
    values (gen_random_uuid(), 'Customer', 'crm', 'Account', ${id}, ${operation}, ${state}, 1, '{}', '{}', '{}', 'h', 1, 'p',
      ${conflicts}, ${at ?? new Date()}, ${at}, ${released ? at : null})
    returning id`
  return row?.id ?? 0
}

const left = async () =>
  (await db.sql<{ id: number }[]>`select id from write_intent order by id`).map((r) => r.id)

test('deletes writes that ended long ago, and keeps what waits, is newer or has not ended', async () => {
  await write({ id: '1', state: 'DONE', days: 401 })
  await write({ id: '2', state: 'REFUSED', days: 401, released: true })
  await write({ id: '3', state: 'CONFLICT', days: 401, conflicts: 3, released: true })
  await write({ id: '4', state: 'CONFLICT', days: 401, conflicts: 1 })
  const kept = [
    await write({ id: '1', state: 'DONE', days: 399 }),
    await write({ id: '5', state: 'REFUSED', days: 401 }),
    await write({ id: '6', state: 'CONFLICT', days: 401, conflicts: 3 }),
    await write({ id: '7', state: 'PLANNED', days: null }),
    await write({ id: '8', state: 'UNKNOWN', days: null }),
  ]
  assert.equal(await expireWrites(db.sql, 400), 4)
  assert.deepEqual(await left(), kept)
  assert.equal(await expireWrites(db.sql, 400), 0)
})

test('keeps creates that were made, so that nothing is created twice', async () => {
  const create = await write({ id: '1', operation: 'CREATE', state: 'DONE', days: 4_000 })
  await write({ id: '2', operation: 'CREATE', state: 'REFUSED', days: 4_000, released: true })
  assert.equal(await expireWrites(db.sql, 400), 1)
  assert.deepEqual(await left(), [create])
})

test('keeps all writes of a record while one of them waits for a person', async () => {
  const kept = [
    await write({ id: '1', state: 'DONE', days: 410 }),
    await write({ id: '1', state: 'DONE', days: 409 }),
    await write({ id: '1', state: 'DONE', days: 408 }),
    await write({ id: '1', state: 'REFUSED', days: 407 }),
  ]
  const other = await write({ id: '2', state: 'DONE', days: 410 })
  assert.ok(other)
  assert.equal(await expireWrites(db.sql, 400), 1)
  assert.deepEqual(await left(), kept, 'what was changed back three times is not written again')
  await db.sql`update write_intent set released_at = now() where state = 'REFUSED'`
  assert.equal(await expireWrites(db.sql, 400), 4)
})

test('leaves the values that echoes are known by, and deletes old requests', async () => {
  const id = await write({ id: '1', state: 'DONE', days: 401 })
  await db.sql`
    insert into written_value (intent_id, path, source, object, source_id, golden_id, value, since, applied_at, state)
    values (${id}, 'name', 'crm', 'Account', '1', gen_random_uuid(), '"Ada"', 1, now() - interval '401 days', 'SEEN')`
  await db.sql`
    insert into write_request (actor, idempotency_key, request, answer, at)
    values ('ida', 'old', '{}', '{}', now() - interval '401 days'), ('ida', 'new', '{}', '{}', now())`
  assert.equal(await expireWrites(db.sql, 400), 1)
  assert.equal((await db.sql`select 1 from written_value`).length, 1)
  const keys = await db.sql<{ key: string }[]>`select idempotency_key as key from write_request`
  assert.deepEqual(
    keys.map((r) => r.key),
    ['new'],
  )
})
