import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createSourceEventStream, type ExecutionResult, execute, parse, subscribe } from 'graphql'
import { openDatabase } from '../../mdm/db/database.ts'
import { expireChanges } from '../../mdm/feed/expire.ts'
import { startTailer, type Tailer } from '../../mdm/feed/tailer.ts'
import { type CloudEvent, cloudEventSchema } from '../../schema/cloudEvent.ts'
import { readPolicy } from '../../schema/readPolicy.ts'
import { createChangesSubgraph } from '../../subgraphs/changes/subgraph.ts'
import type { Subgraph } from '../../subgraphs/contract.ts'
import { unbound } from '../../subgraphs/shared/context.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { append, create, version } from '../mdm/feed/world.ts'

let db: TestDatabase
let tailer: Tailer
let subgraph: Subgraph

before(async () => {
  db = await testDatabase()
  tailer = await startTailer({
    sql: openDatabase(db.url, { connectionsMax: 4, name: 'test-feed' }),
  })
  subgraph = createChangesSubgraph({
    policy: readPolicy('schema/model'),
    tailer,
    sqlOf: unbound(tailer.sql),
  })
})
after(async () => {
  await tailer.stop()
  await tailer.sql.end()
  await db.drop()
})

type Json = Record<string, unknown>
const all = new Set(['pii:read'])
const args = (document: string, variableValues: Json = {}, scopes: ReadonlySet<string> = all) => ({
  schema: subgraph.schema,
  document: parse(document),
  variableValues,
  contextValue: subgraph.context({ correlationId: 'test', scopes, actor: 'key:tester' }),
})
async function query(document: string, variables: Json = {}): Promise<Json> {
  const result = await execute(args(document, variables))
  assert.equal(result.errors, undefined)
  return JSON.parse(JSON.stringify(result.data))
}
async function open(document: string, variables: Json = {}, scopes: ReadonlySet<string> = all) {
  const results = await subscribe(args(document, variables, scopes))
  assert.ok(Symbol.asyncIterator in results, JSON.stringify(results))
  return {
    results,
    async next(): Promise<Json> {
      const { value } = (await results.next()) as { value: ExecutionResult }
      assert.equal(value.errors, undefined)
      return JSON.parse(JSON.stringify(value.data)).changes
    },
  }
}

const WATCH = `subscription ($after: String, $types: [GoldenType!], $ids: [ID!], $ops: [ChangeOp!], $fields: [String!], $where: [ChangeValueFilter!], $snapshot: Boolean) {
  changes(after: $after, types: $types, ids: $ids, ops: $ops, changedFields: $fields, where: $where, snapshot: $snapshot) {
    __typename
    ... on CaughtUp { cursor position }
    ... on Snapshot { cursor goldenId type version position values entity { __typename ... on Customer { id } } }
    ... on Change { cursor position op goldenId type version before after changedFields redirect policyVersion at
      cause { system object recordId messageId correlationId }
      entity { __typename ... on Customer { id } ... on Product { id } } }
  }
}`

test('a change has everything that the contract names (FEED 2)', async () => {
  const live = await open(WATCH)
  assert.equal((await live.next()).__typename, 'CaughtUp')
  const [id = ''] = await create(db.sql, 1)
  const position = await append(
    db.sql,
    version(id, 2, { values: { name: 'New' }, changed: ['name'] }),
  )
  const created = await live.next()
  assert.deepEqual([created.op, created.before, created.version], ['CREATED', null, 1])
  const { cursor, at, cause, ...updated } = await live.next()
  assert.deepEqual(updated, {
    __typename: 'Change',
    position,
    op: 'UPDATED',
    goldenId: id,
    type: 'CUSTOMER',
    version: 2,
    before: { name: (created.after as Json).name },
    after: { name: 'New' },
    changedFields: ['name'],
    redirect: null,
    policyVersion: 'test',
    entity: { __typename: 'Customer', id },
  })
  assert.deepEqual(
    { ...(cause as Json), correlationId: '' },
    {
      system: 'crm',
      object: 'Account',
      recordId: id,
      messageId: '2',
      correlationId: '',
    },
  )
  assert.equal(new Date(String(at)).toISOString(), at)
  await live.results.return(undefined)

  const again = await open(WATCH, { after: created.cursor })
  const replayed = await again.next()
  assert.deepEqual([replayed.cursor, replayed.position], [cursor, position])
  assert.ok([...tailer.followers].some((f) => f.consumer === 'key:tester'))
  await again.results.return(undefined)
})

test('before, after and snapshots omit fields beyond the scopes of the caller (FEED 2)', async () => {
  const { feed } = (await query('{ feed { cursor } }')) as { feed: { cursor: string } }
  const values = { name: 'Ada', emails: ['ada@example.org'], address: { city: 'Paris' }, gone: 1 }
  const [id = ''] = await create(db.sql, 1, { type: 'Contact', values })
  await append(db.sql, version(id, 2, { type: 'Contact', values: { ...values, jobTitle: 'CTO' } }))
  const seen = async (scopes: ReadonlySet<string>) => {
    const live = await open(WATCH, { after: feed.cursor, ids: [id] }, scopes)
    await live.next()
    const { before, after } = await live.next()
    await live.results.return(undefined)
    const scan = await open(WATCH, { snapshot: true, ids: [id] }, scopes)
    const { values } = await scan.next()
    await scan.results.return(undefined)
    return { before, after, values }
  }
  const { gone, ...known } = values
  assert.deepEqual(await seen(all), {
    before: known,
    after: { ...known, jobTitle: 'CTO' },
    values: { ...known, jobTitle: 'CTO' },
  })
  assert.deepEqual(await seen(new Set()), {
    before: {},
    after: { jobTitle: 'CTO' },
    values: { jobTitle: 'CTO' },
  })
})

test('the entity beside a tombstone is the survivor, and the ended record itself after a delete (FEED 2)', async () => {
  const { feed } = (await query('{ feed { cursor } }')) as { feed: { cursor: string } }
  const [loser = '', survivor = '', gone = ''] = await create(db.sql, 3)
  await append(
    db.sql,
    version(survivor, 2, { op: 'MERGED' }),
    version(loser, 2, { op: 'MERGED', values: null, redirect: survivor }),
    version(gone, 2, { op: 'DELETED', values: null }),
  )
  const live = await open(WATCH, { after: feed.cursor, ops: ['MERGED', 'DELETED'] })
  const entities: unknown[] = []
  while (entities.length < 3) {
    const item = await live.next()
    if (item.__typename === 'Change') entities.push([item.goldenId, item.entity])
  }
  await live.results.return(undefined)
  assert.deepEqual(entities, [
    [loser, { __typename: 'Customer', id: survivor }],
    [gone, { __typename: 'Customer', id: gone }],
    [survivor, { __typename: 'Customer', id: survivor }],
  ])
})

test('an event is also available as CloudEvents 1.0 with the same rights; other versions are rejected', async () => {
  const { feed } = (await query('{ feed { id epoch cursor } }')) as {
    feed: { id: string; epoch: string; cursor: string }
  }
  const values = { name: 'Ada', jobTitle: 'CTO' }
  const [id = ''] = await create(db.sql, 1, { type: 'Contact', values })
  const read = async (version: number, scopes: ReadonlySet<string>) => {
    const document = `query ($after: String) { changes(after: $after) { nodes { position cloudEvent(version: ${version}) } } }`
    return await execute(args(document, { after: feed.cursor }, scopes))
  }
  const { data, errors } = await read(1, new Set())
  assert.equal(errors, undefined)
  const [node] = (data as { changes: { nodes: { position: number; cloudEvent: CloudEvent }[] } })
    .changes.nodes
  const { cloudEvent } = node ?? {}
  assert.deepEqual(cloudEventSchema.parse(cloudEvent), cloudEvent)
  assert.deepEqual(
    [cloudEvent?.id, cloudEvent?.source, cloudEvent?.type, Number(cloudEvent?.sequence)],
    [
      `${id}.1.${feed.epoch.slice(0, 8)}`,
      `urn:touchstone:feed:${feed.id}`,
      'touchstone.contact.created',
      node?.position,
    ],
  )
  assert.deepEqual(cloudEvent?.data.after, { jobTitle: 'CTO' })
  const refused = await read(2, all)
  assert.equal(refused.errors?.[0]?.extensions.code, 'UNKNOWN_SCHEMA_VERSION')
})

test('rejects bad cursors and filters with a code before it delivers anything (FEED 4.2, 6.1)', async () => {
  const { feed } = (await query('{ feed { id head cursor } }')) as {
    feed: { id: string; head: number; cursor: string }
  }
  const code = async (variables: Json, scopes = all) => {
    const result = await createSourceEventStream(args(WATCH, variables, scopes))
    assert.ok('errors' in result, 'rejected at the start')
    return result.errors?.[0]?.extensions.code
  }
  const past = await execute(args('{ changes(changedFields: ["nmae"]) { nodes { position } } }'))
  assert.equal(past.errors?.[0]?.extensions.code, 'FILTER_INVALID')
  assert.equal(await code({ after: 'nonsense' }), 'CURSOR_INVALID')
  assert.equal(await code({ after: '' }), 'CURSOR_INVALID')
  assert.equal(await code({ after: `${feed.cursor.slice(0, -2)}AA` }), 'CURSOR_INVALID')
  assert.equal(await code({ ids: ['42'] }), 'FILTER_INVALID')
  assert.equal(await code({ ids: Array.from({ length: 1_001 }, () => feed.id) }), 'FILTER_INVALID')
  assert.equal(await code({ ids: Array.from({ length: 10_000 }, () => feed.id) }), 'FILTER_INVALID')
  assert.equal(await code({ fields: Array.from({ length: 101 }, () => 'name') }), 'FILTER_INVALID')
  assert.equal(await code({ fields: ['nmae'] }), 'FILTER_INVALID')
  assert.equal(await code({ fields: ['sku'], types: ['CUSTOMER'] }), 'FILTER_INVALID')
  assert.equal(
    await code({ where: [{ field: 'billingAddress.cuontry', in: ['DE'] }] }),
    'FILTER_INVALID',
  )
  assert.equal(await code({ where: [{ field: 'name.first', in: ['DE'] }] }), 'FILTER_INVALID')
  assert.equal(await code({ where: [{ field: '__proto__', in: [1] }] }), 'FILTER_INVALID')
  assert.equal(await code({ where: [{ field: 'emails', in: ['x'] }] }, new Set()), 'MISSING_SCOPE')
  assert.equal(await code({ types: ['CUSTOMER', 'INVOICE'] }, new Set()), 'MISSING_SCOPE')
  const seesObjects = new Set(['operational:read'])
  assert.equal(await code({ types: ['INVOICE'], snapshot: true }, seesObjects), 'FILTER_INVALID')
  assert.equal(await code({ types: ['INVOICE'], fields: ['sku'] }, seesObjects), 'FILTER_INVALID')
  assert.equal(
    await code({ where: [{ field: 'address.city', in: ['x'] }] }, new Set()),
    'MISSING_SCOPE',
  )
})

test('past changes read by pages match the subscription, filters included', async () => {
  const PAGE = `query ($after: String, $first: Int, $types: [GoldenType!], $fields: [String!]) {
    changes(after: $after, first: $first, types: $types, changedFields: $fields) {
      nodes { position } edges { cursor node { position } } pageInfo { hasNextPage endCursor }
    } }`
  await create(db.sql, 25, { type: 'Product', changed: ['sku'] })
  const read = async (variables: Json) => {
    const positions: number[] = []
    for (let after: string | null = null; ; ) {
      const { changes } = (await query(PAGE, { ...variables, after, first: 10 })) as {
        changes: {
          nodes: { position: number }[]
          pageInfo: { hasNextPage: boolean; endCursor: string }
        }
      }
      assert.ok(changes.nodes.length <= 10)
      positions.push(...changes.nodes.map((n) => n.position))
      if (!changes.pageInfo.hasNextPage) return positions
      after = changes.pageInfo.endCursor
    }
  }
  const stored = await db.sql<
    { position: number; type: string }[]
  >`select position, type from change order by position`
  assert.deepEqual(
    await read({}),
    stored.map((s) => s.position),
  )
  const products = stored.filter((s) => s.type === 'Product').map((s) => s.position)
  assert.equal(products.length, 25)
  assert.deepEqual(await read({ types: ['PRODUCT'] }), products)
  assert.deepEqual(await read({ fields: ['sku', 'gtin'] }), products)
  for (const [first, code] of [
    [-1, 'BAD_PAGE'],
    [201, 'PAGE_TOO_LARGE'],
  ]) {
    const result = await execute(args(PAGE, { first }))
    assert.equal(result.errors?.[0]?.extensions.code, code)
  }
  const nothing = (await query(PAGE, { first: 0 })) as {
    changes: { nodes: object[]; pageInfo: { hasNextPage: boolean; endCursor: string } }
  }
  assert.deepEqual([nothing.changes.nodes, nothing.changes.pageInfo.hasNextPage], [[], true])
  assert.deepEqual(
    await query(PAGE, { first: 1, after: nothing.changes.pageInfo.endCursor }),
    await query(PAGE, { first: 1 }),
    'a page without events ends where it began',
  )
})

test('subscriptions for one golden type and filters by value deliver what enters and what leaves (FEED 6.4, 6.6)', async () => {
  const { feed } = (await query('{ feed { cursor } }')) as { feed: { cursor: string } }
  const values = (country: string | null, lifecycle = 'LEAD') => ({
    name: 'A',
    lifecycle,
    billingAddress: { country },
  })
  const [a = '', b = ''] = await create(db.sql, 2, { values: values('DE') })
  await create(db.sql, 1, { type: 'Product', values: { name: 'P' } })
  await append(db.sql, version(a, 2, { values: values('FR') }))
  await append(
    db.sql,
    version(a, 3, { values: values('FR', 'CUSTOMER') }),
    version(b, 2, { values: values(null) }),
  )
  await append(db.sql, version(b, 3, { values: values('FR') }))
  const seen = async (field: string, variables: Json): Promise<unknown[]> => {
    const document = `subscription ($after: String, $id: ID, $where: [ChangeValueFilter!], $snapshot: Boolean) {
      ${field}(after: $after, id: $id, where: $where, snapshot: $snapshot) {
        __typename ... on Change { goldenId version } ... on Snapshot { goldenId version } } }`
    const results = await subscribe(args(document, variables))
    assert.ok(Symbol.asyncIterator in results, JSON.stringify(results))
    const items: unknown[] = []
    for await (const { data } of results) {
      const item = (
        data as Record<string, { __typename: string; goldenId: string; version: number }>
      )[field]
      if (item?.__typename === 'CaughtUp') break
      items.push([item?.goldenId, item?.version])
    }
    return items
  }
  const { cursor: after } = feed
  const german = [{ field: 'billingAddress.country', in: ['DE'] }]
  assert.equal((await seen('customerChanged', { after })).length, 6)
  assert.equal((await seen('productChanged', { after })).length, 1)
  const own = [
    [a, 1],
    [a, 2],
    [a, 3],
  ]
  assert.deepEqual(await seen('customerChanged', { after, id: a }), own)
  const entering = [
    [a, 1],
    [b, 1],
    [a, 2],
    [b, 2],
  ]
  assert.deepEqual(await seen('customerChanged', { after, where: german }), entering)
  const french = [{ field: 'billingAddress.country', in: ['FR', 'BE'] }]
  const customers = [...french, { field: 'lifecycle', in: ['CUSTOMER'] }]
  assert.deepEqual(await seen('customerChanged', { after, where: customers }), [[a, 3]])
  const none = [
    { field: 'billingAddress.country', in: [null] },
    { field: 'name', in: ['A'] },
  ]
  assert.deepEqual(await seen('customerChanged', { after, where: none }), [
    [b, 2],
    [b, 3],
  ])
  const now = (await seen('customerChanged', { snapshot: true, where: french })).sort()
  assert.deepEqual(
    now,
    [
      [a, 3],
      [b, 3],
    ].sort(),
  )
})

test('a snapshot begins with all existing records and continues with new changes', async () => {
  const live = await open(WATCH, { snapshot: true, types: ['CUSTOMER'] })
  const ids: unknown[] = []
  let item = await live.next()
  for (; item.__typename === 'Snapshot'; item = await live.next()) ids.push(item.goldenId)
  assert.equal(item.__typename, 'CaughtUp')
  const active = await db.sql<{ id: string }[]>`
    select id from golden where state = 'ACTIVE' and type = 'Customer' order by id`
  assert.deepEqual(
    ids,
    active.map((g) => g.id),
  )
  const [id] = await create(db.sql, 1)
  assert.equal((await live.next()).goldenId, id)
  await live.results.return(undefined)
})

test('a reader so slow that events expire learns how many it missed and where it continues (FEED 7.3)', async (t) => {
  const small = await startTailer({ sql: tailer.sql, ringEventsMax: 10 })
  t.after(() => small.stop())
  const { schema, context } = createChangesSubgraph({
    policy: readPolicy('schema/model'),
    tailer: small,
    sqlOf: unbound(tailer.sql),
  })
  const { feed } = (await query('{ feed { cursor head } }')) as {
    feed: { cursor: string; head: number }
  }
  await create(db.sql, 1_100)
  const contextValue = context({ correlationId: 'test', scopes: all })
  const lagQuery = `subscription ($after: String) { changes(after: $after) {
    __typename ... on Change { position } ... on CaughtUp { position } ... on Lagged { reason missed cursor } } }`
  const follow = async (after: string) =>
    (await subscribe({
      schema,
      document: parse(lagQuery),
      variableValues: { after },
      contextValue,
    })) as AsyncGenerator<{
      data: {
        changes: {
          __typename: string
          position: number
          missed: number
          reason: string
          cursor: string
        }
      }
    }>
  const slow = await follow(feed.cursor)
  let last = (await slow.next()).value.data.changes
  await expireChanges(db.sql, new Date(Date.now() + 60_000))
  let read = 0
  for (; last.__typename === 'Change'; read++) last = (await slow.next()).value.data.changes
  assert.deepEqual([last.__typename, last.reason], ['Lagged', 'EXPIRED'])
  assert.ok(read > 0)
  assert.equal(read + last.missed, 1_100, 'the received and the missed events are all there were')
  assert.equal((await slow.next()).value.data.changes.__typename, 'CaughtUp')
  await create(db.sql, 1)
  const next = (await slow.next()).value.data.changes
  const again = await follow(last.cursor)
  const resumed = (await again.next()).value.data.changes
  assert.deepEqual([next.position, resumed.position], [feed.head + 1_101, feed.head + 1_101])
  await Promise.all([slow.return(undefined), again.return(undefined)])
})
