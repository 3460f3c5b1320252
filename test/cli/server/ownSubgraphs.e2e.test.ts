import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import pino from 'pino'
import { command as schema } from '../../../cli/commands/schema.ts'
import { configFromEnv } from '../../../cli/config/config.ts'
import { openInstallation } from '../../../cli/config/installation.ts'
import { packagePath } from '../../../cli/config/packagePath.ts'
import { prepareRowRights } from '../../../cli/server/configuredRowReaders.ts'
import { GATEWAY_CONFIG } from '../../../cli/server/gatewayConfig.ts'
import { startGatewayRole } from '../../../cli/server/gatewayRole.ts'
import { readOwnGraph } from '../../../cli/server/ownGraph.ts'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import type { Gateway } from '../../../gateway/gateway.ts'
import { schemasOf } from '../../../subgraphs/all.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { document } from '../../docs/documents.ts'
import { LOYALTY_SDL, type Loyalty, startLoyalty } from '../../fixtures/loyalty.ts'
import { ask } from '../../gateway/gateway.ts'
import { AUDIENCE, type Issuer, startIssuer } from '../../gateway/issuer.ts'
import { until } from '../../gateway/until.ts'
import { ingestRecords, key, world } from '../../subgraphs/world.ts'
import { type RunningCommand, run } from '../process.ts'
import { runCommand } from '../runCommand.ts'

/** The role `gateway` with a subgraph of the installation on GraphQL Yoga, over real records. */
const installation = openInstallation()
const shipped = schemasOf(installation.policy)
let db: TestDatabase
let loyalty: Loyalty
let issuer: Issuer
let dir: string
let gateway: Gateway
let closed = false
const logged: string[] = []
const ids = new Map<string, string>()

const file = (name: string, text: string) => {
  writeFileSync(join(dir, name), text)
  return join(dir, name)
}
const yaml = (more = '') =>
  `subgraphs:\n  - name: loyalty\n    url: ${loyalty.url}\n    mutations: served\n    headers: { x-api-key: { env: LOYALTY_KEY } }\n${more}`

async function start(
  ownFile = join(dir, 'subgraphs.yaml'),
  more: Record<string, string> = {},
): Promise<Gateway> {
  const config = configFromEnv([...GATEWAY_CONFIG, 'dataDir'], {
    TOUCHSTONE_PORT: '0',
    TOUCHSTONE_DATA_DIR: dir,
    TOUCHSTONE_AUTH_ISSUER: issuer.url,
    TOUCHSTONE_AUTH_AUDIENCE: AUDIENCE,
    TOUCHSTONE_ACCESS: join(dir, 'access.yaml'),
    TOUCHSTONE_OWN_SUBGRAPHS: ownFile,
    ...more,
  })
  const close = async () => undefined
  const connection = { sql: db.sql, url: db.url, ownerUrl: undefined, close }
  await prepareRowRights(config, connection, installation)
  return await startGatewayRole({
    config,
    installation,
    databaseUrl: db.url,
    log: pino({ level: 'info' }, { write: (line: string) => void logged.push(line) }),
  })
}

/** Reads the graph as a gateway does. */
function read(more: Partial<Parameters<typeof readOwnGraph>[0]> = {}) {
  return readOwnGraph({
    file: join(dir, 'subgraphs.yaml'),
    supergraphFile: undefined,
    shipped,
    sql: db.sql,
    why: 'START',
    serving: new Set(),
    last: {},
    ...more,
  })
}

async function of(region: string | null, query: string, at = gateway) {
  const token = await issuer.sign({
    sub: 'ada',
    roles: ['reader'],
    ...(region ? { regions: [region] } : {}),
  })
  return (await ask(at.url, query, { headers: { authorization: `Bearer ${token}` } })).body
}

async function health(at = gateway): Promise<[name: string, code: string][]> {
  const res = await fetch(new URL('/health/ready', at.url))
  const { checks } = (await res.json()) as { checks: { name: string; code: string }[] }
  return checks.filter((c) => c.code !== 'OK').map((c) => [c.name, c.code])
}

async function cli(...args: string[]) {
  return await cliWith(join(dir, 'subgraphs.yaml'), ...args)
}

async function cliWith(ownFile: string, ...args: string[]) {
  const [name, ...rest] = args
  const own = name === 'versions' ? [] : ['--own-subgraphs', ownFile]
  return await runCommand(schema, [name ?? '', ...own, ...rest], { DATABASE_URL: db.url })
}

const LIST = '{ customers { nodes { id name points } } }'
const points = async (region: string, at = gateway) => {
  const { data } = await of(region, LIST, at)
  return new Map(data.customers.nodes.map((c: { id: string; points: number }) => [c.id, c.points]))
}

before(async () => {
  db = await testDatabase()
  dir = mkdtempSync(join(tmpdir(), 'touchstone-own-'))
  process.env.LOYALTY_KEY = 'key-of-loyalty'
  const us = {
    source: 'crm',
    type: 'Customer',
    id: 'US1',
    fields: {
      name: 'Faraway Inc',
      domains: ['faraway.example'],
      billingAddress: { country: 'US' },
    },
  }
  await ingestRecords(db.sql, [...world, us])
  for (const [name, id] of [
    ['eu', 'C1'],
    ['us', 'US1'],
  ] as const) {
    const [row] = await db.sql<{ id: string }[]>`
      select golden_id as id from source_record where key = ${key('crm', 'Customer', id)}`
    ids.set(name, row?.id ?? '')
  }
  ;[loyalty, issuer] = await Promise.all([startLoyalty(), startIssuer()])
  for (const id of ids.values()) loyalty.points.set(id, 7)
  loyalty.best.push(...ids.values())
  const access = readFileSync(packagePath('config/access.yaml'), 'utf8')
  file('access.yaml', `${access}\nrows:\n  regions: { eu: [DE, IT, NONE], us: [US] }\n`)
  file('subgraphs.yaml', yaml())
  gateway = await start()
})
after(async () => {
  if (!closed) await gateway?.close(0)
  await loyalty?.close()
  await issuer?.close()
  await db?.drop()
  rmSync(dir, { recursive: true, force: true })
})

test('a subgraph on another server library extends Customer and obeys the rows of its callers', async () => {
  const [eu, us] = [ids.get('eu') ?? '', ids.get('us') ?? '']
  assert.equal((await points('eu')).get(eu), 7)
  assert.equal((await points('eu')).has(us), false)
  assert.deepEqual(await points('us'), new Map([[us, 7]]))
  const sent = JSON.stringify(loyalty.requests.filter((r) => !r.query.includes('_service')))
  loyalty.requests.length = 0
  assert.match(sent, /key-of-loyalty/)
  assert.equal((await of('eu', `{ customer(id: "${us}") { points } }`)).data.customer, null)
  // The subgraph itself names a record that this caller may not see.
  const query = '{ bestCustomers { points } member(number: "M") { number friends { id points } } }'
  const { data } = await of('eu', query)
  assert.deepEqual(data.bestCustomers, [{ points: 7 }])
  assert.deepEqual(data.member.friends, [{ id: eu, points: 7 }])
  // A record of a system beside the golden records, with its customer, in one plan.
  const { data: crm } = await of('us', '{ opportunities { nodes { customer { points } } } }')
  assert.doesNotMatch(JSON.stringify(crm), /7/)
  assert.doesNotMatch(JSON.stringify(loyalty.requests.map((r) => r.variables)), new RegExp(us))
  assert.equal((await of('eu', '{ unruled }')).errors[0].extensions.code, 'FORBIDDEN')
  assert.doesNotMatch(logged.join(''), /key-of-loyalty/)
})

test('an outage takes its fields alone; a start meanwhile serves the schema that was served last', async () => {
  await loyalty.close()
  const down = await of('eu', LIST)
  assert.ok(down.data.customers.nodes.length > 1)
  assert.ok(
    down.data.customers.nodes.every(
      (c: { name: string; points: null }) => c.name && c.points === null,
    ),
  )
  assert.equal(down.errors[0].extensions.code, 'UNAVAILABLE')
  assert.equal(down.errors[0].extensions.subgraph, 'loyalty')
  assert.deepEqual(await health(), [['subgraph loyalty', 'SUBGRAPH_AWAY']])
  logged.length = 0
  const second = await start()
  try {
    assert.deepEqual(await health(second), [['subgraph loyalty', 'SUBGRAPH_STALE']])
    assert.match(logged.join(''), /"code":"SUBGRAPH_STALE","detail":"[^"]*ECONNREFUSED/)
    assert.ok((await of('eu', LIST, second)).data.customers.nodes.length > 1)
    await loyalty.reopen()
    assert.equal((await points('eu', second)).get(ids.get('eu') ?? ''), 7)
    process.emit('SIGHUP')
    await until(async () => (await health(second)).length === 0)
  } finally {
    await second.close(0)
  }
})

test('a service that was never reached joins when it is there; a mistake in a file stops a start', async () => {
  await db.sql`update graph_version set served_at = null`
  loyalty.instead = () => ({ status: 503, body: '' })
  const early = await start()
  try {
    assert.deepEqual(await health(early), [['subgraph loyalty', 'SUBGRAPH_MISSING']])
    assert.equal(
      (await of('eu', LIST, early)).errors[0].extensions.code,
      'GRAPHQL_VALIDATION_FAILED',
    )
    loyalty.instead = null
    process.emit('SIGHUP')
    await until(async () => (await health(early)).length === 0)
    assert.equal((await points('eu', early)).get(ids.get('eu') ?? ''), 7)
  } finally {
    await early.close(0)
  }
  file('shadow.graphql', LOYALTY_SDL.replace('points: Int', 'name: String'))
  file('subgraphs.yaml', yaml('    schema: shadow.graphql\n'))
  await assert.rejects(read(), /shadow\.graphql:6: Customer\.name belongs to Touchstone/)
  file('subgraphs.yaml', yaml())
})

test('a subgraph that the supergraph of the operator has no field of stops a start', async () => {
  const others = shipped.filter((s) => s.name !== 'erp')
  const supergraph = file('supergraph.graphql', composeSupergraph(others))
  const none = file('none.yaml', 'subgraphs: []\n')
  const erp = { TOUCHSTONE_SUPERGRAPH: supergraph, TOUCHSTONE_SUBGRAPHS: 'erp=http://127.0.0.1:1/' }
  await assert.rejects(start(none, erp), /the subgraph erp is never called: .*supergraph\.graphql/)
  await assert.rejects(
    read({ supergraphFile: supergraph }),
    /subgraphs\.yaml:2: the subgraph loyalty is never called: .*supergraph\.graphql/,
  )
})

test('check before publish, publish with a version, roll back; a running gateway follows', async () => {
  const sees = async (field: string) => {
    const { errors } = await of('eu', `{ customers(first: 1) { nodes { ${field} } } }`)
    return errors?.[0].extensions.code !== 'GRAPHQL_VALIDATION_FAILED'
  }
  const first = await cli('publish', '--reason', 'points')
  assert.equal(first.code, 0, first.output)
  const [, v1 = ''] = /published ([0-9a-f]{16})/.exec(first.stdout) ?? []
  file('next.graphql', LOYALTY_SDL.replace('points: Int', 'points: Int\n  level: Level'))
  file('subgraphs.yaml', yaml('    schema: next.graphql\n'))
  assert.equal(await sees('level'), false)
  const second = await cli('publish')
  assert.equal(second.code, 0, second.output)
  assert.match(second.stdout, /0 breaking, 0 dangerous, 1 safe\nSAFE +Customer\.level: was added/)
  await until(() => sees('level'))

  file('next.graphql', LOYALTY_SDL.replace('  points: Int\n', ''))
  const breaking = await cli('publish')
  assert.equal(breaking.code, 1)
  assert.match(
    breaking.output,
    /BREAKING +Customer\.points: was removed[\s\S]*nothing was published/,
  )
  assert.equal((await cli('publish', '--accept-breaking')).code, 0)
  await until(async () => !(await sees('points')))

  // Two steps back: by default the version before, or a named one.
  assert.equal((await cli('rollback')).code, 0)
  await until(() => sees('level'))
  const back = await cli('rollback', v1, '--accept-breaking')
  assert.equal(back.code, 0, back.output)
  await until(async () => !(await sees('level')))
  assert.equal(await sees('points'), true)
  const { stdout } = await cli('versions')
  const lines = stdout.trim().split('\n')
  assert.equal(lines.length, 5)
  assert.match(
    lines[0] ?? '',
    new RegExp(`^${v1} active loyalty; published .* \\(back to ${v1}\\)`),
  )
  assert.match(lines[4] ?? '', /\(points\)/)

  // A subgraph of the file that is not published is never called.
  file('subgraphs.yaml', `${yaml()}  - name: extra\n    url: http://127.0.0.1:1/graphql\n`)
  await assert.rejects(read(), /subgraphs\.yaml:6: the subgraph extra is never called/)
  file('subgraphs.yaml', 'subgraphs: []\n')
  process.emit('SIGHUP')
  await until(async () => (await health()).some(([, code]) => code === 'GRAPH_KEPT'))
  assert.equal(await sees('points'), true)
  const without = await start()
  try {
    assert.deepEqual(await health(without), [['subgraph loyalty', 'SUBGRAPH_UNCONFIGURED']])
    assert.ok((await of('eu', '{ customers { totalCount } }', without)).data)
  } finally {
    await without.close(0)
  }

  // A policy with a field of that name leaves the subgraph out: everything else is served.
  file('subgraphs.yaml', yaml())
  const changed = shipped.map((s) => ({
    ...s,
    sdl: s.name === 'customer' ? s.sdl.replace(/(type Customer [^{]*\{)/, '$1 points: Int') : s.sdl,
  }))
  const under = (why: 'POLICY' | 'CHANGE') =>
    read({ shipped: changed, why, serving: new Set(['loyalty']) })
  const { own, notes } = await under('POLICY')
  assert.deepEqual([own, notes[0]?.code], [[], 'SUBGRAPH_REFUSED'])
  assert.match(notes[0]?.detail ?? '', /Customer\.points belongs to Touchstone/)
  await assert.rejects(under('CHANGE'), /Customer\.points belongs to Touchstone/)
})

test('the walk of docs/own-subgraph.md', async (t) => {
  // It would go on to note what it serves.
  await gateway.close(0)
  closed = true
  await db.sql`delete from graph_publication`
  await db.sql`delete from graph_version`
  symlinkSync(packagePath('node_modules'), join(dir, 'node_modules'))
  const port = await freePort()
  let service: RunningCommand | undefined
  let walked: Gateway | undefined
  t.after(async () => {
    service?.child.kill()
    await walked?.close(0)
  })
  let output = ''
  for (const { language, file: name, text } of document('docs/own-subgraph.md').blocks) {
    if (/\.(mjs|yaml)$/.test(name)) file(`walk-${name}`, text.replaceAll('4201', String(port)))
    else if (language === 'text')
      for (const line of text.trim().split('\n'))
        assert.ok(output.includes(line), `${line}: ${output}`)
    else if (name === 'ignore' && text.includes('nodes')) {
      const { data } = await of('eu', text, walked)
      assert.equal(typeof data.customers.nodes[0].points, 'number')
      service?.child.kill()
      await service?.ended
      const down = await of('eu', text, walked)
      assert.equal(down.errors[0].extensions.subgraph, 'loyalty')
      assert.equal(typeof down.data.customers.nodes[0].name, 'string')
    } else if (language === 'sh') for (const line of text.trim().split('\n')) await step(line)
  }
  assert.ok(walked && service)

  async function step(line: string): Promise<void> {
    const [, command = '', rest = ''] = /^npx touchstone (schema|serve) ?(.*)$/.exec(line) ?? []
    if (line === 'node server.mjs') {
      service = run(process.execPath, [join(dir, 'walk-server.mjs')], {
        ...process.env,
        PORT: String(port),
      })
      await until(() =>
        fetch(`http://127.0.0.1:${port}/graphql?query={__typename}`).then(
          (r) => r.ok,
          () => false,
        ),
      )
    } else if (command === 'serve') walked = await start(join(dir, 'walk-subgraphs.yaml'))
    else if (command === 'schema') {
      const words = [...rest.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word)
      const result = await cliWith(join(dir, 'walk-subgraphs.yaml'), ...words)
      output = result.output
      // There is no version before the first one.
      const wanted = words[0] === 'rollback' ? 1 : 0
      assert.equal(result.code, wanted, `${line}: ${output}`)
    } else assert.match(line, /^export /)
  }
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}
