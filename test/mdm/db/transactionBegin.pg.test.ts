import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openDatabase } from '../../../mdm/db/database.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(() => db.drop())

/**
 * The driver pipelines up to 100 statements on a connection. Without our patch a BEGIN that is the
 * last of them does not reserve the connection (porsager/postgres#1189). Other callers' statements
 * then run inside the transaction.
 */
test('a transaction that begins when the pipeline of its connection is full has the connection to itself', async () => {
  await db.sql`create table written (what text)`
  for (const connectionsMax of [1, 2])
    for (const before of [99, 100, 101]) {
      const sql = openDatabase(db.url, { connectionsMax, name: 'test-begin' })
      await Promise.all(Array.from({ length: connectionsMax }, () => sql`select pg_sleep(0.05)`))
      const busy = Array.from({ length: before * connectionsMax }, () => sql`select 1`)
      for (const statement of busy) void statement.execute()
      const failure = new Error('rolled back on purpose')
      const transaction = sql.begin(async (tx) => {
        await tx`insert into written values ('inside')`
        throw failure
      })
      const outside = sql`insert into written values ('outside')`.execute()
      await assert.rejects(transaction, failure)
      await Promise.all([...busy, outside])
      await sql.end({ timeout: 5 })
    }
  const rows = await db.sql<{ what: string; count: number }[]>`
    select what, count(*)::int as count from written group by what`
  assert.deepEqual([...rows], [{ what: 'outside', count: 6 }])
})
