import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { FileError } from '../../../connectors/file/fileError.ts'
import { openFile } from '../../../connectors/file/rows.ts'
import { openDatabase, type Sql } from '../../../mdm/db/database.ts'
import { countWaiting, settled } from '../../../mdm/inbox/settled.ts'
import { type Loaded, type LoadOptions, loadFile } from '../../../mdm/ingest/load.ts'
import { connector } from '../../connectors/fixture.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'

let db: TestDatabase
const dir = mkdtempSync(join(tmpdir(), 'touchstone-load-'))
const webshop = connector('webshop')
before(async () => {
  db = await testDatabase({ connectionsMax: 4 })
})
after(async () => {
  rmSync(dir, { recursive: true, force: true })
  await db.drop()
})

function file(name: string, content: string): string {
  writeFileSync(join(dir, name), content)
  return join(dir, name)
}

async function load(sql: Sql, path: string, more: LoadOptions): Promise<Loaded> {
  return await loadFile(sql, webshop, await openFile(path), more)
}

const options = (more: Partial<LoadOptions> = {}): LoadOptions => ({
  object: 'customers',
  correlationId: randomUUID(),
  again: false,
  ...more,
})

const csv = (rows: number, from = 0) =>
  `shop_customer_id,company_name\n${Array.from({ length: rows }, (_, i) => `${prefix}${i + from},Company ${i + from}`).join('\n')}\n`
let prefix = ''

async function inbox(): Promise<number> {
  const [row] = await db.sql<{ n: number }[]>`select count(*)::integer as n from inbox`
  return row?.n ?? 0
}

test('a stopped load resumes where it was when it is run again', async () => {
  prefix = 'stop-'
  const path = file('stop.csv', csv(5_000))
  const stop = new AbortController()
  const first = await load(
    db.sql,
    path,
    options({ signal: stop.signal, onProgress: () => stop.abort() }),
  )
  assert.equal(first.stopped, true)
  assert.ok(first.rows >= 1_000 && first.rows < 5_000, `${first.rows} rows`)
  assert.equal(await inbox(), first.accepted)
  const second = await load(db.sql, path, options())
  assert.deepEqual(
    [second.rows, second.duplicates, second.accepted],
    [5_000, first.accepted, 5_000 - first.accepted],
  )
  const third = await load(db.sql, path, options())
  assert.deepEqual([third.rows, third.duplicates, third.firstId], [5_000, 5_000, null])
})

test('--again accepts the same rows as new messages', async () => {
  prefix = 'again-'
  const path = file('again.csv', csv(10))
  await load(db.sql, path, options())
  const again = await load(db.sql, path, options({ again: true }))
  assert.deepEqual([again.accepted, again.duplicates], [10, 0])
})

test('malformed rows are stored and become exceptions; they do not block the others', async () => {
  const path = file(
    'broken.ndjson',
    '{"shop_customer_id":"b1"}\n{"shop_cust\n[1,2]\n"text"\n{"shop_customer_id":"b2","x":"\\u0000"}\n',
  )
  const correlationId = randomUUID()
  const loaded = await load(db.sql, path, options({ correlationId }))
  assert.deepEqual([loaded.rows, loaded.accepted], [5, 5])
  const bodies = await db.sql<
    { body: string }[]
  >`select body from inbox where correlation_id = ${correlationId} order by id`
  assert.deepEqual(
    bodies.map((b) => b.body),
    [
      '{"shop_customer_id":"b1"}',
      '{"$row":{"file":"broken.ndjson","line":2,"code":"BROKEN_JSON","problem":"the body is not valid JSON: error at position 11 (line 1 column 12)","content":"{\\"shop_cust"}}',
      '{"$row":{"file":"broken.ndjson","line":3,"code":"NOT_AN_OBJECT","problem":"the row is a list, not one record","content":"[1,2]"}}',
      '{"$row":{"file":"broken.ndjson","line":4,"code":"NOT_AN_OBJECT","problem":"the body is valid JSON but not an object: send one record or event","content":"\\"text\\""}}',
      '{"shop_customer_id":"b2","x":"\\u0000"}',
    ],
  )
  assert.equal((await load(db.sql, path, options())).duplicates, 5)
})

test('a file that ends inside a value is refused before anything of it is stored', async () => {
  const path = file('cut.json', '[{"shop_customer_id":"c1"},{"shop_customer_id":"c2"},{"shop')
  const before = await inbox()
  await assert.rejects(load(db.sql, path, options()), FileError)
  assert.equal(await inbox(), before)
})

test('a load waits for a database outage to end, and loses or double-counts nothing', async () => {
  prefix = 'away-'
  const rows = 20_000
  const path = file('away.csv', csv(rows))
  const correlationId = randomUUID()
  const pool = openDatabase(db.url, { connectionsMax: 2, name: 'touchstone-cut' })
  // The driver loads the array types with its first connection.
  await pool`select 1`
  let outages = 0
  let done = false
  // Terminates the writing connection three times.
  const cutting = (async () => {
    for (let cuts = 0; cuts < 3 && !done; ) {
      const cut = await db.sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'touchstone-cut' and state = 'active'`
      cuts += cut.length
    }
  })()
  const loaded = await load(pool, path, options({ correlationId, onAway: () => outages++ }))
  done = true
  await cutting
  await pool.end()
  assert.deepEqual([loaded.rows, loaded.accepted, loaded.duplicates], [rows, rows, 0])
  const [row] = await db.sql<
    { n: number }[]
  >`select count(*)::integer as n from inbox where correlation_id = ${correlationId}`
  assert.equal(row?.n, rows)
  assert.ok(outages > 0, 'a batch was interrupted')
})

test('a database that stays away ends the load with its error', async () => {
  const gone = openDatabase('postgres://nobody@127.0.0.1:1/none', {
    connectionsMax: 1,
    name: 'touchstone-test',
  })
  await assert.rejects(
    load(gone, file('gone.csv', csv(1)), options({ awayMsMax: 600 })),
    /ECONNREFUSED/,
  )
  await gone.end()
})

test('the counts of a load exclude all other messages', async () => {
  prefix = 'mine-'
  const mine = options()
  const path = file('mine.csv', csv(2_500))
  prefix = 'other-'
  const other = file('other.csv', csv(2_500))
  const [loaded] = await Promise.all([load(db.sql, path, mine), load(db.sql, other, options())])
  assert.ok(loaded.firstId !== null && loaded.lastId !== null)
  const span = { correlationId: mine.correlationId, firstId: loaded.firstId, lastId: loaded.lastId }
  assert.equal((await settled(db.sql, span)).waiting, 2_500)
  // As a worker does: three messages applied, two of them with an outcome.
  const ids = await db.sql<{ id: number }[]>`
    delete from pending where inbox_id in (select id from inbox where correlation_id = ${mine.correlationId} order by id limit 3)
    returning inbox_id as id`
  for (const [i, outcome] of (['SKIPPED', 'EXCEPTION'] as const).entries())
    await db.sql`insert into outcome (inbox_id, outcome, code, detail, source) values (${ids[i]?.id ?? 0}, ${outcome}, 'CODE', 'why', 'webshop')`
  const counts = await settled(db.sql, span)
  assert.deepEqual(
    [counts.waiting, counts.applied, counts.skipped, counts.exceptions],
    [2_497, 1, 1, 1],
  )
  assert.deepEqual(
    counts.reasons.map((r) => [r.code, r.count, r.example]),
    [
      ['CODE', 1, 'why'],
      ['CODE', 1, 'why'],
    ],
  )
  assert.ok((await countWaiting(db.sql, span)) >= 2_497)
})
