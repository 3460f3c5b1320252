import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '../../../mdm/db/database.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(() => db.drop())

const isLoss = (e: unknown) => e instanceof Error && 'code' in e && /CONNECTION|57P01|ECONNRESET/.test(String(e.code))

/**
 * The driver writes to the socket of a lost connection when a transaction on it is rolled back, which no caller can
 * catch (porsager/postgres#1208); bin/patchDriver.js mends it. Without the patch this file's process ends here.
 */
test('a transaction whose connection is lost fails, and the pool goes on', async () => {
  for (const pauseMs of [0, 1, 5, 50]) {
    const sql = openDatabase(db.url, { connectionsMax: 1, name: 'test-lost' })
    const lost = sql.begin(async (tx) => {
      const [own] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`
      await db.sql`select pg_terminate_backend(${own?.pid ?? 0})`
      await sleep(pauseMs)
      await tx`select 1`
    })
    await assert.rejects(lost, isLoss)
    // Between the server's farewell and the end of the socket a pool may still hand the connection out: that statement
    // is lost too, and says so. The one after it is not.
    const ask = () => sql<{ answer: number }[]>`select 42 as answer`
    const [row] = await ask().catch((e) => {
      assert.ok(isLoss(e), String(e))
      return ask()
    })
    assert.equal(row?.answer, 42)
    // A short statement after the loss: it must not wait for a write that was never scheduled.
    await sql.begin((tx) => tx`select 1`)
    await sql.end({ timeout: 1 })
  }
})
