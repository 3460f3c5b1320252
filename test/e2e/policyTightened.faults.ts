import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { dataDirectory, touchstone } from '../cli/process.ts'
import { ask } from '../gateway/gateway.ts'
import { eventually } from './eventually.ts'
import { running } from './running.ts'

test('running gateways and open subscriptions hide a field that a newly published policy makes sensitive', async (t) => {
  const { dir } = dataDirectory(t)
  const it = await running(dir)
  t.after(() => void it.command.child.kill('SIGKILL'))
  const contact = (title: string, day: string) =>
    it.deliver('salesforce', 'Contact', {
      Id: '003A000001YYYYYIA4',
      FirstName: 'Ada',
      LastName: 'Winter',
      Email: 'ada.winter@winter-trading.example',
      Title: title,
      IsDeleted: false,
      SystemModstamp: `2026-01-${day}T10:00:00.000+0000`,
    })
  await contact('Head of Purchasing', '05')
  const printed = touchstone(['token', '--role', 'reader', '--actor', 'rita', '--region', '*'], dir)
  assert.equal(await printed.ended, 0)
  const token = printed.output().trim().split('\n').at(-1) ?? ''
  const titles = async () =>
    (
      await ask(it.url, '{ contacts { nodes { jobTitle history { nodes { values } } } } }', {
        headers: { authorization: `Bearer ${token}` },
      })
    ).body
  await eventually(
    async () => (await titles()).data.contacts.nodes[0]?.jobTitle === 'Head of Purchasing',
  )

  const url = it.url.replace('http', 'ws')
  const client = () =>
    createClient({
      url,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: { authorization: `Bearer ${token}` },
    })
  const [before, after] = [client(), client()]
  t.after(() => Promise.all([before.dispose(), after.dispose()]))
  const query =
    'subscription ($after: String) { changes(after: $after) { __typename ... on Change { cursor after } } }'
  const { feed } = await it.query('{ feed { beginning } }')
  const open = before.iterate<{ changes: { cursor: string; after: { jobTitle?: string } } }>({
    query,
    variables: { after: feed.beginning },
  })
  let last = (await open.next()).value
  while (last.data.changes.after?.jobTitle !== 'Head of Purchasing')
    last = (await open.next()).value

  const model = join(dir, 'model')
  cpSync('schema/model', model, { recursive: true })
  const file = join(model, 'contact.graphql')
  const text = readFileSync(file, 'utf8')
  const tightened = text.replace(/^( {2}jobTitle: String.*)$/m, '$1 @sensitive(scope: "pii:read")')
  assert.notEqual(tightened, text)
  writeFileSync(file, tightened)
  const publish = touchstone(['publish', '--policy', model], dir)
  assert.equal(await publish.ended, 0, publish.output())

  await eventually(async () => (await titles()).data.contacts.nodes[0]?.jobTitle === null)
  const hidden = await titles()
  assert.ok(
    hidden.extensions.masked.some((m: { path: string }) => JSON.stringify(m).includes('jobTitle')),
  )
  assert.doesNotMatch(JSON.stringify(hidden), /Purchasing/)
  // The socket closes; resumed at its cursor, the subscription no longer shows the field.
  let { cursor } = last.data.changes
  await assert.rejects(
    async () => {
      for (;;) cursor = (await open.next()).value.data.changes.cursor ?? cursor
    },
    { code: 1012, reason: 'GRAPH_CHANGED' },
  )
  assert.ok(cursor)
  await contact('Chief of Purchasing', '06')
  const again = after.iterate<{ changes: { after: { jobTitle?: string } } }>({
    query,
    variables: { after: cursor },
  })
  const { value } = await again.next()
  assert.doesNotMatch(JSON.stringify(value.data), /Purchasing/)
  assert.equal(await it.stop(), 0)
})
