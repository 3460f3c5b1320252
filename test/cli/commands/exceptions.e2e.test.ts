import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { command } from '../../../cli/commands/exceptions.ts'
import { command as trace } from '../../../cli/commands/trace.ts'
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
  assert.match(discarded.output, /^1 discarded\n1 was no open exception$/m)
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

test('deliveries control no terminal, whatever their objects, ids and texts are', async (t) => {
  const { dir } = dataDirectory(t)
  const env = { DATABASE_URL: db.url }
  const acts = /(?!\n)\p{Cc}|\p{Cf}|\p{Cs}|[\u2028\u2029]/u
  const attack =
    '\x1b[2J\x9b1m\x1b]8;;https://evil.example\x07\x7f\r\n     7 all is well\u202e\u200b\u2028'
  const hostile = await row(db.sql, `cust${attack}`, { [attack]: attack }, 'webshop')
  const named = await row(
    db.sql,
    'customers',
    { shop_customer_id: `4${attack}`, company_name: attack, deleted: attack },
    'webshop',
  )
  const ids = [String(hostile), String(named)]
  const [message] = await db.sql<{ id: string }[]>`
    select correlation_id as id from inbox where id = ${hostile}`
  await drain({ ...shopPipeline(db.sql), connectors })

  const outputs = [
    await runCommand(command, ['list'], env),
    await runCommand(command, ['list', '--about', `4${attack}`], env),
    await runCommand(command, ['list', '--source', attack], env),
    await runCommand(command, ['list', '--json'], env),
    ...(await inTurn(ids, (id) => runCommand(trace, [id], env))),
    ...(await inTurn(ids, (id) => runCommand(trace, [id, '--json'], env))),
    await runCommand(command, ['show', ids[0] ?? ''], env),
    await runCommand(trace, [message?.id ?? ''], env),
  ]
  for (const { output } of outputs) {
    assert.doesNotMatch(output, acts)
    assert.doesNotMatch(output, /^ *7 all is well/m)
  }
  assert.match(outputs[0]?.output ?? '', /cust\\x1b\[2J\\x9b1m.*\\r\\n {5}7 all is well\\u202e/)
  const rows = (outputs[3]?.stdout ?? '')
    .trim()
    .split('\n')
    .map((l) => JSON.parse(l))
  assert.ok(rows.some((r) => r.object === `cust${attack}`.replace('\u2028', '\u2028')))

  // The whole program: what it repeats of its arguments, in its own errors and in those of
  // Commander.
  for (const args of [
    ['sources', `a${attack}`],
    ['exceptions', 'show', attack],
    ['trace', attack],
    [`x${attack}`],
  ]) {
    const ran = touchstone(args, dir, env)
    assert.equal(await ran.ended, 1)
    assert.doesNotMatch(ran.output(), acts)
    assert.doesNotMatch(ran.output(), /^ *7 all is well/m)
  }
})

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await work(item))
  return results
}
