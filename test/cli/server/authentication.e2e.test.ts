import assert from 'node:assert/strict'
import { chmodSync, readFileSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { WebSocket } from 'ws'
import { command as keysCommand } from '../../../cli/commands/keys.ts'
import { command as linkCommand } from '../../../cli/commands/link.ts'
import { command as tailCommand } from '../../../cli/commands/tail.ts'
import { command as tokenCommand } from '../../../cli/commands/token.ts'
import { readDevelopmentSecret } from '../../../gateway/identity/developmentSecret.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { post as deliverTo, delivery } from '../../e2e/deliveries.ts'
import { ask } from '../../gateway/gateway.ts'
import { until } from '../../gateway/until.ts'
import { dataDirectory, type RunningCommand, touchstone } from '../process.ts'
import { runCommand } from '../runCommand.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

const query = '{ customers { totalCount } }'

test('uses the development caller with the secret and the named caller with a token; if required, rejects both', async (t) => {
  const { dir } = dataDirectory(t)
  const env = { DATABASE_URL: db.url }
  const token = (...args: string[]) => runCommand(tokenCommand, [...args, '--data-dir', dir])
  const keys = (...args: string[]) => runCommand(keysCommand, args, env)
  const running: RunningCommand[] = []
  t.after(() => {
    for (const r of running) r.child.kill('SIGTERM')
  })
  const serve = async (more: Record<string, string> = {}, ...args: string[]) => {
    const run = touchstone(['serve', '--roles', 'gateway', '--port', '0', ...args], dir, {
      ...env,
      ...more,
    })
    running.push(run)
    const line = await run.says(/\{.*"msg":"started"\}/)
    return { run, url: (JSON.parse(line[0]) as { url: string }).url }
  }

  // Development mode accepts the default caller and tokens of the built-in issuer.
  const development = await serve()
  assert.match(
    development.run.output(),
    /"file":"[^"]*development-secret","msg":"no authentication: (processes of this user, and )?callers on this machine who know the secret/,
  )
  assert.deepEqual((await ask(development.url, query)).body, {
    data: { customers: { totalCount: 0 } },
  })
  const made = (await token('--role', 'reader', '--actor', 'bob')).stdout.trim()
  assert.match(made, /^ey[\w.-]+$/)
  assert.equal(statSync(join(dir, 'development-key.json')).mode & 0o777, 0o600)
  const bearer = (text: string) => ({ headers: { authorization: `Bearer ${text}` } })
  assert.ok((await ask(development.url, query, bearer(made))).body.data)
  assert.equal((await ask(development.url, query, bearer(`${made.slice(0, -4)}AAAA`))).status, 401)
  assert.match((await token('--role', 'king')).output, /no role "king"; there are reader, steward/)

  // Refuses to listen beyond this machine while no caller can authenticate.
  const alone = touchstone(
    ['serve', '--roles', 'gateway', '--port', '0', '--host', '0.0.0.0'],
    dir,
    env,
  )
  assert.equal(await alone.ended, 1)
  assert.match(alone.output(), /listening on 0\.0\.0\.0.*TOUCHSTONE_AUTH_ISSUER.*keys create/)

  // With required authentication, an API key is accepted and a development token is not.
  const { code, output } = await keys('create', 'app', '--role', 'reader')
  assert.equal(code, 0, output)
  const [key = ''] = /tsk_\S+/.exec(output) ?? []
  const required = await serve({ TOUCHSTONE_AUTHENTICATION: 'required' }, '--host', '0.0.0.0')
  const url = required.url.replace('0.0.0.0', '127.0.0.1')
  assert.equal((await ask(url, query)).status, 401)
  assert.equal((await ask(url, query, bearer(made))).status, 401)
  assert.equal((await ask(url, query, bearer(readDevelopmentSecret(dir) ?? ''))).status, 401)
  assert.deepEqual((await ask(url, query, bearer(key))).body, {
    data: { customers: { totalCount: 0 } },
  })
  assert.match((await keys('list')).output, /app \(reader\) valid; last used 2/)
  const tail = (as: Record<string, string>, ...more: string[]) =>
    runCommand(tailCommand, ['--url', url, '--snapshot', '--once', ...more], as)
  assert.equal((await tail({ TOUCHSTONE_TOKEN: key })).code, 0)
  assert.match(
    (await tail({})).output,
    /rejected: 401: .* requires authentication: set TOUCHSTONE_TOKEN/,
  )
  assert.match(
    (await tail({ TOUCHSTONE_TOKEN: 'wrong' }, '--from', 'oldest')).output,
    /rejected: 401: .* requires authentication/,
  )
  const shown = (await tail({}, '--token', key)).output
  assert.match(shown, /--token shows a secret to every user of this machine: set TOUCHSTONE_TOKEN/)
  assert.ok(!shown.includes(key))
  const rotated = /tsk_\S+/.exec((await keys('rotate', 'app', '--overlap', '1h')).output)?.[0] ?? ''
  for (const k of [key, rotated]) assert.equal((await ask(url, query, bearer(k))).status, 200)
  assert.match((await keys('revoke', 'app')).output, /2 keys revoked/)
  for (const k of [key, rotated])
    await until(async () => (await ask(url, query, bearer(k))).status === 401)

  // A key file that others can read is refused.
  chmodSync(join(dir, 'development-key.json'), 0o644)
  assert.match(
    (await token('--role', 'reader')).output,
    /can be read by others than its owner: chmod 600/,
  )
})

test('without authentication nobody gets in without the secret of the latest start', async (t) => {
  const { dir } = dataDirectory(t)
  const file = join(dir, 'development-secret')
  const running: RunningCommand[] = []
  t.after(() => {
    for (const r of running) r.child.kill('SIGTERM')
  })
  const serve = async (...args: string[]) => {
    const run = touchstone(['serve', '--roles', 'gateway', '--port', '0', ...args], dir, {
      DATABASE_URL: db.url,
      TOUCHSTONE_DEVELOPMENT_ACCESS: 'secret',
    })
    running.push(run)
    const line = await run.says(/\{.*"msg":"started"\}/)
    return (JSON.parse(line[0]) as { url: string }).url
  }
  // A file or a link of somebody else is replaced.
  writeFileSync(join(dir, 'theirs'), 'tsd_theirs\n', { mode: 0o666 })
  symlinkSync(join(dir, 'theirs'), file)
  const url = await serve()
  const first = readDevelopmentSecret(dir) ?? ''
  assert.match(first, /^tsd_[\w-]{43}$/)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(readFileSync(join(dir, 'theirs'), 'utf8'), 'tsd_theirs\n')

  const post = async (headers: Record<string, string>, search = '', path = '/graphql') =>
    (
      await fetch(new URL(`${path}${search}`, url), {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query }),
      })
    ).status
  const get = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(new URL(path, url), { headers })).status
  const authorization = `Bearer ${first}`
  assert.equal(await post({ authorization }), 200)
  const wrong: Record<string, Record<string, string>> = {
    nothing: {},
    'names of the developer': { 'x-touchstone-actor': 'root', 'x-touchstone-roles': '*' },
    'another secret': { authorization: `Bearer tsd_${'A'.repeat(43)}` },
    'the beginning of the secret': { authorization: authorization.slice(0, -1) },
    'the secret and more': { authorization: `${authorization}A` },
    'the secret in capitals': { authorization: `Bearer ${first.toUpperCase()}` },
    'the name of the secret': { authorization: 'Bearer tsd_' },
    'the secret of a link': { authorization: 'Bearer tsd_theirs' },
    'the secret as a key': { 'x-api-key': first },
    'a cookie': { cookie: `secret=${first}; authorization=${first}; touchstone-secret=${first}` },
    'the secret twice': { authorization: `${authorization}, ${authorization}` },
    Basic: { authorization: `Basic ${Buffer.from(`development:${first}`).toString('base64')}` },
  }
  for (const [name, headers] of Object.entries(wrong)) assert.equal(await post(headers), 401, name)
  assert.equal(await post({}, `?secret=${first}&authorization=${first}`), 401)
  assert.equal(await get(`/graphql?query=${encodeURIComponent(query)}`), 401)
  assert.equal(await get('/graphql?query={__typename}', { accept: 'text/event-stream' }), 401)
  assert.equal(await get('/metrics'), 401)
  assert.equal(await get('/metrics', { authorization }), 200)
  assert.equal(await get('/graphql', { accept: 'text/html' }), 200, 'the page holds no data')
  assert.equal(await get('/health/live'), 200)
  const socket = (payload: object, headers: Record<string, string> = {}) =>
    new Promise<string>((resolve) => {
      const ws = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws', { headers })
      ws.once('open', () => ws.send(JSON.stringify({ type: 'connection_init', payload })))
      ws.once('message', () => {
        ws.close()
        resolve('open')
      })
      ws.once('close', (code) => resolve(String(code)))
      ws.once('error', (e) => resolve(e.message))
    })
  assert.equal(await socket({}), '4401')
  assert.equal(await socket({}, { cookie: `secret=${first}` }), '4401')
  assert.equal(await socket({ authorization: 'Bearer tsd_theirs' }), '4401')
  assert.equal(await socket({ authorization }), 'open')
  const other = `http://127.0.0.1:${Number(new URL(url).port) ^ 1}`
  assert.match(await socket({ authorization }, { origin: other }), /403/)

  // The secrets of the demo's source systems are public: they prove nothing about a local sender.
  const forged = delivery('stripe', null, JSON.stringify({ id: 'evt_1', object: 'event' }))
  const deliver = async (bearer: string) =>
    (await deliverTo(url, forged, { headers: { authorization: `Bearer ${bearer}` } })).body.code
  assert.equal(await deliver('tsd_theirs'), 'NO_SECRET')
  assert.equal(await deliver(''), 'UNAUTHENTICATED')
  const stored = async () => (await db.sql`select 1 from inbox`).length
  assert.equal(await stored(), 0)
  assert.equal(await deliver(first), undefined)
  assert.equal(await stored(), 1)

  const { output } = await runCommand(linkCommand, ['--data-dir', dir, '--port', '4000'])
  assert.equal(output.trim(), `http://127.0.0.1:4000/graphql#secret=${first}`)

  // The next start on the directory has another secret, which the older process follows.
  const second = await serve()
  const next = readDevelopmentSecret(dir) ?? ''
  assert.notEqual(next, first)
  assert.equal((await ask(second, query)).status, 200)
  assert.equal(await post({ authorization: `Bearer ${next}` }), 200)
  await until(async () => (await post({ authorization })) === 401)

  // A file that others read or own is no secret.
  chmodSync(file, 0o644)
  await until(async () => (await post({ authorization: `Bearer ${next}` })) === 401)
  assert.match(
    (await runCommand(linkCommand, ['--data-dir', dir])).output,
    /not a file of its owner alone/,
  )
  unlinkSync(file)
  symlinkSync(join(dir, 'theirs'), file)
  assert.equal(await post({ authorization: 'Bearer tsd_theirs' }), 401)
})
