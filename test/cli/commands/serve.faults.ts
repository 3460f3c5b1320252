import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sign } from '../../../connectors/signature.ts'
import { temporaryServer } from '../../database.ts'
import { developerHeaders } from '../../developer.ts'
import { eventually } from '../../e2e/eventually.ts'
import { ask } from '../../gateway/gateway.ts'
import { until } from '../../gateway/until.ts'
import { dataDirectory, type RunningCommand, touchstone } from '../process.ts'

let server: Awaited<ReturnType<typeof temporaryServer>>
let database: string
before(async () => {
  server = await temporaryServer()
  database = server.url('postgres')
})
after(() => server.stop())

async function serve(args: string[], dir: string, env: Record<string, string> = {}) {
  const command = touchstone([...args, '--port', '0'], dir, { DATABASE_URL: database, ...env })
  const line = await command.says(/\{.*"msg":"started"\}/)
  return { command, url: (JSON.parse(line[0]) as { url: string }).url }
}

async function stop(...commands: RunningCommand[]) {
  for (const c of commands) c.child.kill('SIGTERM')
  for (const c of commands) assert.equal(await c.ended, 0, c.output())
}

test('while the database is away, queries return an error code and deliveries are not acknowledged; then everything resumes', async (t) => {
  const { dir } = dataDirectory(t)
  const { command, url } = await serve(['serve'], dir)
  const query = '{ customers { totalCount } }'
  const ready = async () => (await fetch(new URL('/health/ready', url))).status
  assert.ok((await ask(url, query)).body.data)
  assert.equal(await ready(), 200)

  const port = new URL(database).port
  await server.pause()
  await until(
    async () => (await ask(url, query)).body.errors?.[0].extensions.code === 'UNAVAILABLE',
  )
  assert.equal(await ready(), 503)
  assert.equal((await fetch(new URL('/health/live', url))).status, 200)
  assert.equal((await deliver(url)).status, 503)

  await server.resume()
  assert.equal(new URL(server.url('postgres')).port, port)
  await until(async () => (await ask(url, query)).body.data !== undefined)
  assert.equal(await ready(), 200)
  // The sender retries and gets 202; then the message is applied.
  await until(async () => (await deliver(url)).status === 202)
  await until(async () => (await found()) === 1)
  await stop(command)

  async function found() {
    const { body } = await ask(
      url,
      '{ customers(filter: { name: { eq: "Away and Back Ltd" } }) { totalCount } }',
    )
    return body.data?.customers.totalCount
  }
})

test('gateway workers share one port, add up their metrics, are replaced when they die, and drain', async (t) => {
  const { dir } = dataDirectory(t)
  const { command, url } = await serve(
    ['serve', '--roles', 'gateway', '--gateway-workers', '2'],
    dir,
  )
  const pids = () =>
    [...command.output().matchAll(/"pid":(\d+),"roles":\["gateway"\]/g)].map((m) => Number(m[1]))
  const started = () => pids().filter((pid) => pid !== command.child.pid)
  await eventually(() => pids().includes(command.child.pid as number) && started().length === 2)
  const count = 30
  // A connection per request, so that both workers get requests.
  const asked = (headers = { connection: 'close' }) =>
    ask(url, 'query Counted { feed { id } }', { headers })
  for (const { status } of await Promise.all(Array.from({ length: count }, () => asked())))
    assert.equal(status, 200)
  const metrics = await (
    await fetch(new URL('/metrics', url), { headers: developerHeaders(url) })
  ).text()
  const of = [...metrics.matchAll(/^touchstone_\S*count\{[^}]*Counted[^}]*\} (\d+)/gm)]
  assert.equal(of[0]?.[1], String(count))
  assert.match(metrics, /^touchstone_database_up 1$/m)
  process.kill(started()[0] as number, 'SIGKILL')
  await eventually(() => started().length === 3)
  assert.equal((await asked()).status, 200)
  await stop(command)
  for (const pid of started()) assert.throws(() => process.kill(pid, 0))
})

function deliver(url: string): Promise<Response> {
  const body = JSON.stringify({
    id: 'evt_away',
    object: 'event',
    type: 'customer.created',
    created: 1_790_000_000,
    data: {
      object: {
        id: 'cus_away',
        object: 'customer',
        name: 'Away and Back Ltd',
        created: 1_790_000_000,
      },
    },
  })
  const headers = sign('STRIPE', 'whsec_development_stripe', body, Date.now(), '')
  return fetch(new URL('/ingest/stripe', url), {
    method: 'POST',
    body,
    headers: { ...developerHeaders(url), ...headers, 'content-type': 'application/json' },
  })
}
