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

const lossCodes = /CONNECTION|57P01|ECONNRESET|EPIPE/
const codeOf = (e: unknown) => (e instanceof Error && 'code' in e ? String(e.code) : String(e))
const isLoss = (e: unknown) => lossCodes.test(codeOf(e))

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

/** porsager/postgres#1216: its statements would run on the connection that the pool made anew, each by itself. */
test('a transaction that goes on after its connection was lost does nothing more, and nothing of it waits', async () => {
  const sql = openDatabase(db.url, { connectionsMax: 1, name: 'test-lost' })
  await sql`create table written (what text)`
  let goOn = () => {}
  const mayGoOn = new Promise<void>((done) => {
    goOn = done
  })
  const outcomes: Promise<string[]>[] = []
  const lost = sql.begin(async (tx) => {
    const [own] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`
    await db.sql`select pg_terminate_backend(${own?.pid ?? 0})`
    // More than the connection takes at once: the rest waits within the transaction.
    const many = Array.from({ length: 300 }, () => tx`insert into written values ('many')`.then(String, codeOf))
    outcomes.push(Promise.all(many))
    await mayGoOn
    const late = tx`insert into written values ('late')`.then(String, codeOf)
    outcomes.push(late.then((code) => [code]))
    await late
  })
  await assert.rejects(lost, isLoss)
  // The pool's next transaction is open on the connection made anew when the lost one goes on.
  await sql.begin(async (tx) => {
    await tx`insert into written values ('next')`
    goOn()
    await sleep(50)
    await tx`select 1`
  })
  for (const code of (await Promise.all(outcomes)).flat()) assert.match(code, lossCodes)
  const rows = await sql<{ what: string }[]>`select what from written`
  assert.deepEqual(
    rows.map((row) => row.what),
    ['next'],
  )
  await sql.end({ timeout: 1 })
})
