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
 * Without our patch the driver writes to the socket of a lost connection when it rolls a
 * transaction back. No caller can catch that error (porsager/postgres#1208), and the process of
 * this file ends here.
 */
test('a transaction whose connection is lost fails, and the pool recovers', async () => {
  for (const pauseMs of [0, 1, 5, 50]) {
    const sql = openDatabase(db.url, { connectionsMax: 1, name: 'test-lost' })
    const lost = sql.begin(async (tx) => {
      const [own] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`
      await db.sql`select pg_terminate_backend(${own?.pid ?? 0})`
      await sleep(pauseMs)
      await tx`select 1`
    })
    await assert.rejects(lost, isLoss)
    // After the server has announced the end, a pool may still hand out the connection until its
    // socket closes. That statement fails too; the next one does not.
    const query = () => sql<{ answer: number }[]>`select 42 as answer`
    const [row] = await query().catch((e) => {
      assert.ok(isLoss(e), String(e))
      return query()
    })
    assert.equal(row?.answer, 42)
    // A short statement after the loss must not wait for a write that was never scheduled.
    await sql.begin((tx) => tx`select 1`)
    await sql.end({ timeout: 1 })
  }
})

/**
 * Without our patch the statements run on the pool's next connection, outside any transaction
 * (porsager/postgres#1216).
 */
test('a transaction that continues after its connection was lost changes nothing, and none of its statements hangs', async () => {
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
    // More statements than the connection accepts at once: the rest is queued within the
    // transaction.
    const many = Array.from({ length: 300 }, () =>
      tx`insert into written values ('many')`.then(String, codeOf),
    )
    outcomes.push(Promise.all(many))
    await mayGoOn
    const late = tx`insert into written values ('late')`.then(String, codeOf)
    outcomes.push(late.then((code) => [code]))
    await late
  })
  await assert.rejects(lost, isLoss)
  // The lost transaction continues while the pool's next transaction is open on the new connection.
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
