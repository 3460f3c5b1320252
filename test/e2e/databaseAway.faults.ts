import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { type PostgresServer, startServer } from '../../cli/embeddedPostgres/server.ts'
import { dataDirectory, touchstone } from '../cli/process.ts'
import { developerHeaders } from '../developer.ts'
import { ask } from '../gateway/gateway.ts'
import { delivery, post } from './deliveries.ts'
import { eventually } from './eventually.ts'
import { running } from './running.ts'

const shopCustomer = (id: string, name: string) =>
  delivery(
    'webshop',
    'customers',
    JSON.stringify({
      shop_customer_id: id,
      company_name: name,
      stage: 'customer',
      modified_at: '2026-01-01T00:00:00Z',
    }),
  )

/** Duration of the outage. */
const awayMs = 2_000

/** An external database with a password. */
let server: PostgresServer
const serverDir = mkdtempSync(join(tmpdir(), 'touchstone-away-'))
before(async () => {
  server = await startServer({ dir: serverDir, durable: true, superuser: true })
})
after(async () => {
  await server.stop()
  rmSync(serverDir, { recursive: true, force: true })
})

test('an error about an unavailable database at the start names it and the reason', async (t) => {
  const { dir } = dataDirectory(t)
  const url = new URL(server.url('postgres'))
  const starts = (change: (u: URL) => void) => {
    const wrong = new URL(url)
    change(wrong)
    return touchstone(['start', '--port', '0'], dir, { DATABASE_URL: wrong.href })
  }
  const password = starts((u) => {
    u.password = 'not-the-password'
  })
  const database = starts((u) => {
    u.pathname = '/no_such_database'
  })
  assert.equal(await password.ended, 1)
  assert.match(password.output(), /password authentication failed/)
  assert.doesNotMatch(password.output(), /not-the-password/)
  assert.equal(await database.ended, 1)
  assert.match(database.output(), /database "no_such_database" does not exist/)
})

test('during a database outage, queries report it and deliveries are to be retried; afterwards everything recovers', async (t) => {
  const { dir } = dataDirectory(t)
  const databaseUrl = server.url('postgres')
  const it = await running(dir, { DATABASE_URL: databaseUrl })
  t.after(() => void it.command.child.kill('SIGKILL'))
  const origin = new URL(it.url).origin
  const ready = async () => (await fetch(`${origin}/health/ready`)).status
  assert.equal((await post(origin, shopCustomer('1', 'Casa Lupo S.r.l.'))).status, 202)
  await it.customer('webshop', '1', 'name')
  assert.equal(await ready(), 200)

  const ws = createClient({
    url: it.url.replace('http', 'ws'),
    connectionParams: () => developerHeaders(it.url),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  })
  t.after(() => ws.dispose())
  const names: string[] = []
  const streamed = (async () => {
    for await (const { data, errors } of ws.iterate<{
      changes: { __typename: string; after?: { name: string } }
    }>({
      query: 'subscription { changes { __typename ... on Change { after } } }',
    })) {
      assert.equal(errors, undefined)
      names.push(data?.changes.after?.name ?? data?.changes.__typename ?? '')
      if (names.at(-1) === 'Blue Fen Ltd') return
    }
  })()
  await eventually(() => names.includes('CaughtUp'))

  await server.stop()
  const away = Date.now()
  const answer = await ask(it.url, '{ customers(first: 1) { totalCount } }')
  const [error] = answer.body.errors
  assert.equal(error.extensions.code, 'UNAVAILABLE', JSON.stringify(answer.body))
  assert.ok(error.extensions.correlationId)
  assert.doesNotMatch(
    JSON.stringify(answer.body),
    /ECONN|127\.0\.0\.1|postgres/,
    'the response shows neither address nor driver text',
  )
  const refused = await post(origin, shopCustomer('2', 'Blue Fen Ltd'))
  assert.deepEqual([refused.status, refused.body.code], [503, 'NOT_STORED'])
  assert.match(refused.retryAfter ?? '', /^\d+$/)
  assert.equal(await ready(), 503)
  assert.equal((await fetch(`${origin}/health/live`)).status, 200)
  await sleep(Math.max(0, awayMs - (Date.now() - away)))

  server = await startServer({ dir: serverDir, durable: true, superuser: true })
  assert.equal(server.url('postgres'), databaseUrl)
  await eventually(async () => (await ready()) === 200)
  await eventually(async () => (await post(origin, shopCustomer('2', 'Blue Fen Ltd'))).status < 300)
  assert.equal((await it.customer('webshop', '2', 'name')).name, 'Blue Fen Ltd')
  assert.equal((await it.customer('webshop', '1', 'name')).name, 'Casa Lupo S.r.l.')
  await streamed
  // On a busy machine the feed may reach the first change after the subscription has begun.
  const isLate = names[1] === 'Casa Lupo S.r.l.'
  assert.deepEqual(names.toSpliced(1, isLate ? 1 : 0), ['CaughtUp', 'Blue Fen Ltd'])

  await server.stop()
  assert.equal((await post(origin, shopCustomer('3', 'Casa Lupo'))).status, 503)
  assert.equal(await it.stop(), 0, 'stops on SIGTERM while the database is away')
  assert.match(it.command.output(), /Stopped\./)
})
