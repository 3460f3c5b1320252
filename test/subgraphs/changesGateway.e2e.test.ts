import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { createClient as createSseClient } from 'graphql-sse'
import { type Client, createClient } from 'graphql-ws'
import WebSocket from 'ws'
import type { Gateway } from '../../gateway/gateway.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { until } from '../gateway/until.ts'
import { graph, ingestRecords, key, queryData, world } from './world.ts'

let db: TestDatabase
let gateway: Gateway
let client: Client

before(async () => {
  db = await testDatabase()
  gateway = await graph(db.sql)
  client = createClient({
    url: gateway.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  })
})
after(async () => {
  await client.dispose()
  await gateway.close(500)
  await db.drop()
})

// biome-ignore lint/suspicious/noExplicitAny: tests read responses of any shape
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

test('a change arrives over graphql-ws and SSE, with invoices of its entity from another subgraph', async () => {
  await ingestRecords(db.sql, world)
  const { feed } = await queryData(gateway, '{ feed { cursor beginning head } }')
  const { customer } = await queryData(
    gateway,
    'query ($id: ID!) { customer(id: $id) { id name } }',
    {
      id: erp,
    },
  )
  const sse = createSseClient({ url: gateway.url, retryAttempts: 0 })
  const payload = { query: WATCH, variables: { after: feed.cursor } }
  const done = (item: Item) => item.__typename === 'Change' && item.goldenId === customer.id
  const [overWs, overSse] = [
    collect(client.iterate<{ changes: Item }>(payload) as never, done),
    collect(sse.iterate<{ changes: Item }>(payload) as never, done),
  ]
  const record = world.find((r) => r.source === 'erp' && r.id === 'E1')
  assert.ok(record)
  await ingestRecords(db.sql, [
    { ...record, version: 99, fields: { ...record.fields, paymentTerms: 'NET60' } },
  ])
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
    client.iterate<{ changes: Item }>({
      query: WATCH,
      variables: { after: feed.beginning },
    }) as never,
    caughtUp,
  )
  assert.equal(past.length, feed.head + 2)
})

test('changes of deleted records are still delivered; the entity shows only what is required', async () => {
  const lone = {
    source: 'crm',
    type: 'Customer',
    id: 'LONE',
    fields: { name: 'Kaffeehaus Zentral', domains: ['zentral.example'] },
  }
  const { feed } = await queryData(gateway, '{ feed { cursor } }')
  await ingestRecords(db.sql, [lone])
  await ingestRecords(db.sql, [{ ...lone, version: 2, deleted: true }])
  const items = await collect(
    client.iterate<{ changes: Item }>({
      query: WATCH,
      variables: { after: feed.cursor, ids: [key('crm', 'Customer', 'LONE')] },
    }) as never,
    caughtUp,
  )
  assert.deepEqual(
    items.map((i) => [i.op, i.after?.name ?? null, i.entity?.name]),
    [
      ['CREATED', 'Kaffeehaus Zentral', 'Kaffeehaus Zentral'],
      ['DELETED', null, 'Kaffeehaus Zentral'],
      [undefined, null, undefined],
    ],
  )
})

test('a client gets a code for an invalid cursor (FEED 4.2)', async () => {
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

test('replacing the feed ends open subscriptions with its code (FEED 8.3)', async () => {
  const [own] = await db.sql<{ feed: string }[]>`select feed from feed_head`
  const results = client.iterate({ query: WATCH })
  await results.next()
  const ended = (async () => {
    for await (const result of results)
      if (result.errors) return (result.errors[0]?.extensions as Item)?.code
    return 'completed'
  })()
  await db.sql`update feed_head set feed = gen_random_uuid()`
  assert.equal(await ended, 'CURSOR_OTHER_FEED')
  await db.sql`update feed_head set feed = ${own?.feed ?? ''}`
})

/** Runs `npx touchstone tail …` without the launcher. */
function tail(...args: string[]) {
  const script =
    'const { command } = await import("./cli/commands/tail.ts"); await command.parseAsync(process.argv.slice(1), { from: "user" })'
  const child = spawn(process.execPath, [
    '--input-type=module',
    '-e',
    script,
    '--',
    '--url',
    gateway.url,
    ...args,
  ])
  const seen = { out: '', err: '', code: null as number | null }
  child.stdout.on('data', (d) => {
    seen.out += d
  })
  child.stderr.on('data', (d) => {
    seen.err += d
  })
  const ended = once(child, 'close').then(([code]) => {
    seen.code = code
    return seen
  })
  return { child, seen, ended, lines: () => seen.out.split('\n').filter((l) => l !== '') }
}

test('tail prints the snapshot as JSON lines and ends with the cursor when caught up', async () => {
  const { ended, lines } = tail('--snapshot', '--once', '--json', '--type', 'customer')
  const { code, err } = await ended
  assert.equal(code, 0, err)
  const active = await db.sql<{ id: string }[]>`
    select id from golden where type = 'Customer' and state = 'ACTIVE' order by id`
  const items = lines().map((l) => JSON.parse(l))
  const last = items.pop()
  assert.deepEqual(
    items.map((i) => i.goldenId),
    active.map((g) => g.id),
  )
  assert.equal(last.__typename, 'CaughtUp')
  const resumed = tail('--from', last.cursor, '--once', '--json', '--type', 'customer')
  assert.equal((await resumed.ended).code, 0, 'its cursor is where to go on')
  assert.deepEqual(
    resumed.lines().map((l) => JSON.parse(l).__typename),
    ['CaughtUp'],
  )
})

test('tail follows with readable output, prints where to resume, and resumes there', async () => {
  const first = tail()
  await until(() => first.seen.out.includes('caught up'))
  const item = {
    source: 'erp',
    type: 'Product',
    id: 'T1',
    fields: { name: 'Pump\u001b[31m 3000', sku: 'P-3000' },
  }
  await ingestRecords(db.sql, [item])
  await until(() => first.seen.out.includes('CREATED'))
  first.child.kill('SIGINT')
  const { code, err, out } = await first.ended
  assert.equal(code, 0)
  assert.match(
    out,
    /CREATED {2}PRODUCT Pump\\x1b\[31m 3000 .* \(erp Product T1\)/,
    'and no output controls the terminal',
  )
  const from = /--from (\S+)/.exec(err)?.[1] ?? ''
  await ingestRecords(db.sql, [
    { ...item, version: 2, fields: { ...item.fields, name: 'Pump 3001' } },
  ])
  const second = tail('--from', from, '--once')
  await second.ended
  assert.match(second.seen.out, /UPDATED .*name: "Pump\ufffd?.*" -> "Pump 3001"/)
  assert.equal(second.lines().length, 2)
})

test('tail resumes by itself when the gateway comes back', async () => {
  const port = new URL(gateway.url).port
  const { child, seen, ended, lines } = tail('--json', '--from', 'oldest')
  await until(() => seen.out.includes('CaughtUp'))
  await gateway.close(100)
  await until(() => seen.err.includes('connection lost'))
  gateway = await graph(db.sql, Number(port))
  await ingestRecords(db.sql, [
    { source: 'erp', type: 'Product', id: 'T2', fields: { name: 'Hose 12 mm', sku: 'H-12' } },
  ])
  await until(() => seen.out.includes('Hose'))
  child.kill('SIGTERM')
  assert.equal((await ended).code, 0)
  const positions = lines()
    .map((l) => JSON.parse(l))
    .filter((i) => i.__typename === 'Change')
    .map((i) => i.position)
  assert.deepEqual(
    positions,
    Array.from({ length: positions.length }, (_, i) => i + 1),
    'nothing missed, nothing twice',
  )
})

test('tail reports errors', async () => {
  const [bad, type, nobody] = await Promise.all([
    tail('--from', 'nonsense').ended,
    tail('--type', 'CUSTOMERS').ended,
    tail('--url', 'http://127.0.0.1:9/graphql').ended,
  ])
  assert.deepEqual([bad.code, bad.err.includes('CURSOR_INVALID')], [1, true])
  assert.equal(type.code, 1)
  assert.match(type.err, /"CUSTOMERS" does not exist in "GoldenType"/)
  assert.equal(nobody.code, 1)
  assert.match(nobody.err, /no gateway responds at .*"npm start"/)
})

test('cached responses are never older than an earlier one, and are new soon after each write', async () => {
  const lupo = world.find((r) => r.id === 'C2')
  assert.ok(lupo)
  const id = key('crm', 'Customer', 'C2')
  const caching = await graph(db.sql, 0, undefined, {}, true)
  try {
    const asks = [
      'query One($id: ID!) { customer(id: $id) { id name } }',
      'query All($id: ID!) { customers(first: 200) { nodes { id name } } customer(id: $id) { id } }',
      'query Of($id: ID!) { customer(id: $id) { id contacts { nodes { id customer { id name } } } name } }',
    ]
    const number = (data: Item) => {
      const found = data.customers?.nodes.find((n: Item) => n.id === id) ?? data.customer
      return Number(/ (\d+)$/.exec(found.name)?.[1] ?? 0)
    }
    let written = 0
    let done = false
    const readers = asks.map(async (text) => {
      let last = 0
      let reads = 0
      while (!done || last < written) {
        const is = number(await queryData(caching, text, { id }))
        assert.ok(is >= last, `${text} went back from ${last} to ${is}`)
        last = is
        reads++
      }
      return reads
    })
    for (let n = 1; n <= 15; n++) {
      await ingestRecords(db.sql, [
        { ...lupo, version: 100 + n, fields: { ...lupo.fields, name: `Casa Lupo ${n}` } },
      ])
      written = n
      // The pause between writes lets the cache serve some responses.
      const { hits = 0 } = caching.cache?.stats ?? {}
      await until(() => (caching.cache?.stats.hits ?? 0) > hits + 3)
    }
    done = true
    await Promise.all(readers)
  } finally {
    await caching.close(500)
  }
})
