import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openDatabase, type Sql } from '../../../mdm/db/database.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { eventually } from '../../e2e/eventually.ts'
import { graph, ingestRecords, key, query, world } from '../../subgraphs/world.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
  await ingestRecords(db.sql, world)
})
after(async () => await db?.drop())

/**
 * Runs `work` with a gateway whose queries have this time limit. `texts` grows by one with each
 * statement that they send.
 */
async function limited(
  queryMsMax: number,
  work: (gateway: Awaited<ReturnType<typeof graph>>, texts: string[]) => Promise<void>,
): Promise<void> {
  const texts: string[] = []
  const feed = openDatabase(db.url, { connectionsMax: 3, name: 'test-feed' })
  const reads = openDatabase(db.url, {
    connectionsMax: 3,
    name: 'test-reads',
    statementMsMax: queryMsMax,
  })
  const sql = new Proxy(reads, {
    get(target, name) {
      if (name === 'unsafe') texts.push('')
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  }) as Sql
  const gateway = await graph(feed, 0, undefined, { sql }, true, { queryMsMax })
  try {
    await work(gateway, texts)
  } finally {
    await gateway.close(0)
    await Promise.all([feed, reads].map((s) => s.end({ timeout: 1 })))
  }
}

/** Runs `work` while these tables are locked against reads. */
async function locked(tables: string, work: (unlock: () => void) => Promise<void>): Promise<void> {
  const done = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const lock = db.sql.begin(async (tx) => {
    await tx.unsafe(`lock table ${tables} in access exclusive mode`)
    held.resolve()
    await done.promise
  })
  await held.promise
  try {
    await work(() => done.resolve())
  } finally {
    done.resolve()
    await lock
  }
}

const running = async () =>
  (
    await db.sql`select 1 from pg_stat_activity
      where datname = current_database() and application_name = 'test-reads' and state = 'active'`
  ).length

test('a query over the time limit returns a code, and the database stops working on it', async () => {
  await limited(1_000, async (gateway) => {
    await locked('invoice', async () => {
      const slow = query(gateway, '{ customers { nodes { name invoices { nodes { number } } } } }')
      await eventually(async () => (await running()) > 0)
      // Other queries continue.
      assert.equal(
        (await query(gateway, '{ customers(first: 1) { nodes { name } } }')).errors,
        undefined,
      )
      const { data, errors } = await slow
      assert.equal(data, null)
      assert.deepEqual(
        errors?.map((e) => e.extensions.code),
        ['TIMEOUT'],
      )
      assert.match(errors?.[0]?.message ?? '', /longer than 1000 ms/)
      // The lock is still held here.
      await eventually(async () => (await running()) === 0)
    })
    const { errors } = await query(
      gateway,
      '{ customers { nodes { name invoices { nodes { number } } } } }',
    )
    assert.equal(errors, undefined)
  })
})

test('reads nothing more for a client that disconnected; a caller that shares the response gets it', async () => {
  await limited(60_000, async (gateway, texts) => {
    const deep = (first: number) =>
      `{ customers(first: ${first}) { nodes { name contracts { nodes { number } } } } }`
    const ask = (first: number, signal: AbortSignal) =>
      fetch(gateway.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: deep(first) }),
        signal,
      })
    for (const others of [0, 1]) {
      const begun = texts.length
      await locked('golden', async (unlock) => {
        const client = new AbortController()
        const gone = assert.rejects(ask(3 + others, client.signal), /abort/i)
        await eventually(async () => (await running()) === 1)
        const waiting = others ? query(gateway, deep(3 + others)) : null
        await eventually(() => gateway.inProgress().operations === 1 + others)
        assert.equal(gateway.cache?.stats.joined, others)
        client.abort()
        await gone
        // A response to a later request proves that the server has noticed the disconnect.
        assert.equal((await query(gateway, '{ __typename }')).errors, undefined)
        unlock()
        if (waiting) assert.ok((await waiting).data.customers.nodes.length > 0)
      })
      await eventually(() => gateway.inProgress().operations === 0)
      // For the client that left, only customers were read; for the one that stayed, contracts too.
      assert.equal(texts.length - begun, 1 + 2 * others)
    }
  })
})

test('a client that disconnects does not affect callers of the same operation at the same time', async () => {
  await limited(60_000, async (gateway) => {
    const text =
      'query ($id: ID!) { customer(id: $id) { aliases totals { openInvoices } history(first: 3) { totalCount nodes { version } } } }'
    const ids = ['C1', 'C2', 'C3'].map((id) => key('crm', 'Customer', id))
    const alone = await Promise.all(ids.map((id) => query(gateway, text, { id })))
    for (let round = 0; round < 30; round++) {
      const leave = async (n: number) => {
        const body = JSON.stringify({ query: text, variables: { id: ids[n % 3] } })
        const client = new AbortController()
        setTimeout(() => client.abort(), 1 + ((round + n) % 12))
        const headers = { 'content-type': 'application/json' }
        await (
          await fetch(gateway.url, { method: 'POST', headers, body, signal: client.signal })
        ).text()
      }
      const left = Promise.allSettled(Array.from({ length: 12 }, (_, n) => leave(n)))
      assert.deepEqual(await Promise.all(ids.map((id) => query(gateway, text, { id }))), alone)
      await left
    }
  })
})
