import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { packagePath } from '../../../cli/config/packagePath.ts'
import { operationHash } from '../../../mdm/access/operations.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { developerHeaders } from '../../developer.ts'
import { ask } from '../../gateway/gateway.ts'
import { until } from '../../gateway/until.ts'
import { dataDirectory, touchstone } from '../process.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

const COUNT = 'query Count { customers { totalCount } }\n'
const PAGE = 'query Page($first: Int) { customers(first: $first) { nodes { id } } }'

test('publishes, names, lists, checks and retires operations while a running gateway follows', async (t) => {
  const { dir } = dataDirectory(t)
  const file = (name: string, text: string) => {
    writeFileSync(join(dir, name), text)
    return join(dir, name)
  }
  const env = { DATABASE_URL: db.url, TOUCHSTONE_OPERATIONS: 'published' }
  const command = async (...args: string[]) => {
    const run = touchstone(args, dir, env)
    return { code: await run.ended, text: run.output() }
  }
  const server = touchstone(['serve', '--roles', 'gateway', '--port', '0'], dir, env)
  t.after(() => void server.child.kill('SIGTERM'))
  const manifest = JSON.stringify({
    format: 'apollo-persisted-query-manifest',
    version: 1,
    operations: [{ id: operationHash(PAGE), name: 'Page', type: 'query', body: PAGE }],
  })
  const graphql = file('count.graphql', COUNT)
  const [made, started] = await Promise.all([
    command('operations', 'publish', graphql, file('app.json', manifest), '--client', 'app'),
    server.says(/\{.*"msg":"started"\}/),
  ])
  assert.equal(made.code, 0, made.text)
  assert.match(made.text, new RegExp(`^${operationHash(COUNT)} app Count published$`, 'm'))
  assert.match(made.text, new RegExp(`^${operationHash(PAGE)} app Page published$`, 'm'))

  const { url } = JSON.parse(started[0]) as { url: string }
  const named = async (text: string) => {
    const res = await fetch(`${url}?documentId=${operationHash(text)}`, {
      headers: developerHeaders(url),
    })
    return (await res.json()) as { data?: unknown; errors?: [{ extensions: { code: string } }] }
  }
  await until(async () => (await named(COUNT)).data !== undefined)
  assert.deepEqual(await named(COUNT), { data: { customers: { totalCount: 0 } } })
  assert.equal(
    (await ask(url, '{ customers { totalCount } }')).body.errors[0].extensions.code,
    'PERSISTED_QUERY_REQUIRED',
  )

  // Published against an earlier graph that still had `customers.pages`.
  const gone = 'query Old { customers { pages } }'
  await db.sql`insert into operation (hash, client, text, names, published_by)
    values (${operationHash(gone)}, 'old', ${gone}, '{Old}', 'test')`
  const supergraph = readFileSync(packagePath('supergraph.graphql'), 'utf8')
  const earlier = file(
    'earlier.graphql',
    supergraph.replace(/^type CustomerConnection .*\{$/m, '$&\n  pages: Int'),
  )
  const [checked, listed, retired] = await Promise.all([
    command('schema', 'check', '--against', earlier, '--published'),
    command('operations', 'list', '--client', 'app'),
    command('operations', 'retire', operationHash(COUNT).slice(0, 12)),
  ])
  assert.equal(checked.code, 1)
  assert.match(checked.text, /^BREAKING {2}CustomerConnection\.pages: was removed$/m)
  assert.match(checked.text, /^REFUSED {3}Old \(\w{12}\) of old: Cannot query field "pages"/m)
  assert.doesNotMatch(checked.text, /of app/)
  assert.match(listed.text, /app Count [^\n]*last used 2/)
  assert.match(retired.text, /retired, of 1 client/)
  await until(
    async () => (await named(COUNT)).errors?.[0].extensions.code === 'PERSISTED_QUERY_NOT_FOUND',
  )
})
