import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../database.ts'
import { connectors } from '../e2e/deliveries.ts'
import { row, shopPipeline } from '../fixtures/shop.ts'
import { drain } from '../fixtures/store.ts'
import { dataDirectory, touchstone } from './process.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

test('operators list, show, retry and discard exceptions', async (t) => {
  const { dir } = dataDirectory(t)
  const run = async (...args: string[]) => {
    const command = touchstone(['exceptions', ...args], dir, { DATABASE_URL: db.url })
    const code = await command.ended
    return { code, text: command.output() }
  }
  const a = await row(db.sql, 'customers', { company_name: 'No id' }, 'webshop')
  const b = await row(db.sql, 'custmers', { shop_customer_id: '1', company_name: 'Blue Fen' }, 'webshop')
  await drain({ ...shopPipeline(db.sql), connectors })

  const listed = await run('list', '--source', 'webshop')
  assert.equal(listed.code, 0)
  assert.match(listed.text, new RegExp(`${a} .*webshop/customers +MISSING_ID +sales-operations`))
  assert.match(listed.text, new RegExp(`${b} .*webshop/custmers +UNKNOWN_OBJECT +integration`))
  assert.match(listed.text, /2 in all:/)
  const json = await run('list', '--json', '--code', 'MISSING_ID')
  assert.deepEqual([JSON.parse(json.text).inboxId, JSON.parse(json.text).owner], [a, 'sales-operations'])

  const shown = await run('show', String(a))
  assert.match(shown.text, /EXCEPTION MISSING_ID: .*"company_name":"No id".*cannot be read: MISSING_ID/s)

  assert.match((await run('retry', '--reason', 'why')).text, /say which/)
  assert.match((await run('retry', '--all')).text, /--reason/)
  const retried = await run('retry', '--code', 'UNKNOWN_OBJECT', '--reason', 'mended', '--actor', 'ida')
  assert.match(retried.text, /^1 in the queue again/m)
  assert.deepEqual(
    (await db.sql`select inbox_id, replay from pending`).map((p) => ({ ...p })),
    [{ inbox_id: b, replay: true }],
  )
  const discarded = await run('discard', String(a), String(b), '--reason', 'a test')
  assert.match(discarded.text, /^1 discarded\n1 were no open exceptions/m)
  assert.equal(discarded.code, 1)
  const audit = await db.sql`select event, actor, body -> 'messages' as messages from audit order by id`
  assert.deepEqual([audit[0]?.event, audit[0]?.actor, audit[0]?.messages], ['RETRY_EXCEPTION', 'ida', [b]])
  assert.match(audit[1]?.actor, /^cli:/)

  for (const [args, says] of [
    [['list', '--older-than', '5 days'], /minutes, hours or days/],
    [['list', '--limit', '5000'], /at most 1000/],
    [['show', '99999'], /is no exception/],
    [['show', 'x'], /number of a message/],
    [['discard', '--reason', 'r'], /missing required argument/],
  ] as const) {
    const { code, text } = await run(...args)
    assert.equal(code, 1, text)
    assert.match(text, says)
  }
})
