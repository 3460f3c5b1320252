import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createClient } from 'graphql-sse'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { graph, ingestRecords, queryData } from '../subgraphs/world.ts'
import { fixture } from './fixture.ts'
import { ask, testGateway } from './gateway.ts'
import { until } from './until.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(() => db.drop())

test('reloads the supergraph under load: no request fails, subscriptions continue and new fields appear', async (t) => {
  const made = fixture()
  const it = await testGateway({ fixture: made })
  t.after(() => it.gateway.close(1_000))
  const less = composeSupergraph(made.subgraphs.filter((s) => s.name !== 'billing'))
  const whole = composeSupergraph(made.subgraphs)
  const stream = createClient({ url: it.url, retryAttempts: 0 }).iterate({
    query: 'subscription { changes { position customer { name } } }',
  })
  const first = stream.next()
  await until(() => made.subscribers() === 1)
  let done = false
  let answered = 0
  const callers = Array.from({ length: 8 }, async () => {
    while (!done) {
      const { status, body } = await ask(it.url, '{ customers(first: 3) { name } head }')
      assert.equal(status, 200)
      assert.equal(body.errors, undefined)
      assert.equal(body.data.customers.length, 3)
      answered++
    }
  })
  for (let n = 0; n < 6; n++) {
    const before = answered
    await it.gateway.reload(n % 2 ? whole : less)
    const { body } = await ask(it.url, '{ customer(id: "c1") { invoices { id } } }')
    assert.equal(body.errors?.[0].extensions.code, n % 2 ? undefined : 'GRAPHQL_VALIDATION_FAILED')
    await until(() => answered > before + 20)
  }
  await assert.rejects(it.gateway.reload('type Broken {'))
  done = true
  await Promise.all(callers)
  made.emit({ position: '1', id: 'c1' })
  assert.deepEqual((await first).value?.data, {
    changes: { position: '1', customer: { name: 'Customer 1' } },
  })
  await stream.return?.()
})

test('completes the operations in progress when the server shuts down', async () => {
  const it = await testGateway()
  const pending = Array.from({ length: 20 }, () => ask(it.url, '{ fails(how: "WAIT") }'))
  await until(() => it.gateway.inProgress().operations === 20)
  const closed = it.gateway.close(10_000)
  for (const { status, body } of await Promise.all(pending)) {
    assert.equal(status, 200)
    assert.deepEqual(body.data, { fails: 'waited' })
  }
  await closed
})

test('subscribers that reconnect to another gateway get every change once, through repeated shutdowns under writes', async () => {
  const gateways: Gateway[] = [await graph(db.sql)]
  const { feed } = await queryData(gateways[0] as Gateway, '{ feed { cursor } }')
  const changes = 40
  const got: number[][] = []
  const followers = Array.from({ length: 5 }, async (_, n) => {
    const positions: number[] = []
    got[n] = positions
    let cursor: string = feed.cursor
    while (positions.length < changes) {
      const gateway = gateways.at(-1) as Gateway
      const results = createClient({ url: gateway.url, retryAttempts: 0 }).iterate<{
        changes: { position?: number; cursor: string }
      }>({
        query: `subscription ($after: String) { changes(after: $after) { ... on Change { position cursor } ... on CaughtUp { cursor } } }`,
        variables: { after: cursor },
      })
      try {
        for await (const { data, errors } of results) {
          assert.equal(errors, undefined)
          if (!data) continue
          cursor = data.changes.cursor
          if (data.changes.position !== undefined) positions.push(data.changes.position)
          if (positions.length >= changes) break
        }
      } catch (e) {
        // This gateway closed the socket, or had just stopped listening; the loop tries the next one.
        if (e instanceof assert.AssertionError) throw e
      }
    }
  })
  for (let n = 0; n < changes; n++) {
    const fields = { name: `Kaffeehaus ${n}`, domains: ['kaffeehaus.example'] }
    await ingestRecords(db.sql, [
      { source: 'crm', type: 'Customer', id: 'DRAIN', version: n + 1, fields },
    ])
    if (n % 10 !== 5) continue
    gateways.push(await graph(db.sql))
    await (gateways.at(-2) as Gateway).close(5_000)
  }
  await Promise.all(followers)
  await (gateways.at(-1) as Gateway).close(1_000)
  for (const positions of got)
    assert.deepEqual(
      positions,
      positions.map((_, n) => (positions[0] as number) + n),
    )
})
