import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { printSchema } from 'graphql'
import pino from 'pino'
import { followGraph } from '../../cli/server/followGraph.ts'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import { contractOf } from '../../gateway/federation/contract.ts'
import { publicSchema } from '../../gateway/federation/publicSchema.ts'
import { type Gateway, startGateway } from '../../gateway/gateway.ts'
import { startTailer, type Tailer } from '../../mdm/feed/tailer.ts'
import { createSubgraphs } from '../../subgraphs/all.ts'
import type { Subgraph } from '../../subgraphs/contract.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { policy, systems } from '../fixtures/store.ts'
import { openCallers } from '../gateway/openCallers.ts'
import { until } from '../gateway/until.ts'
import { ingestRecords, query, queryData, world } from '../subgraphs/world.ts'

let db: TestDatabase
let tailer: Tailer
let gateway: Gateway
let whole: string
let narrow: string
let subgraphs: Subgraph[]
before(async () => {
  db = await testDatabase()
  await ingestRecords(db.sql, world)
  tailer = await startTailer({ sql: db.sql })
  subgraphs = createSubgraphs({ sql: db.sql, policy, sources: systems, tailer })
  whole = composeSupergraph(subgraphs)
  narrow = contractOf(whole, ['internal'])
  gateway = await startGateway({
    host: '127.0.0.1',
    port: 0,
    supergraph: narrow,
    subgraphs,
    callers: openCallers(),
    bounds: {
      documentBytesMax: 20_000,
      tokensMax: 5_000,
      depthMax: 15,
      aliasesMax: 50,
      fieldsMax: 500,
      costMax: 20_000,
      bodyBytesMax: 100_000,
      queryMsMax: 60_000,
    },
    log: pino({ level: 'warn' }),
  })
})
after(async () => {
  await gateway?.close(0)
  await tailer?.stop()
  await db?.drop()
})

test('a contract omits tagged fields and the types that only they lead to, and nothing else', () => {
  const [all, left] = [publicSchema(whole), publicSchema(narrow)]
  const fields = (s: typeof all) => Object.keys(s.getQueryType()?.getFields() ?? {})
  const gone = fields(all).filter((f) => !fields(left).includes(f))
  for (const name of ['tasks', 'auditLog', 'explain', 'inboundExceptions', 'trace'])
    assert.ok(gone.includes(name), name)
  for (const name of ['customers', 'invoices', 'node', 'changes', 'webhooks'])
    assert.ok(fields(left).includes(name), name)
  for (const type of ['Task', 'AuditEntry', 'InboundException', 'MergeInput']) {
    assert.ok(all.getType(type), type)
    assert.equal(left.getType(type), undefined, type)
  }
  assert.ok(left.getType('SourceRecord') && left.getType('Invoice'))
  assert.equal(contractOf(whole, []), whole)
})

test('rejects a tag that the graph does not have and lists the existing ones', () => {
  const refused = (supergraph: string, hidden: string[], has: string) =>
    assert.throws(() => contractOf(supergraph, hidden), {
      message: `TOUCHSTONE_CONTRACT_HIDE names interal, but the tags of the graph are ${has}`,
    })
  refused(whole, ['interal'], 'internal, masked')
  refused(whole, ['internal', 'interal'], 'internal, masked')
  refused(
    whole.replace('@tag(name: "internal")', '@tag(name: "beta")'),
    ['interal'],
    'beta, internal, masked',
  )
  refused(whole.replace(/@tag\(name: "\w+"\)/g, ''), ['interal'], 'none')
})

test('a tagged type disappears with the fields, arguments and input fields that lead to it', () => {
  const tag = (type: string) =>
    whole.replace(
      new RegExp(`^(?=(type|input|enum|interface|union) ${type}\\b)(.*?)( ?[{=])`, 'm'),
      '$2 @tag(name: "x")$3',
    )
  for (const type of ['Invoice', 'CustomerFilter', 'GoldenType', 'GoldenEntity', 'Node']) {
    assert.ok(tag(type) !== whole, type)
    const sdl = printSchema(publicSchema(contractOf(tag(type), ['x'])))
    assert.ok(!new RegExp(`\\b${type}\\b`).test(sdl.replace(/"""[\s\S]*?"""/g, '')), type)
  }
})

test('the gateway serves the contract: hidden fields are unknown, all others work', async () => {
  const { customers } = await queryData(
    gateway,
    '{ customers { totalCount nodes { name invoices { totalCount } } } }',
  )
  assert.equal(customers.totalCount, 3)
  for (const text of [
    '{ tasks(first: 1) { nodes { id } } }',
    '{ auditLog(first: 1) { nodes { id } } }',
    'mutation { claimTasks(ids: []) { __typename } }',
  ]) {
    const { errors } = await query(gateway, text)
    assert.equal(errors?.[0]?.extensions.code, 'GRAPHQL_VALIDATION_FAILED', text)
    assert.match(errors?.[0]?.message ?? '', /Cannot query field/)
  }
  const { __schema } = await queryData(
    gateway,
    '{ __schema { types { name } queryType { fields { name } } } }',
  )
  const names = __schema.types.map((t: { name: string }) => t.name)
  assert.ok(names.includes('Customer'))
  assert.ok(
    !names.includes('Task') && !names.includes('AuditEntry'),
    'introspection omits hidden types',
  )
})

test('rejects a supergraph without the hidden tag and keeps serving the last contract', async () => {
  const logged: string[] = []
  const log = pino({}, { write: (line: string) => logged.push(line) })
  let given = whole
  const following = followGraph({
    files: () => [],
    first: { supergraph: narrow, subgraphs, own: [] },
    read: async () => ({ supergraph: contractOf(given, ['internal']), subgraphs, own: [] }),
    reload: (graph) => gateway.reload(graph.supergraph, graph.subgraphs),
    log,
  })
  given = whole.replaceAll('@tag(name: "internal")', '@tag(name: "inside")')
  following.again()
  await until(() => logged.length > 0)
  following.stop()
  assert.match(
    logged.join(),
    /"level":50.*names internal, but the tags of the graph are inside, masked.*the last one stays/,
  )
  assert.equal(
    (await query(gateway, '{ tasks { totalCount } }')).errors?.[0]?.extensions.code,
    'GRAPHQL_VALIDATION_FAILED',
  )
})
