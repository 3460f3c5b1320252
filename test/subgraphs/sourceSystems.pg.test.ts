import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { execute, parse } from 'graphql'
import { CursorSeal } from '../../mdm/db/cursorSeal.ts'
import { DEFAULT_RULES } from '../../mdm/tasks/rules.ts'
import { createOperationsSubgraph } from '../../subgraphs/operations/subgraph.ts'
import { unbound } from '../../subgraphs/shared/context.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { row, shop, shopConnector, shopPipeline } from '../fixtures/shop.ts'
import { drain, policy } from '../fixtures/store.ts'

let db: TestDatabase
const seal = new CursorSeal(['a seal of thirty-two characters !'])
before(async () => {
  db = await testDatabase()
})
after(() => db?.drop())

function graphOf(isBound = false) {
  const limits = [
    { name: 'per 1m', max: 100, perMs: 60_000, key: 'credential per 1m' },
    { name: 'concurrent', max: 5, perMs: null, key: 'credential concurrent' },
  ]
  return createOperationsSubgraph({
    sql: db.sql,
    policy,
    rules: { ...DEFAULT_RULES, owners: [{ system: 'shop', owner: 'shopkeeper' }] },
    connectors: new Map([['shop', shopConnector()]]),
    pulled: new Map([['shop', ['client', 'person']]]),
    configured: {
      systems: [
        { ...shop, name: 'silent', secrets: [] },
        { ...shop, secrets: ['a secret'] },
      ],
      intakes: new Map([['shop', { isAsked: true, hasFiles: true, limits }]]),
    },
    sqlOf: isBound ? () => ({ sql: db.sql, bound: true, seal }) : unbound(db.sql),
  })
}

async function ask(text: string, { role = 'integrator', isBound = false } = {}) {
  const subgraph = graphOf(isBound)
  const contextValue = subgraph.context({
    correlationId: crypto.randomUUID(),
    scopes: new Set(),
    actor: 'ida',
    roles: new Set([role]),
  })
  const result = await execute({ schema: subgraph.schema, document: parse(text), contextValue })
  assert.equal(result.errors, undefined, JSON.stringify(result.errors))
  return JSON.parse(JSON.stringify(result.data))
}

const LIST = `{ sourceSystems { totalCount nodes { name kind role owner intake objects held messagesOfHour lastMessageAt
  waiting { object count } exceptions limits { name max perMs used } latestFiles { name state rows } } } }`

test('lists each source system: how its records come, what waits, what failed, and the limits that are used', async () => {
  await row(db.sql, 'spaceship', { id: '1' })
  await drain(shopPipeline(db.sql))
  await row(db.sql, 'client', { id: '2' })
  await row(db.sql, null, { id: '3' })
  await db.sql`insert into request_slice (rate, places, free_at) values
    ('credential per 1m', 40, now() + interval '1 minute'), ('credential per 1m', 50, now() - interval '1 second')`
  await db.sql`insert into request_place (credential_limit, places, turn, free_at)
    values ('credential concurrent', 2, now(), now() + interval '1 minute')`
  await db.sql`insert into file_delivery (source, object, place, name, state, rows)
    values ('shop', 'client', '/in', 'clients.csv', 'DONE', 3), ('else', 'client', '/in', 'other.csv', 'DONE', 1)`
  const { sourceSystems } = await ask(LIST)
  const [first, second] = sourceSystems.nodes
  assert.equal(sourceSystems.totalCount, 2)
  assert.ok(Date.now() - Date.parse(first.lastMessageAt) < 60_000)
  assert.deepEqual(
    { ...first, lastMessageAt: null },
    {
      ...{ name: 'shop', kind: 'generic', role: 'CRM', owner: 'shopkeeper', held: null },
      intake: ['CONNECTION', 'FILES', 'DELIVERIES'],
      objects: ['client', 'person'],
      ...{ messagesOfHour: 3, lastMessageAt: null, exceptions: 1 },
      waiting: [
        { object: 'client', count: 1 },
        { object: null, count: 1 },
      ],
      limits: [
        { name: 'per 1m', max: 100, perMs: 60_000, used: 40 },
        { name: 'concurrent', max: 5, perMs: null, used: 2 },
      ],
      latestFiles: [{ name: 'clients.csv', state: 'DONE', rows: 3 }],
    },
  )
  assert.deepEqual(
    [second.name, second.intake, second.messagesOfHour, second.lastMessageAt, second.limits],
    ['silent', [], 0, null, []],
  )
  assert.deepEqual((await ask(LIST, { isBound: true })).sourceSystems.nodes, [])
})

test('requests a run and a census, which the object shows, with the records that events named', async () => {
  await db.sql`insert into sync_state (source, object) values ('shop', 'client'), ('shop', 'person')`
  await db.sql`insert into read_hint (source, object, id, correlation_id, code, detail)
    values ('shop', 'client', '7', gen_random_uuid(), null, null), ('shop', 'client', '8', gen_random_uuid(), 'NOT_FOUND', 'it is not there')`
  const request = (
    name: string,
    more: string,
  ) => `mutation { it: ${name}(source: "shop", object: "client", ${more}
    reason: "a test", idempotencyKey: "${name}") { ... on SyncDone { objects {
      object requested hints hintsHeld hintHeldDetail hintsSince hintCode } } ... on SyncRefused { rule } } }`
  const [client] = (await ask(request('runSync', ''))).it.objects
  assert.deepEqual([client.requested, client.hints, client.hintsHeld], ['RUN', 2, 1])
  assert.deepEqual([client.hintHeldDetail, client.hintCode], ['it is not there', null])
  assert.ok(client.hintsSince)
  const census = request('takeCensus', 'deleteAtMost: 12,')
  assert.equal((await ask(census)).it.objects[0].requested, 'CENSUS')
  const states = await db.sql`
    select object, requested, census_allowed::int as allowed from sync_state where source = 'shop' order by object`
  assert.deepEqual(
    [...states],
    [
      { object: 'client', requested: 'CENSUS', allowed: 12 },
      { object: 'person', requested: null, allowed: null },
    ],
  )
  assert.equal((await ask(census, { role: 'reader' })).it.rule, 'MISSING_ROLE')
  assert.equal((await ask(census, { isBound: true })).it.rule, 'MISSING_ROLE')
})
