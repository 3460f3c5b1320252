import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { command } from '../../../cli/commands/replay.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { row } from '../../fixtures/shop.ts'
import { dataDirectory, touchstone } from '../process.ts'
import { runCommand } from '../runCommand.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

test('replay accepts any object name and time ranges, and explains wrong flags', async (t) => {
  const { dir } = dataDirectory(t)
  const a = await row(db.sql, 'customers', { shop_customer_id: '1' }, 'webshop')
  await row(db.sql, 'products', { article_no: '1' }, 'webshop')
  await db.sql`delete from pending`
  const span = ['--from', '2026-01-01', '--to', '2999-01-01T00:00:00Z']
  const done = touchstone(
    ['replay', '--source', 'webshop', '--object', 'CUSTOMERS', ...span],
    dir,
    {
      DATABASE_URL: db.url,
    },
  )
  assert.equal(await done.ended, 0)
  assert.match(done.output(), /webshop: 1 message in the queue again, up to message \d+/)
  assert.deepEqual(
    (await db.sql`select inbox_id from pending`).map((p) => p.inbox_id),
    [a],
  )
  assert.equal((await db.sql`select 1 from audit where event = 'REPLAY'`).length, 1)
  for (const [args, says] of [
    [[], /required option '--source/],
    [['--source', 'hubspot'], /no source system "hubspot"; there are .*webshop/],
    [['--source', 'webshop', '--object', 'ships'], /no object "ships"; it has customers/],
    [['--source', 'webshop', '--from', 'yesterday'], /a day, 2026-03-01/],
    [['--source', 'webshop', '--from', '2026-02-30'], /a day, 2026-03-01/],
    [
      ['--source', 'webshop', '--from', '2026-02-03', '--to', '2026-02-02'],
      /--from is not before --to/,
    ],
    [['--source', 'webshop', '--after', '-1'], /whole number/],
  ] as const) {
    const { code, output } = await runCommand(command, [...args], { DATABASE_URL: db.url })
    assert.equal(code, 1, output)
    assert.match(output, says)
  }
})
