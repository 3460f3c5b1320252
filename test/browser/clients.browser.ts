import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Browser, chromium, type Page as Tab } from 'playwright-core'
import type { Gateway } from '../../gateway/gateway.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { eventually as until } from '../e2e/eventually.ts'
import { graph, ingestRecords, key, world } from '../subgraphs/world.ts'
import { chromiumPath, FLAGS, skip } from './chromium.ts'
import type { ClientName, Note, Page, Result, Transport } from './page.ts'

/** Real clients in a real browser, in a page of another origin. */
const CHANGES = `subscription Changes($after: String) {
  changes(types: [CUSTOMER], after: $after) {
    __typename
    ... on Change { cursor position }
    ... on CaughtUp { cursor }
    ... on Lagged { cursor }
  }
}`
const OVERRIDE = `mutation Override($id: ID!, $version: Int!, $value: JSON!, $key: String!) {
  overrideField(input: { record: { id: $id, version: $version }, field: "paymentTerms", value: $value }, reason: "from a page", idempotencyKey: $key) {
    kind: __typename
  }
}`
const ways = (['apollo', 'urql'] as const).flatMap((client) =>
  (['ws', 'sse'] as const).map((transport) => ({ client, transport })),
)

describe('clients in a page of another origin', { skip }, () => {
  let db: TestDatabase
  let gateway: Gateway
  let app: Server
  let browser: Browser
  let tab: Tab
  let allowed: string
  const blocked: string[] = []

  before(async () => {
    db = await testDatabase()
    await ingestRecords(db.sql, world)
    const bundle = await build({
      entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))],
      bundle: true,
      format: 'iife',
      write: false,
      define: { 'process.env.NODE_ENV': '"production"' },
    })
    const script = bundle.outputFiles[0]?.text ?? ''
    app = createServer((req, res) => {
      const isScript = req.url === '/page.js'
      res.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
      res.end(
        isScript ? script : '<!doctype html><title>app</title><script src="/page.js"></script>',
      )
    }).listen(0)
    const { port } = app.address() as AddressInfo
    // Another host name than that of the gateway, and another port.
    allowed = `http://localhost:${port}`
    gateway = await startAt(0)
    browser = await chromium.launch({ executablePath: chromiumPath as string, args: FLAGS })
    tab = await open(`${allowed}/?gateway=${encodeURIComponent(gateway.url)}`)
  })
  after(async () => {
    await browser?.close()
    app?.close()
    await gateway?.close(500)
    await db?.drop()
  })

  const startAt = (port: number) =>
    graph(db.sql, port, undefined, {}, false, {}, { originsAllowed: [allowed] })
  const open = async (url: string): Promise<Tab> => {
    const opened = await browser.newPage()
    opened.on('console', (message) => blocked.push(message.text()))
    await opened.goto(url)
    return opened
  }
  const query = (client: ClientName, text: string, on = tab) =>
    on.evaluate(([c, t]) => pageOf().query(c as ClientName, t as string), [client, text])
  const notesOf = (name: string): Promise<Note[]> =>
    tab.evaluate((n) => pageOf().notes(n as string), name)

  for (const client of ['apollo', 'urql'] as const)
    test(`${client}: a query and a mutation`, async () => {
      const { data, error } = await query(
        client,
        'query Customers { customers(first: 2) { totalCount nodes { id name } } }',
      )
      assert.equal(error, undefined)
      assert.ok(data.customers.totalCount > 2)
      const found = await query(
        client,
        `query Before { customer(id: "${key('crm', 'Customer', 'C1')}") { id version } }`,
      )
      const variables = { ...found.data.customer, value: `NET-${client}`, key: client }
      const done: Result = await tab.evaluate(
        ([c, text, v]) => pageOf().mutate(c as ClientName, text as string, v as object as never),
        [client, OVERRIDE, variables],
      )
      assert.equal(done.error, undefined)
      assert.equal(done.data.overrideField.kind, 'ActionDone')
      const { data: changed } = await query(
        client,
        `query After { customer(id: "${variables.id}") { id paymentTerms } }`,
      )
      assert.equal(changed.customer.paymentTerms, `NET-${client}`)
    })

  test('subscriptions over WebSocket and event stream get every event once, through a restart', async () => {
    const positions = async () =>
      (
        await db.sql<
          { position: number }[]
        >`select position from change where type = 'Customer' order by position`
      ).map((r) => Number(r.position))
    const before = (await positions()).length
    const name = (w: { client: ClientName; transport: Transport }) => `${w.client} ${w.transport}`
    for (const way of ways)
      await tab.evaluate(
        ([client, transport, n, text]) =>
          pageOf().subscribe(
            client as ClientName,
            transport as Transport,
            n as string,
            text as string,
          ),
        [way.client, way.transport, name(way), CHANGES],
      )
    for (const way of ways)
      await until(async () => (await notesOf(name(way))).some((n) => n.type === 'CaughtUp'))

    let n = 0
    const change = async (times: number) => {
      for (let i = 0; i < times; i++) {
        n++
        const fields = { name: `Kaffeehaus ${n}`, domains: ['kaffeehaus.example'] }
        await ingestRecords(db.sql, [
          { source: 'crm', type: 'Customer', id: 'PAGE', version: n + 1, fields },
        ])
      }
    }
    const received = async () =>
      Promise.all(
        ways.map(async (way) =>
          (await notesOf(name(way))).flatMap((note) =>
            note.type === 'Change' ? [note.position] : [],
          ),
        ),
      )
    await change(3)
    await until(async () => (await received()).every((p) => p.length === 3))
    for (let round = 0; round < 2; round++) {
      const port = Number(new URL(gateway.url).port)
      await gateway.close(2_000)
      await change(4)
      gateway = await startAt(port)
      await change(3)
    }
    const expected = (await positions()).slice(before)
    assert.equal(expected.length, 17)
    await until(async () => (await received()).every((p) => p.length >= 17))
    for (const [i, got] of (await received()).entries())
      assert.deepEqual(got, expected, name(ways[i] as (typeof ways)[number]))
    for (const way of ways)
      assert.deepEqual(
        (await notesOf(name(way))).filter((note) => note.error !== undefined),
        [],
      )
  })

  test('an EventSource resumes by itself with Last-Event-ID', async () => {
    const url = `${gateway.url}?query=${encodeURIComponent('subscription { changes(types: [CUSTOMER]) { ... on Change { position } } }')}`
    await tab.evaluate((u) => {
      const got: number[] = []
      Object.assign(globalThis, { got })
      const source = new EventSource(u as string)
      source.addEventListener('next', (e) => {
        const { position } = JSON.parse((e as MessageEvent).data).data.changes
        if (position) got.push(position)
      })
    }, url)
    const got = (): Promise<number[]> =>
      tab.evaluate(() => (globalThis as never as { got: number[] }).got)
    await until(() => gateway.inProgress().streams >= 3)
    const rename = (n: number) =>
      ingestRecords(db.sql, [
        {
          source: 'crm',
          type: 'Customer',
          id: 'SOURCE',
          version: n,
          fields: { name: `Quelle ${n}` },
        },
      ])
    await rename(1)
    await until(async () => (await got()).length === 1)
    const port = Number(new URL(gateway.url).port)
    await gateway.close(2_000)
    await rename(2)
    gateway = await startAt(port)
    await rename(3)
    await until(async () => (await got()).length === 3)
    const [first = 0] = await got()
    assert.deepEqual(await got(), [first, first + 1, first + 2])
  })

  test('a page of another origin gets nothing', async () => {
    const { port } = app.address() as AddressInfo
    const other = await open(`http://127.0.0.1:${port}/?gateway=${encodeURIComponent(gateway.url)}`)
    const outcome = await other.evaluate(
      (url) =>
        fetch(url as string, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"query":"{__typename}"}',
        }).then(
          (r) => r.status,
          (e) => `${e}`,
        ),
      gateway.url,
    )
    assert.match(String(outcome), /Failed to fetch/)
    assert.ok(blocked.some((text) => text.includes('blocked by CORS policy')))
    await other.close()
  })
})

/** The functions of the page; called in the browser only. */
declare function pageOf(): Page
