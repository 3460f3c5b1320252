import assert from 'node:assert/strict'
import { chmodSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { command as keysCommand } from '../../../cli/commands/keys.ts'
import { command as tailCommand } from '../../../cli/commands/tail.ts'
import { command as tokenCommand } from '../../../cli/commands/token.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
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

test('uses the development caller without a token and the named caller with one; if required, rejects requests without credentials', async (t) => {
  const { dir } = dataDirectory(t)
  const env = { DATABASE_URL: db.url }
  const store = ['--database-url', db.url]
  const token = (...args: string[]) => runCommand(tokenCommand, [...args, '--data-dir', dir])
  const keys = (...args: string[]) => runCommand(keysCommand, [...args, ...store])
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
    /"msg":"no authentication: callers on this machine are the development caller/,
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
  assert.deepEqual((await ask(url, query, bearer(key))).body, {
    data: { customers: { totalCount: 0 } },
  })
  assert.match((await keys('list')).output, /app \(reader\) valid; last used 2/)
  const tail = (...more: string[]) =>
    runCommand(tailCommand, ['--url', url, '--snapshot', '--once', ...more])
  assert.equal((await tail('--token', key)).code, 0)
  assert.match(
    (await tail()).output,
    /rejected: 401: .* requires authentication: pass .* with --token/,
  )
  assert.match(
    (await tail('--from', 'oldest', '--token', 'wrong')).output,
    /rejected: 401: .* requires authentication/,
  )
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
