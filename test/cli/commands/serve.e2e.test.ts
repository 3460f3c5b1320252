import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { openDatabase } from '../../../mdm/db/database.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { developerHeaders } from '../../developer.ts'
import { ask } from '../../gateway/gateway.ts'
import { dataDirectory, type RunningCommand, touchstone } from '../process.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

async function serve(args: string[], dir: string, env: Record<string, string> = {}) {
  const command = touchstone([...args, '--port', '0'], dir, { DATABASE_URL: db.url, ...env })
  const line = await command.says(/\{.*"msg":"started"\}/)
  return { command, url: (JSON.parse(line[0]) as { url: string }).url }
}

async function stop(...commands: RunningCommand[]) {
  for (const c of commands) c.child.kill('SIGTERM')
  for (const c of commands) assert.equal(await c.ended, 0, c.output())
}

test('separate roles and remote subgraphs give the same responses and events as one process', async (t) => {
  const { dir } = dataDirectory(t)
  const sql = openDatabase(db.url, { name: 'test', connectionsMax: 1 })
  t.after(() => sql.end())
  const names = ['customer', 'billing', 'erp', 'changes']
  const first = await serve(['serve', '--roles', 'ingest', '--workers', '2'], dir)
  const services: { command: RunningCommand; url: string }[] = []
  // Started one by one: on a small machine, all at once would time out.
  for (const name of names) services.push(await serve(['subgraph', name], dir))
  const gateway = await serve(['serve', '--roles', 'gateway'], dir, {
    TOUCHSTONE_SUBGRAPHS: names.map((n, i) => `${n}=${services[i]?.url}`).join(','),
  })

  const client = createClient({
    url: gateway.url.replace('http', 'ws'),
    connectionParams: () => developerHeaders(gateway.url),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  })
  t.after(() => client.dispose())
  const events = client.iterate<{
    changes: { __typename: string; op?: string; entity?: { name: string } }
  }>({
    query: `subscription { changes(snapshot: true, types: [CUSTOMER]) {
      __typename ... on Change { op entity { ... on Customer { name invoices(first: 1) { totalCount } } } } } }`,
  })
  assert.equal((await events.next()).value.data.changes.__typename, 'CaughtUp')
  const [account] = [{ Id: '001A0000006Vm9rIAC', Name: 'Serve Test Trading Ltd', IsDeleted: false }]
  await sql`
    with m as (insert into inbox (source, message_id, object, format, body, correlation_id)
      values ('salesforce', 'serve-test', 'Account', 'row', ${JSON.stringify({ ...account, SystemModstamp: '2026-01-05T10:00:00.000+0000' })}, gen_random_uuid())
      returning id)
    insert into pending (inbox_id) select id from m`
  const { value } = await events.next()
  assert.deepEqual(value.data.changes, {
    __typename: 'Change',
    op: 'CREATED',
    entity: { name: 'Serve Test Trading Ltd', invoices: { totalCount: 0 } },
  })
  const { body } = await ask(
    gateway.url,
    '{ customers { nodes { name contracts { totalCount } ledger { account } } } }',
  )
  assert.deepEqual(body, {
    data: {
      customers: {
        nodes: [{ name: 'Serve Test Trading Ltd', contracts: { totalCount: 0 }, ledger: [] }],
      },
    },
  })
  await client.dispose()
  await stop(gateway.command, first.command, ...services.map((s) => s.command))
})

test('refuses to start with a hidden tag that the graph does not have', async (t) => {
  const env = { DATABASE_URL: db.url, TOUCHSTONE_CONTRACT_HIDE: 'interal' }
  const misspelt = touchstone(
    ['serve', '--roles', 'gateway', '--port', '0'],
    dataDirectory(t).dir,
    env,
  )
  assert.equal(await misspelt.ended, 1, misspelt.output())
  assert.match(
    misspelt.output(),
    /TOUCHSTONE_CONTRACT_HIDE names interal, but the tags of the graph are internal/,
  )
})
