import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from './database.ts'

test('a test database has the migrations and is isolated from all others', async (t) => {
  const [a, b] = [await testDatabase(), await testDatabase()]
  t.after(() => a.drop())
  t.after(() => b.drop())
  await a.sql`update feed_head set position = 7`
  const [row] = await b.sql`select position from feed_head`
  assert.equal(row?.position, 0)
})
