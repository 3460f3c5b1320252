import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { command } from '../../../cli/commands/exceptions.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { connectors } from '../../e2e/deliveries.ts'
import { row, shopPipeline } from '../../fixtures/shop.ts'
import { drain } from '../../fixtures/store.ts'
import { dataDirectory, touchstone } from '../process.ts'
import { runCommand } from '../runCommand.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

test('operators list, show, retry and discard exceptions', async (t) => {
  const { dir } = dataDirectory(t)
  const run = (...args: string[]) => runCommand(command, args, { DATABASE_URL: db.url })
  const a = await row(db.sql, 'customers', { company_name: 'No id' }, 'webshop')
  const b = await row(
    db.sql,
    'custmers',
    { shop_customer_id: '1', company_name: 'Blue Fen' },
    'webshop',
  )
  await drain({ ...shopPipeline(db.sql), connectors })

  const listed = touchstone(['exceptions', 'list', '--source', 'webshop'], dir, {
    DATABASE_URL: db.url,
  })
  assert.equal(await listed.ended, 0)
  assert.match(
    listed.output(),
    new RegExp(`${a} .*webshop/customers +MISSING_ID +sales-operations`),
  )
  assert.match(listed.output(), new RegExp(`${b} .*webshop/custmers +UNKNOWN_OBJECT +integration`))
  assert.match(listed.output(), /2 in all:/)
  const json = await run('list', '--json', '--code', 'MISSING_ID')
  assert.deepEqual(
    [JSON.parse(json.stdout).inboxId, JSON.parse(json.stdout).owner],
    [a, 'sales-operations'],
  )

  const shown = await run('show', String(a))
  assert.match(
    shown.output,
    /EXCEPTION MISSING_ID: .*"company_name":"No id".*cannot be read: MISSING_ID/s,
  )

  assert.match((await run('retry', '--reason', 'why')).output, /select exceptions/)
  assert.match((await run('retry', '--all')).output, /--reason/)
  const retried = await run(
    'retry',
    '--code',
    'UNKNOWN_OBJECT',
    '--reason',
    'mended',
    '--actor',
    'ida',
  )
  assert.match(retried.output, /^1 in the queue again/m)
  assert.deepEqual(
    (await db.sql`select inbox_id, replay from pending`).map((p) => ({ ...p })),
    [{ inbox_id: b, replay: true }],
  )
  const discarded = await run('discard', String(a), String(b), '--reason', 'a test')
  assert.match(discarded.output, /^1 discarded\n1 were no open exceptions/m)
  assert.equal(discarded.code, 1)
  const audit =
    await db.sql`select event, actor, body -> 'messages' as messages from audit order by id`
  assert.deepEqual(
    [audit[0]?.event, audit[0]?.actor, audit[0]?.messages],
    ['RETRY_EXCEPTION', 'ida', [b]],
  )
  assert.match(audit[1]?.actor, /^cli:/)

  for (const [args, says] of [
    [['list', '--older-than', '5 days'], /a number with a unit/],
    [['list', '--limit', '5000'], /at most 1000/],
    [['show', '99999'], /is no exception/],
    [['show', 'x'], /number of a message/],
    [['discard', '--reason', 'r'], /missing required argument/],
  ] as const) {
    const { code, output } = await run(...args)
    assert.equal(code, 1, output)
    assert.match(output, says)
  }
})
