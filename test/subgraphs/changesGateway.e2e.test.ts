import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createClient as createSseClient } from 'graphql-sse'
import { type Client, createClient } from 'graphql-ws'
import WebSocket from 'ws'
import type { Gateway } from '../../gateway/gateway.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { answer, graph, key, tell, world } from './world.ts'

let db: TestDatabase
let gateway: Gateway
let client: Client

before(async () => {
  db = await testDatabase()
  gateway = await graph(db.sql)
  client = createClient({ url: gateway.url.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0 })
})
after(async () => {
  await client.dispose()
  await gateway.close(500)
  await db.drop()
})

// biome-ignore lint/suspicious/noExplicitAny: tests read answers of any shape
type Item = any

const WATCH = `subscription ($after: String, $types: [GoldenType!], $snapshot: Boolean, $ids: [ID!]) {
  changes(after: $after, types: $types, snapshot: $snapshot, ids: $ids) {
    __typename
    ... on CaughtUp { cursor position }
    ... on Snapshot { cursor goldenId values entity { ... on Customer { name } } }
    ... on Change { cursor position op goldenId version before after changedFields redirect
      cause { system object recordId correlationId }
      entity { __typename ... on Customer { id name invoices(first: 10) { nodes { number } } } ... on Product { id name } } }
  }
}`

async function collect(
  results: AsyncIterableIterator<{ data?: { changes: Item } | null; errors?: readonly unknown[] }>,
  until: (item: Item) => boolean,
): Promise<Item[]> {
  const items: Item[] = []
  for await (const { data, errors } of results) {
    assert.equal(errors, undefined)
    items.push(data?.changes)
    if (until(data?.changes)) break
  }
  return items
}

const caughtUp = (item: Item) => item.__typename === 'CaughtUp'
const erp = key('erp', 'Customer', 'E1')

test('a change arrives over graphql-ws and SSE, with the invoices of the entity from another subgraph beside it', async () => {
  await tell(db.sql, world)
  const { feed } = await answer(gateway, '{ feed { cursor beginning head } }')
  const { customer } = await answer(gateway, 'query ($id: ID!) { customer(id: $id) { id name } }', { id: erp })
  const sse = createSseClient({ url: gateway.url, retryAttempts: 0 })
  const payload = { query: WATCH, variables: { after: feed.cursor } }
  const done = (item: Item) => item.__typename === 'Change' && item.goldenId === customer.id
  const [overWs, overSse] = [
    collect(client.iterate<{ changes: Item }>(payload) as never, done),
    collect(sse.iterate<{ changes: Item }>(payload) as never, done),
  ]
  const record = world.find((r) => r.source === 'erp' && r.id === 'E1')
  assert.ok(record)
  await tell(db.sql, [{ ...record, version: 99, fields: { ...record.fields, paymentTerms: 'NET60' } }])
  const [a, b] = [(await overWs).at(-1), (await overSse).at(-1)]
  assert.deepEqual(a, b)
  assert.equal(a.op, 'UPDATED')
  assert.deepEqual(a.changedFields, ['paymentTerms'])
  assert.deepEqual([a.before.paymentTerms, a.after.paymentTerms], ['NET30', 'NET60'])
  assert.equal(a.cause.system, 'erp')
  assert.equal(a.entity.name, customer.name)
  assert.deepEqual(a.entity.invoices.nodes.map((n: Item) => n.number).sort(), ['R-1', 'R-2', 'R-3'])
  sse.dispose()

  const past = await collect(
    client.iterate<{ changes: Item }>({ query: WATCH, variables: { after: feed.beginning } }) as never,
    caughtUp,
  )
  assert.equal(past.length, feed.head + 2)
})

test('records that are gone by now still tell their story; the entity is null without an error', async () => {
  const lone = {
    source: 'crm',
    type: 'Customer',
    id: 'LONE',
    fields: { name: 'Kaffeehaus Zentral', domains: ['zentral.example'] },
  }
  const { feed } = await answer(gateway, '{ feed { cursor } }')
  await tell(db.sql, [lone])
  await tell(db.sql, [{ ...lone, version: 2, deleted: true }])
  const items = await collect(
    client.iterate<{ changes: Item }>({
      query: WATCH,
      variables: { after: feed.cursor, ids: [key('crm', 'Customer', 'LONE')] },
    }) as never,
    caughtUp,
  )
  assert.deepEqual(
    items.map((i) => [i.op, i.after?.name ?? null, i.entity]),
    [
      ['CREATED', 'Kaffeehaus Zentral', null],
      ['DELETED', null, null],
      [undefined, null, undefined],
    ],
  )
})

test('what is wrong with a cursor reaches the client as a code (FEED 4.2)', async () => {
  const refused = async (after: string) => {
    try {
      for await (const result of client.iterate({ query: WATCH, variables: { after } }))
        return (result.errors?.[0]?.extensions as Item)?.code
    } catch (e) {
      return (e as Item)[0]?.extensions?.code
    }
  }
  assert.equal(await refused('nonsense'), 'CURSOR_INVALID')
  const res = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: WATCH, variables: { after: 'nonsense' } }),
  })
  assert.match(await res.text(), /CURSOR_INVALID/)
})

test('a feed that is replaced ends open subscriptions with its code (FEED 8.3)', async () => {
  const [own] = await db.sql<{ feed: string }[]>`select feed from feed_head`
  const ended = (async () => {
    for await (const result of client.iterate({ query: WATCH }))
      if (result.errors) return (result.errors[0]?.extensions as Item)?.code
    return 'completed'
  })()
  await sleep(200)
  await db.sql`update feed_head set feed = gen_random_uuid()`
  assert.equal(await ended, 'CURSOR_OTHER_FEED')
  await db.sql`update feed_head set feed = ${own?.feed ?? ''}`
})

const run = promisify(execFile)
const tail = (...args: string[]) => ['cli/tail.run.ts', ...args]
void run
void spawn
void tail
