import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { createKey } from '../../mdm/access/apiKeys.ts'
import { setUpRowRights } from '../../mdm/access/rowRights.ts'
import { openDatabase, type Sql } from '../../mdm/db/database.ts'
import { encodeCursor } from '../../mdm/feed/cursor.ts'
import { RowVisibility } from '../../mdm/feed/rowVisibility.ts'
import { act } from '../../mdm/stewardship/steward.ts'
import { Deliverer } from '../../mdm/webhooks/deliverer.ts'
import type { EndpointRows } from '../../mdm/webhooks/endpoints.ts'
import { everyRow } from '../../mdm/webhooks/endpoints.ts'
import { createPoster } from '../../mdm/webhooks/post.ts'
import { Vault } from '../../mdm/webhooks/secrets.ts'
import { registerWebhook } from '../../mdm/webhooks/webhooks.ts'
import { parseNetwork } from '../../schema/kit/networkAddress.ts'
import { eventually } from '../e2e/eventually.ts'
import { directPipeline, policy } from '../fixtures/store.ts'
import { ingestRecords, key, type WorldRecord, world } from '../subgraphs/world.ts'
import { over, overSocket } from './attack.ts'
import { type Installation, startInstallation } from './installation.ts'
import { wholeOperation } from './whole.ts'

/**
 * Row-level rights: a caller bound to regions and legal entities sees only their records, whatever
 * the operation. Every record of the other region contains MARK in each of its texts, and the
 * attacker knows its ids.
 */
const MARK = /usmark/i
const rights = {
  regions: new Map([
    ['eu', ['DE', 'IT', 'NONE']],
    ['us', ['US']],
  ]),
  legalEntities: true,
}
const EU = { regions: ['eu'], legal_entities: ['DE01', 'NONE'] }

const texts = new Set([
  'name',
  'legalName',
  'number',
  'accountOwner',
  'jobTitle',
  'stage',
  'paymentTerms',
  'account',
  'method',
  'manager',
  'meter',
])
const there = new Map(
  world.map((r) => [key(r.source, r.type, r.id), key(r.source, r.type, `US-${r.id}`)]),
)

/**
 * Copies of the records in the other region, with the same shape but other values. Products and
 * their prices are visible to everyone.
 */
const others: WorldRecord[] = world
  .filter((r) => !['Product', 'RatePlan', 'Price'].includes(r.type))
  .map((r) => ({
    ...r,
    id: `US-${r.id}`,
    fields: moved(r.fields, r.type) as Record<string, unknown>,
  }))

function moved(value: unknown, at: string): unknown {
  if (Array.isArray(value)) return value.map((v) => moved(v, at))
  if (typeof value === 'object' && value !== null) {
    const group = Object.fromEntries(Object.entries(value).map(([k, v]) => [k, moved(v, k)]))
    return at === 'Customer'
      ? {
          ...group,
          billingAddress: { city: 'Usmark City', country: 'US' },
          legalEntities: ['US01'],
        }
      : group
  }
  if (typeof value !== 'string') return value
  if (there.has(value)) return value === key('erp', 'Product', 'I1') ? value : there.get(value)
  if (texts.has(at)) return `Usmark ${[...value].reverse().join('')}`
  if (at === 'taxIds') return 'US123456789'
  if (at === 'phones') return '+12125550123'
  if (at === 'legalEntity') return 'US01'
  return value.replace('.example', '-usmark.example')
}

let it: Installation
let eu: string
let everyone: string
let reader: Sql
let hidden: { id: string; type: string }[]
const customerUs = key('crm', 'Customer', 'US-C1')
const customerEu = key('crm', 'Customer', 'C1')
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

before(async () => {
  it = await startInstallation({ rights, records: others })
  const { db } = it
  const steward = directPipeline(db.sql)
  const ada = {
    actor: 'ada',
    roles: new Set(['steward', 'approver']),
    scopes: new Set(['pii:read']),
    correlationId: crypto.randomUUID(),
  }
  // Creates one of everything that a steward leaves behind, in the other region.
  const [there] = await db.sql<{ id: string; version: number }[]>`
    select g.id, g.version from source_record r join golden g on g.id = r.golden_id where r.key = ${customerUs}`
  assert.ok(there)
  const override = {
    kind: 'OVERRIDE' as const,
    id: there.id,
    field: 'accountOwner',
    value: 'Usmark Owner',
    expiresAt: null,
  }
  const done = await act(steward, ada, {
    input: override,
    reason: 'usmark said so',
    idempotencyKey: 'one',
    expected: { [there.id]: there.version },
  })
  assert.equal(done.code, 'DONE')
  await ingestRecords(db.sql, [
    {
      source: 'crm',
      type: 'Customer',
      id: 'US-gone',
      fields: { name: 'Usmark Gone', billingAddress: { country: 'US' } },
    },
  ])
  await ingestRecords(db.sql, [
    { source: 'crm', type: 'Customer', id: 'US-gone', version: 2, deleted: true, fields: {} },
  ])
  await db.sql`insert into possible_match (a, b, type, weight, reason) values (${customerEu}, ${customerUs}, 'Customer', 3, 'name: "Usmark"')`
  const [a, b] = [customerEu, customerUs].sort() as [string, string]
  await db.sql`insert into match_label (a, b, type, answer, actor) values (${a}, ${b}, 'Customer', 'SAME', 'ida of usmark')`
  await db.sql`
    insert into task (id, kind, type, subject, state, reason, priority, due_at)
    values (gen_random_uuid(), 'POSSIBLE_MATCH', 'Customer', ${[customerEu, customerUs]}::uuid[], 'OPEN', 'usmark is alike', 1, now()),
      (gen_random_uuid(), 'POSSIBLE_MATCH', 'Customer', ${[key('crm', 'Customer', 'C2'), key('crm', 'Customer', 'C3')]}::uuid[],
        'OPEN', 'both are seen', 1, now())`
  await db.sql`
    insert into inbox (source, message_id, object, format, body, correlation_id)
    values ('crm', 'usmark', 'Customer', 'row', '{"usmark": 1}', gen_random_uuid())`
  await db.sql`
    insert into match_model (version, type, policy_version, units, parameters, records, pairs, labels, absent, actor)
    values ('v', 'Customer', 'p', '[]', '{"frequencies": {"name": {"usmark": 9}}}', 1, 1, 0, '{}', 'ida')`
  await db.sql`
    insert into outcome (inbox_id, outcome, code, detail, source, object)
    select id, 'EXCEPTION', 'UNREADABLE', 'usmark cannot be read', 'crm', 'Customer' from inbox where message_id = 'usmark'`
  hidden = [
    ...(await db.sql<{ id: string; type: string }[]>`
      select key as id, type from source_record where source_id like 'US-%'`),
  ]
  eu = await it.bound(EU, 'admin')
  everyone = await it.bound({ regions: '*', legal_entities: ['*'] }, 'admin')
  const found = it.rows?.of({ regions: EU.regions, legalEntities: EU.legal_entities })
  assert.ok(found)
  reader = found
})
after(async () => await it?.close())

const ask = async (token: string, query: string, variables?: object) =>
  await over(it.url, { query, ...(variables ? { variables } : {}), headers: bearer(token) })
const data = async (token: string, query: string) => {
  const got = JSON.parse((await ask(token, query)).text)
  assert.equal(got.errors, undefined, JSON.stringify(got.errors))
  return got.data
}

test('a tombstone is shown to those who could see the record, and to nobody else', async () => {
  const id = key('crm', 'Customer', 'US-gone')
  const query = `{ customer(id: "${id}") { name tombstone { reason detail } } node(id: "${id}") { id }
    customerBySource(system: "crm", object: "Customer", id: "US-gone") { id } }`
  assert.deepEqual(await data(eu, query), { customer: null, node: null, customerBySource: null })
  const seen = await data(everyone, query)
  assert.equal(seen.customer.tombstone.reason, 'SOURCES_DELETED')
  assert.deepEqual([seen.node.id, seen.customerBySource.id], [id, id])
})

test('a search finds no hidden record, and hidden ones do not crowd out others', async () => {
  const search = (token: string, text: string) =>
    data(
      token,
      `{ search(text: ${JSON.stringify(text)}, first: 200) { totalCount nodes { goldenId value sourceRecord { sourceId } } } }`,
    )
  for (const text of [
    customerUs,
    'US-C1',
    'us-',
    'usmark',
    'usmrak',
    'US123456789',
    '+12125550123',
  ])
    assert.equal((await search(eu, text)).search.totalCount, 0, text)
  for (const text of [customerUs, 'US-C1', 'usmark', 'US123456789'])
    assert.notEqual((await search(everyone, text)).search.totalCount, 0, text)
  for (const text of [customerEu, 'C1', 'nordwind logistik', 'nordwnid logistik', 'DE136695976'])
    assert.equal((await search(eu, text)).search.nodes[0]?.goldenId, customerEu, text)
  // The hidden words do not decide what is found: the result is that of everyone without them.
  const { nodes } = (await search(everyone, 'gmbh nordwind')).search
  const seen = nodes.filter((n: { value: string }) => !MARK.test(n.value))
  assert.deepEqual((await search(eu, 'gmbh nordwind')).search.nodes, seen)
})

test('a record that is not stored matches no hidden record', async () => {
  const matches = (token: string, values: string) =>
    data(
      token,
      `{ matchesFor(type: "Customer", values: ${values}) { totalCount nodes { goldenId verdict } } }`,
    )
  const theirs = '{ name: "Usmark HbmG kitsigoL dniwdroN", taxIds: ["US123456789"] }'
  assert.deepEqual((await matches(eu, theirs)).matchesFor, { totalCount: 0, nodes: [] })
  assert.equal((await matches(everyone, theirs)).matchesFor.nodes[0]?.verdict, 'MERGES')
  const own = '{ name: "Nordwind Logistik GmbH", taxIds: ["DE136695976"] }'
  assert.deepEqual((await matches(eu, own)).matchesFor.nodes[0], {
    goldenId: customerEu,
    verdict: 'MERGES',
  })
})

test('the reader role sees no hidden row in a plain select of any table, and may do nothing else', async () => {
  const [role] = await it.db.sql`
    select rolsuper or rolbypassrls or rolcanlogin as mighty from pg_roles where rolname = 'touchstone_reader'`
  assert.equal(role?.mighty, false)
  const tables = await it.db.sql<{ name: string; readable: boolean }[]>`
    select relname as name, has_table_privilege('touchstone_reader', c.oid, 'select') as readable
    from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')`
  assert.ok(tables.filter((t) => t.readable).length > 25)
  for (const { name, readable } of tables) {
    if (!readable) {
      await assert.rejects(reader.unsafe(`select * from ${name}`), /permission denied/, name)
      continue
    }
    const text = JSON.stringify(await reader.unsafe(`select x::text from ${name} x`))
    assert.doesNotMatch(text, MARK, name)
    for (const { id } of hidden) assert.ok(!text.includes(id), `${name} shows ${id}`)
  }
  for (const open of ['golden', 'change', 'source_record', 'invoice', 'task'])
    assert.ok(
      (await reader.unsafe(`select * from ${open}`)).length > 0,
      `${open} shows nothing at all`,
    )
  for (const write of [
    "update golden set row_place = '*'",
    'delete from change',
    'create table mine (a int)',
  ])
    await assert.rejects(reader.unsafe(write), /read-only|permission denied/, write)
  // Without the settings of a caller, the role sees only what is visible to everyone.
  const nobody = openDatabase(it.db.url, {
    connectionsMax: 1,
    name: 'test',
    settings: { role: 'touchstone_reader' },
  })
  try {
    assert.deepEqual([...(await nobody`select distinct type from golden`)], [])
    assert.equal((await nobody`select * from invoice`).length, 0)
  } finally {
    await nobody.end()
  }
})

/**
 * Returns one operation for every query field, with everything below it, about these ids, as pairs
 * of field name and text.
 */
function operationsAbout(
  idOf: (type: string) => string,
  sourceId: string,
): (readonly [string, string])[] {
  const root = it.schema.getQueryType()
  assert.ok(root)
  return Object.values(root.getFields()).map((field) => {
    const type = `${field.name.charAt(0).toUpperCase()}${field.name.slice(1)}`
    const known: Record<string, string> = {
      id: JSON.stringify(idOf(type)),
      ids: JSON.stringify([...new Set(hidden.map((h) => h.type))].map(idOf)),
      of: JSON.stringify(idOf('Customer')),
      a: JSON.stringify(idOf('Customer')),
      b: JSON.stringify(idOf('E1')),
      type: ['dataQuality', 'labelSample', 'matchesFor', 'matching'].includes(field.name)
        ? '"Customer"'
        : 'CUSTOMER',
      system: '"crm"',
      text: '"usmark"',
      values: '{ name: "Usmark HbmG kitsigoL dniwdroN", taxIds: ["US123456789"] }',
      object: '"Customer"',
      from: '1',
      to: '2',
      ...(field.name.endsWith('BySource') ? { id: JSON.stringify(sourceId) } : {}),
    }
    return [field.name, wholeOperation(it.schema, field, 3, (a) => known[a])]
  })
}

/** Returns a hidden id of the type if there is one, and that of a customer otherwise. */
function idOfOthers(type: string): string {
  if (type === 'E1') return key('erp', 'Customer', 'US-E1')
  return (type !== 'Customer' && hidden.find((h) => h.type === type)?.id) || customerUs
}

test('no operation returns hidden values for hidden ids', async () => {
  const operations = operationsAbout(idOfOthers, 'US-C1')
  const wrong: string[] = []
  const exposed: string[] = []
  for (const [name, text] of operations) {
    const got = (await ask(eu, text)).text
    if (/VALIDATION|FORBIDDEN|INTERNAL|"code":"(TOO|QUERY)_/.test(got))
      wrong.push(`${name}: ${got.slice(0, 400)}`)
    const answered = JSON.stringify(JSON.parse(got).data ?? null)
    const found =
      MARK.exec(got) ?? hidden.map((h) => new RegExp(h.id).exec(answered)).find((m) => m)
    if (found)
      wrong.push(
        `${name} shows ${found[0]}: …${got.slice(Math.max(0, found.index - 250), found.index + 60)}…`,
      )
    if (MARK.test((await ask(everyone, text)).text)) exposed.push(name)
  }
  assert.deepEqual(wrong, [])
  // An unbound caller sees the values, so the operations do reach them.
  for (const name of [
    'customer',
    'customers',
    'customerBySource',
    'contact',
    'contract',
    'node',
    'nodes',
    'invoice',
    'invoices',
    'payments',
    'postings',
    'subscriptions',
    'opportunities',
    'quotes',
    'salesOrders',
    'entitlements',
    'amendments',
    'invoiceTaxes',
    'creditNotes',
    'refunds',
    'revenueSchedules',
    'customerHealths',
    'usageRecords',
    'changes',
    'tasks',
    'stewardActions',
    'auditLog',
    'explain',
    'clusterStory',
    'possibleMatches',
    'search',
    'matchesFor',
    'inboundExceptions',
    'goldenDiff',
    'labelSample',
    'trace',
  ])
    assert.ok(exposed.includes(name), `${name} had nothing to hide; others had: ${exposed}`)
})

test('a hidden id gets the same response as an unknown one, to the letter', async () => {
  const nobody = new Map<string, string>()
  const idOfNobody = (type: string) => {
    const found = nobody.get(idOfOthers(type)) ?? crypto.randomUUID()
    nobody.set(idOfOthers(type), found)
    return found
  }
  const others = operationsAbout(idOfOthers, 'US-C1')
  const plain = (text: string) =>
    text
      .replace(/"correlationId":"[^"]*"/g, '')
      .replaceAll('US-C1', 'US-C0')
      .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => nobody.get(id) ?? id)
  const differ: string[] = []
  let compared = 0
  for (const [n, [name, text]] of operationsAbout(idOfNobody, 'US-C0').entries()) {
    const same = others[n]?.[1] ?? ''
    if (text === same) continue
    compared++
    const [unknown, hidden] = [await ask(eu, text), await ask(eu, same)]
    if (plain(hidden.text) !== plain(unknown.text) || hidden.status !== unknown.status)
      differ.push(`${name}: ${hidden.text.slice(0, 300)} | ${unknown.text.slice(0, 300)}`)
  }
  assert.deepEqual(differ, [])
  assert.ok(compared > 20, `${compared} operations take an id`)
})

test('counts, totals, filters, aliases, relations and lookups cover the caller’s region completely and nothing else', async () => {
  const own = await data(
    eu,
    `{ customers { totalCount nodes { name invoices { totalCount } contacts { totalCount } children { totalCount } totals { openBalance { minorUnits } } } }
       alias: customers(filter: { name: { contains: "Usmark" } }) { totalCount }
       not: customers(filter: { not: { name: { contains: "Nordwind" } } }) { totalCount }
       bySource: customers(filter: { source: { system: "crm", id: "US-C1" } }) { totalCount }
       invoices { totalCount } contacts { totalCount } contracts { totalCount } products { totalCount } payments { totalCount }
       quality: dataQuality(type: "Customer") { golden records } tasks { totalCount: nodes { id reason } } taskCounts { total } }`,
  )
  assert.equal(own.customers.totalCount, 3)
  assert.deepEqual(own.customers.nodes.map((n: { name: string }) => n.name).sort(), [
    'Casa Lupo S.r.l.',
    'Nordwind Logistik GmbH',
    'Zephyr Kühlhaus AG',
  ])
  const nordwind = own.customers.nodes.find((n: { name: string }) => n.name.startsWith('Nordwind'))
  assert.deepEqual(
    [nordwind.invoices.totalCount, nordwind.contacts.totalCount, nordwind.children.totalCount],
    [3, 2, 1],
  )
  assert.deepEqual([own.alias.totalCount, own.not.totalCount, own.bySource.totalCount], [0, 2, 0])
  assert.deepEqual(
    [own.invoices.totalCount, own.contacts.totalCount, own.contracts.totalCount],
    [3, 2, 2],
  )
  assert.deepEqual([own.products.totalCount, own.payments.totalCount], [1, 1])
  assert.equal(own.quality.golden, 3)
  assert.deepEqual(
    [own.taskCounts.total, own.tasks.totalCount.map((t: { reason: string }) => t.reason)],
    [1, ['both are seen']],
  )
  // An unbound caller gets the records of both regions.
  const all = await data(
    everyone,
    '{ customers { totalCount } invoices { totalCount } taskCounts { total } }',
  )
  assert.deepEqual([all.customers.totalCount, all.invoices.totalCount], [6, 6])
  assert.ok(all.taskCounts.total >= 2)
})

test('a claim of another shape than the documented one shows no row, over any way in', async () => {
  const query = '{ customers { totalCount } }'
  for (const claims of [
    { regions: '*', legal_entities: 'DE01 *' },
    { regions: '*', legal_entities: 'Alpha * Omega' },
    { regions: ['eu', '*'], legal_entities: '*' },
    { regions: [['*']], legal_entities: '*' },
    { regions: 'eu\u00a0*', legal_entities: '*' },
    { regions: { 0: '*', length: 1 }, legal_entities: '*' },
    { regions: true, legal_entities: '*' },
    { regions: '*', legal_entities: 'DE01,*' },
  ]) {
    const token = await it.bound(claims, 'admin')
    const headers = { authorization: `Bearer ${token}` }
    const { status, code, text } = await over(it.url, { query, headers })
    assert.deepEqual([status, code], [401, 'UNAUTHENTICATED'], JSON.stringify(claims))
    assert.match(text, /claim/)
    assert.equal((await overSocket(it.url, query, headers)).code, 'UNAUTHENTICATED')
  }
  // A key from before such a mixture was refused has no more rights than its words.
  const { text: key } = await createKey(it.db.sql, {
    name: 'mixture',
    roles: ['admin'],
    scopes: [],
    regions: ['*', 'eu'],
    legalEntities: ['*', 'DE01'],
    expiresAt: null,
    createdBy: 'test',
  })
  const found = await over(it.url, { query, headers: { authorization: `Bearer ${key}` } })
  assert.match(found.text, /"totalCount":1\}/)
})

test('a caller without claims sees only shared records; both regions and legal entities must match; unknown values grant nothing', async () => {
  const count = async (claims: object) => {
    const got = await data(
      await it.bound(claims, 'admin'),
      '{ customers { totalCount } contacts { totalCount } products { totalCount } postings { totalCount } }',
    )
    return Object.values(got).map((c) => (c as { totalCount: number }).totalCount)
  }
  assert.deepEqual(await count({}), [0, 0, 1, 0])
  assert.deepEqual(await count({ regions: ['eu'] }), [0, 0, 1, 0])
  assert.deepEqual(await count({ regions: ['eu'], legal_entities: ['DE01'] }), [1, 2, 1, 2])
  assert.deepEqual(await count({ regions: ['eu'], legal_entities: ['US01'] }), [0, 0, 1, 0])
  assert.deepEqual(await count({ regions: ['us'], legal_entities: ['*'] }), [3, 2, 1, 2])
  assert.deepEqual(await count({ regions: ['*'], legal_entities: ['US01'] }), [3, 2, 1, 2])
  assert.deepEqual(
    await count({ regions: ['nowhere', '**', 'DE', 'NONE'], legal_entities: '*' }),
    [0, 0, 1, 0],
  )
  assert.deepEqual(
    await count({ regions: ['*'], legal_entities: ['**', '"', '{', "'"] }),
    [0, 0, 1, 0],
  )
  assert.deepEqual(
    await count({ regions: ['eu', 'us'], legal_entities: ['DE01', 'NONE', 'US01'] }),
    [6, 4, 1, 4],
  )
  // API keys are bound in the same way.
  const [bound, silent] = await Promise.all([
    createKey(it.db.sql, {
      name: 'bound',
      roles: ['reader'],
      scopes: [],
      regions: ['us'],
      legalEntities: ['*'],
      expiresAt: null,
      createdBy: 'test',
    }),
    createKey(it.db.sql, {
      name: 'silent',
      roles: ['reader'],
      scopes: [],
      expiresAt: null,
      createdBy: 'test',
    }),
  ])
  for (const [text, n] of [
    [bound.text, 3],
    [silent.text, 0],
  ] as const)
    assert.equal((await data(text, '{ customers { totalCount } }')).customers.totalCount, n)
})

test('a steward of one region cannot act on records, tasks, actions and messages of another', async () => {
  const { db } = it
  const [us] = await db.sql<{ id: string; version: number }[]>`
    select g.id, g.version from source_record r join golden g on g.id = r.golden_id where r.key = ${customerUs}`
  const [eur] = await db.sql<{ id: string; version: number }[]>`
    select g.id, g.version from source_record r join golden g on g.id = r.golden_id where r.key = ${customerEu}`
  const [action] = await db.sql<{ id: string }[]>`select id from action limit 1`
  const [task] = await db.sql<
    { id: string }[]
  >`select id from task where reason = 'usmark is alike'`
  const [message] = await db.sql<{ id: number }[]>`select id from inbox where message_id = 'usmark'`
  assert.ok(us && eur && action && task && message)
  const reasonAndKey = 'reason: "because", idempotencyKey: "k"'
  const seen = (r: { id: string; version: number }) => `{ id: "${r.id}", version: ${r.version} }`
  const [theirs, ours] = [seen(us), seen(eur)]
  const attempts = [
    `mergeRecords(input: { records: [${ours}, ${theirs}] }, ${reasonAndKey})`,
    `overrideField(input: { record: ${theirs}, field: "accountOwner", value: "x" }, ${reasonAndKey})`,
    `retireRecord(input: { record: ${theirs} }, ${reasonAndKey})`,
    `attachRecord(input: { source: "${key('erp', 'Customer', 'US-E1')}", from: ${ours}, to: ${ours} }, ${reasonAndKey})`,
    `setParent(input: { record: ${ours}, parent: ${theirs} }, ${reasonAndKey})`,
    `undoAction(action: "${action.id}", ${reasonAndKey})`,
    `approveAction(action: "${action.id}", reason: "because")`,
    `claimTasks(ids: ["${task.id}"])`,
    `commentTask(id: "${task.id}", body: "hello")`,
    `retryExceptions(limit: 10, ${reasonAndKey})`,
    `discardExceptions(ids: ["${message.id}"], ${reasonAndKey})`,
    `correctException(id: "${message.id}", payload: "{}", ${reasonAndKey})`,
  ]
  const head = async () => (await db.sql`select position from feed_head`)[0]?.position
  const begun = await head()
  for (const attempt of attempts) {
    const type =
      attempt.includes('Tasks') || attempt.includes('Task(')
        ? 'TaskRefused'
        : attempt.includes('xception')
          ? 'InboundExceptionRefused'
          : 'ActionRefused'
    const { text } = await ask(eu, `mutation { ${attempt} { __typename ... on ${type} { rule } } }`)
    assert.match(text, /"rule":"UNKNOWN_(ID|TASK|EXCEPTION)"/, `${attempt}: ${text}`)
    assert.doesNotMatch(text, MARK)
  }
  const preview = await ask(
    eu,
    `{ previewAction(action: { override: { record: ${theirs}, field: "name", value: "x" } }) { __typename ... on ActionRefused { rule } } }`,
  )
  assert.match(preview.text, /"rule":"UNKNOWN_ID"/, preview.text)
  assert.equal(await head(), begun)
  // The steward may act on records of its own region.
  const own = await ask(
    eu,
    `mutation { overrideField(input: { record: ${ours}, field: "accountOwner", value: "Ada" }, ${reasonAndKey}) { __typename ... on ActionDone { action { id } } } }`,
  )
  assert.match(own.text, /"__typename":"ActionDone","action":\{"id"/, own.text)
})

/** Figures that change with the clock. */
const OF_CLOCK = /"(ageSeconds\w*|correlationId)":("[^"]*"|[\d.e-]+)/g
/** When a check of the audit log began: for a bound caller nothing was read. */
const AT_OF_CHECK = /("auditCheck":\{[^}]*"at":)"[^"]*"/
/** Sealed cursors are never the same twice; plain ones stay in the text, to be compared. */
const SEALED = /"A[g-v][\w-]{120,}"/g

test('what others do changes nothing that a bound caller sees: no head, position, number or count', async () => {
  const own = operationsAbout(
    (type) =>
      key(
        'crm',
        ...((type === 'Contact' ? ['Contact', 'P1'] : ['Customer', 'C1']) as [string, string]),
      ),
    'C1',
  )
  const seen = async () =>
    await Promise.all(
      own.map(async ([name, text]) => [
        name,
        (await ask(eu, text)).text
          .replace(OF_CLOCK, '')
          .replace(AT_OF_CHECK, '$1')
          .replace(SEALED, '"sealed"'),
      ]),
    )
  const all = async () =>
    await Promise.all(own.map(async ([, text]) => (await ask(everyone, text)).text))
  const before = await seen()
  const shown = await all()
  for (let n = 0; n < 4; n++)
    await ingestRecords(
      it.db.sql,
      Array.from(
        { length: 8 },
        (_, i): WorldRecord => ({
          ...{ source: 'crm', type: 'Customer', id: `US-noise-${i}`, version: n + 1 },
          fields: { name: `Usmark Noise ${i}.${n}`, billingAddress: { country: 'US' } },
        }),
      ),
    )
  const after = await seen()
  assert.deepEqual(after, before)
  // An unbound caller sees that something happened.
  const changed = (await all()).flatMap((text, i) => (text === shown[i] ? [] : own[i]?.[0]))
  for (const name of ['feed', 'customers', 'inboundExceptions', 'dataQuality', 'queueAges'])
    assert.ok(changed.includes(name), `${name} had nothing to hide: ${changed}`)
  // A number that counts everything is not in any response of a bound caller.
  const [head] = await it.db.sql<{ position: number; message: number; record: number }[]>`
    select position, (select max(id) from inbox) as message, (select max(id) from source_record) as record
    from feed_head`
  assert.ok(head && head.position > 40)
  const { feed } = await data(eu, '{ feed { head oldest cursor beginning } }')
  assert.deepEqual([feed.head, feed.oldest], [0, 0])
})

interface PageOfChanges {
  nodes: {
    position: number
    goldenId: string
    version: number
    cursor: string
    cause: { messageId: string | null }
    cloudEvent: { sequence: string; causationid?: string }
  }[]
  pageInfo: { hasNextPage: boolean; endCursor: string }
}
async function changesAfter(
  token: string,
  after: string | null,
  first: number,
): Promise<PageOfChanges> {
  const at = after === null ? '' : `after: "${after}", `
  const query = `{ changes(${at}first: ${first}) { nodes { position goldenId version cursor cause { messageId } cloudEvent }
    pageInfo { hasNextPage endCursor } } }`
  return (await data(token, query)).changes
}

test('a bound caller resumes the feed by sealed cursors, without gap or duplicate, and its positions count its own events', async () => {
  const whole = (await changesAfter(eu, null, 200)).nodes
  assert.ok(whole.length > 5)
  assert.deepEqual(
    whole.map((c) => c.position),
    whole.map((_, i) => i + 1),
  )
  const pages: PageOfChanges['nodes'] = []
  let after: string | null = null
  for (let more = true; more; ) {
    const page: PageOfChanges = await changesAfter(eu, after, 2)
    pages.push(...page.nodes)
    after = page.pageInfo.endCursor
    more = page.pageInfo.hasNextPage
  }
  const summary = (c: PageOfChanges['nodes'][number]) => [c.position, c.goldenId, c.version]
  assert.deepEqual(pages.map(summary), whole.map(summary))
  assert.ok(
    pages.every((c) => c.cause.messageId === null && c.cloudEvent.causationid === undefined),
  )
  const [one] = whole
  assert.ok(one)
  // A subscription goes on after the cursor of a page, with the next of its own numbers.
  const resumed = await follow(eu, `(after: "${whole.at(-2)?.cursor}")`, 'position goldenId')
  try {
    await eventually(() => resumed.has('Change').length >= 1)
    assert.equal(resumed.has('Change')[0]?.position, whole.length)
  } finally {
    await resumed.close()
  }
  // CloudEvents are sorted by their time, which the caller sees anyway.
  const bySequence = whole.map((c) => c.cloudEvent.sequence)
  assert.deepEqual(bySequence.toSorted(), bySequence)
  assert.match(one.cloudEvent.sequence, /^1[67]\d{14}$/)
  // Two cursors of one place differ, and none reveals a number.
  const [again] = (await changesAfter(eu, null, 1)).nodes
  assert.notEqual(again?.cursor, one.cursor)
  assert.equal(again?.cursor.length, whole.at(-1)?.cursor.length)
})

test('a bound caller cannot search for the head of the feed or for numbers of rows by cursors of its own making', async () => {
  const { feed } = await data(everyone, '{ feed { epoch head cursor } }')
  const made = [0, feed.head, feed.head + 1, 1_000_000_000].map((position) =>
    encodeCursor(feed.epoch, { kind: 'TAIL', position }),
  )
  const texts = new Set<string>()
  for (const cursor of [...made, feed.cursor])
    for (const query of [
      `{ changes(after: "${cursor}") { nodes { op } } }`,
      `subscription { customerChanged(after: "${cursor}", snapshot: true) { __typename } }`,
      `mutation { registerWebhook(input: { url: "https://a.example/", after: "${cursor}" }) { __typename } }`,
    ]) {
      const got = query.startsWith('subscription')
        ? await overSocket(it.url, query, bearer(eu))
        : await ask(eu, query)
      assert.equal(got.code, 'CURSOR_INVALID', `${query}: ${got.text}`)
      texts.add(
        got.text
          .replace(/"(path|locations|correlationId)":("[^"]*"|\[[^\]]*\]+)/g, '')
          .replace(/customerChanged|registerWebhook|changes/g, ''),
      )
    }
  assert.ok(texts.size <= 3, [...texts].join('\n'))
  // Lists: a plain cursor, and a sealed one of the feed or of another list.
  const plain = Buffer.from(JSON.stringify(['arrival+', '1'])).toString('base64url')
  const own = await data(eu, '{ feed { cursor } customers { pageInfo { endCursor } } }')
  const listed = (cursor: string, list = 'sourceRecords') =>
    `{ customer(id: "${customerEu}") { ${list}(after: "${cursor}") { totalCount nodes { __typename } } } }`
  for (const cursor of [
    plain,
    own.feed.cursor,
    own.customers.pageInfo.endCursor,
    'Ag',
    ''.padEnd(200, 'A'),
  ])
    assert.equal((await ask(eu, listed(cursor))).code, 'BAD_CURSOR', cursor)
  assert.equal((await ask(everyone, listed(plain))).code, undefined)
  // Products have the same order as customers.
  const { endCursor } = own.customers.pageInfo
  const inProducts = `{ products(after: "${endCursor}") { nodes { id } } }`
  assert.equal((await ask(eu, inProducts)).code, 'BAD_CURSOR')
  assert.equal((await ask(eu, '{ customers(after: "") { nodes { id } } }')).code, 'BAD_CURSOR')
  // A sealed cursor belongs to callers with row rights.
  assert.equal(
    (await ask(everyone, `{ changes(after: "${own.feed.cursor}") { nodes { op } } }`)).code,
    'CURSOR_INVALID',
  )
  // Pages of a list go on by sealed cursors.
  const paged: string[] = []
  let after = ''
  for (let more = true; more; ) {
    const { customer } = await data(
      eu,
      `{ customer(id: "${customerEu}") { sourceRecords(first: 1${after}) { nodes { id } pageInfo { hasNextPage endCursor } } } }`,
    )
    paged.push(...customer.sourceRecords.nodes.map((n: { id: string }) => n.id))
    assert.doesNotMatch(
      Buffer.from(customer.sourceRecords.pageInfo.endCursor, 'base64url').toString('latin1'),
      /arrival/,
    )
    after = `, after: "${customer.sourceRecords.pageInfo.endCursor}"`
    more = customer.sourceRecords.pageInfo.hasNextPage
  }
  assert.equal(new Set(paged).size, 3)
})

/** Subscribes to the feed as one caller, from now on. */
async function follow(
  token: string,
  args = '',
  fields = 'op goldenId before after changedFields redirect members cause { system recordId }',
) {
  const client = createClient({
    url: it.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: bearer(token),
    retryAttempts: 0,
  })
  const items: Record<string, unknown>[] = []
  const faults: unknown[] = []
  const query = `subscription { changes${args} { __typename ... on Snapshot { goldenId values } ... on Change { ${fields} } } }`
  const stop = client.subscribe<{ changes: Record<string, unknown> }>(
    { query },
    {
      next: (r) => (r.data ? items.push(r.data.changes) : faults.push(r.errors)),
      error: (e) => faults.push(e),
      complete: () => {},
    },
  )
  const has = (type: string) => items.filter((i) => i.__typename === type)
  await eventually(() => has('CaughtUp').length > 0 || faults.length > 0)
  assert.deepEqual(faults, [])
  const close = () => {
    stop()
    return client.dispose()
  }
  return { items, has, close }
}

test('the feed shows only the caller’s region: a record that leaves is DELETED, one that enters has no before', async () => {
  const [one, two] = await Promise.all([
    follow(eu, '(snapshot: true)'),
    follow(
      await it.bound({ regions: ['us'], legal_entities: ['*'] }, 'reader'),
      '(types: [CUSTOMER])',
    ),
  ])
  try {
    assert.doesNotMatch(JSON.stringify(one.items), MARK)
    for (const { id } of hidden) assert.ok(!one.has('Snapshot').some((s) => s.goldenId === id))
    assert.equal(one.has('Snapshot').length, 3 + 2 + 2 + 1)
    const move = (version: number, country: string, name: string): WorldRecord => ({
      source: 'crm',
      type: 'Customer',
      id: 'mover',
      version,
      fields: { name, billingAddress: { country, city: `${name} City` }, legalEntities: ['DE01'] },
    })
    await ingestRecords(it.db.sql, [move(1, 'DE', 'Kranich Handel')])
    await ingestRecords(it.db.sql, [move(2, 'US', 'Kranich Usmark')])
    await ingestRecords(it.db.sql, [move(3, 'US', 'Kranich Usmark Two')])
    await ingestRecords(it.db.sql, [move(4, 'IT', 'Kranich Roma')])
    await ingestRecords(it.db.sql, [{ ...move(5, 'IT', ''), deleted: true, fields: {} }])
    await eventually(() => one.has('Change').length >= 4 && two.has('Change').length >= 3)
    const summaries = (items: Record<string, unknown>[]) =>
      items.map((c) => [
        c.op,
        (c.before as { name?: string })?.name ?? null,
        (c.after as { name?: string })?.name ?? null,
      ])
    assert.deepEqual(summaries(one.has('Change')), [
      ['CREATED', null, 'Kranich Handel'],
      ['DELETED', 'Kranich Handel', null],
      ['UPDATED', null, 'Kranich Roma'],
      ['DELETED', 'Kranich Roma', null],
    ])
    const leaving = one.has('Change')[1] ?? {}
    assert.deepEqual(
      [leaving.changedFields, leaving.members, (leaving.cause as { system: string }).system],
      [[], [], 'row-rights'],
    )
    assert.deepEqual(summaries(two.has('Change')), [
      ['UPDATED', null, 'Kranich Usmark'],
      ['UPDATED', 'Kranich Usmark', 'Kranich Usmark Two'],
      ['DELETED', 'Kranich Usmark Two', null],
    ])
    assert.doesNotMatch(JSON.stringify(one.items), MARK)
    // Past changes match the live ones, and history and asOf know only the versions of the caller's
    // region.
    const mover = key('crm', 'Customer', 'mover')
    const past = await data(
      eu,
      `{ changes(first: 200, ids: ["${mover}"]) { nodes { op before after } } }`,
    )
    assert.deepEqual(summaries(past.changes.nodes), summaries(one.has('Change')))

    // Operational objects are judged by their customer; a posting also by its legal entity.
    const [own, foreign] = [key('crm', 'Customer', 'C1'), customerUs]
    const invoice = (version: number, customer: string, number: string): WorldRecord => ({
      ...{ source: 'billing', type: 'Invoice', id: 'moving', version },
      fields: { customer, number },
    })
    const posting = (id: string, legalEntity: string): WorldRecord => ({
      ...{ source: 'erp', type: 'Posting', id },
      fields: { customer: own, legalEntity, memo: legalEntity === 'DE01' ? 'ours' : 'usmark' },
    })
    const known = one.has('Change').length
    await ingestRecords(it.db.sql, [invoice(1, own, 'EV-1')])
    await ingestRecords(it.db.sql, [invoice(2, foreign, 'EV-1 usmark')])
    await ingestRecords(it.db.sql, [posting('elsewhere', 'US01'), posting('here', 'DE01')])
    // Prices have no customer: their product decides, which everyone may see.
    const price = (id: string, fields: WorldRecord['fields']): WorldRecord => ({
      ...{ source: 'billing', type: 'Price', id, fields },
    })
    await ingestRecords(it.db.sql, [price('of nothing', { name: 'usmark' })])
    await ingestRecords(it.db.sql, [price('here', { product: key('erp', 'Product', 'I1') })])
    await eventually(() => one.has('Change').length >= known + 4)
    assert.deepEqual(
      one
        .has('Change')
        .slice(known)
        .map((c) => [c.op, (c.after as { memo?: string })?.memo ?? null]),
      [
        ['CREATED', null],
        ['DELETED', null],
        ['CREATED', 'ours'],
        ['CREATED', null],
      ],
    )
    // The feed has no version of an object from before the events of its type began.
    const early = (version: number): WorldRecord => ({
      ...{ source: 'billing', type: 'Invoice', id: 'early', version },
      ...(version === 1 ? { fields: { customer: own } } : { deleted: true, fields: {} }),
    })
    await ingestRecords(it.db.sql, [early(1)])
    // A change that is deleted before it was read would be a gap in the positions.
    await eventually(() => one.has('Change').length >= known + 5)
    await it.db.sql`delete from change where golden_id = ${key('billing', 'Invoice', 'early')}`
    await ingestRecords(it.db.sql, [early(2)])
    await eventually(() => one.has('Change').at(-1)?.op === 'DELETED')
    assert.doesNotMatch(JSON.stringify(one.items), MARK)
  } finally {
    await Promise.all([one.close(), two.close()])
  }
  const sse = await over(it.url, {
    query:
      'subscription { changes(snapshot: true, types: [CUSTOMER]) { ... on Snapshot { values } } }',
    headers: { ...bearer(eu), accept: 'text/event-stream' },
  })
  assert.doesNotMatch(sse.text, MARK)
  assert.match(
    (
      await overSocket(
        it.url,
        `subscription { changes(snapshot: true, ids: ["${customerUs}"]) { __typename } }`,
        bearer(eu),
      )
    ).text,
    /CaughtUp/,
  )
})

test('history and asOf return versions of the caller’s region only, and null where a version is hidden', async () => {
  const record = (version: number, country: string, city: string): WorldRecord => ({
    source: 'crm',
    type: 'Customer',
    id: 'returned',
    version,
    fields: { name: 'Reiher Bau', billingAddress: { country, city }, legalEntities: ['DE01'] },
  })
  const id = key('crm', 'Customer', 'returned')
  const at: string[] = []
  for (const r of [record(1, 'DE', 'Kiel'), record(2, 'US', 'Usmark'), record(3, 'DE', 'Bonn')]) {
    await ingestRecords(it.db.sql, [r])
    at.push(
      (await it.db.sql<{ at: Date }[]>`select clock_timestamp() as at`)[0]?.at.toISOString() ?? '',
    )
  }
  const city = async (moment: string) =>
    (await data(eu, `{ customer(id: "${id}", asOf: "${moment}") { billingAddress { city } } }`))
      .customer?.billingAddress.city ?? null
  assert.deepEqual(await Promise.all(at.map(city)), ['Kiel', null, 'Bonn'])
  const listed = async (moment: string) =>
    (
      await data(
        eu,
        `{ customers(asOf: "${moment}", filter: { id: { eq: "${id}" } }) { nodes { billingAddress { city } } } }`,
      )
    ).customers.nodes[0]?.billingAddress.city ?? null
  assert.deepEqual(await Promise.all(at.map(listed)), ['Kiel', null, 'Bonn'])
  const { customer } = await data(
    eu,
    `{ customer(id: "${id}") { history(first: 9) { totalCount nodes { version values } } } }`,
  )
  assert.deepEqual(
    customer.history.nodes.map((v: { version: number }) => v.version),
    [3, 1],
  )
  assert.equal(customer.history.totalCount, 2)
})

test('webhooks carry the rows of their registrant, and only callers with the same rows see them', async () => {
  const bodies: string[] = []
  const endpoint = createServer((req, res) => {
    const parts: Buffer[] = []
    req
      .on('data', (c) => parts.push(c))
      .on('end', () => {
        bodies.push(Buffer.concat(parts).toString())
        res.end()
      })
  })
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/`
  const { port } = new URL(url)
  const reach = { networks: [parseNetwork('127.0.0.1')], http: true, ports: [Number(port)] }
  const poster = createPoster({ reach, timeoutMs: 10_000 })
  const sql = openDatabase(it.db.url, { connectionsMax: 5, name: 'test-deliver' })
  const vault = new Vault([])
  const settings = {
    url,
    description: '',
    filter: {
      types: ['Customer'],
      ids: null,
      ops: null,
      systems: null,
      changedFields: null,
      values: null,
    },
    schemaVersion: 1,
    scopes: [],
  }
  const made = async (rows: EndpointRows) => {
    const done = await registerWebhook(
      { sql, vault, reach, poster },
      'tester',
      settings,
      null,
      null,
      rows,
    )
    assert.equal(done.code, 'DONE', JSON.stringify(done))
    return done.code === 'DONE' ? done.id : ''
  }
  const ids = [
    await made({ regions: EU.regions, legalEntities: EU.legal_entities }),
    await made(everyRow),
  ]
  const deliverer = new Deliverer({
    sql,
    policy: () => policy,
    vault,
    poster,
    pollMs: 20,
    log: () => {},
    sightOf: (rows) =>
      it.rows?.of(rows) ? new RowVisibility(() => it.rows?.of(rows) as Sql) : null,
  })
  await deliverer.start()
  try {
    const record = (id: string, country: string): WorldRecord => ({
      source: 'crm',
      type: 'Customer',
      id,
      fields: {
        name: `${country === 'US' ? 'Usmark' : 'Habicht'} ${id}`,
        billingAddress: { country },
        legalEntities: ['DE01'],
      },
    })
    await ingestRecords(it.db.sql, [record('hook-us', 'US')])
    await ingestRecords(it.db.sql, [record('hook-eu', 'DE')])
    // The unbound endpoint gets both events, the bound one gets one.
    await eventually(() => bodies.length >= 3)
    assert.equal(bodies.length, 3)
    assert.deepEqual(bodies.filter((b) => MARK.test(b)).length, 1)
    // Only the unbound endpoint gets positions and numbers of messages.
    const sent = bodies.map((b) => JSON.parse(b) as { sequence: string; causationid?: string })
    const timed = sent.filter((e) => /^1[67]\d{14}$/.test(e.sequence))
    assert.deepEqual([timed.length, timed.every((e) => e.causationid === undefined)], [1, true])
    const shownWebhook = await data(eu, '{ webhooks { nodes { position lag missed } } }')
    assert.deepEqual(shownWebhook.webhooks.nodes, [{ position: 0, lag: 0, missed: 0 }])
    // A bound caller can manage only endpoints with the same rows.
    const listed = async (token: string) =>
      (await data(token, '{ webhooks { nodes { id } } }')).webhooks.nodes.map(
        (w: { id: string }) => w.id,
      )
    assert.deepEqual(await listed(eu), [ids[0]])
    assert.deepEqual((await listed(everyone)).sort(), ids.toSorted())
    for (const attempt of [
      `deleteWebhook(id: "${ids[1]}")`,
      `changeWebhook(id: "${ids[1]}", change: { url: "https://example.com/" })`,
      `testWebhook(id: "${ids[1]}")`,
    ])
      assert.match(
        (await ask(eu, `mutation { ${attempt} { ... on WebhookRefused { rule } } }`)).text,
        /UNKNOWN_WEBHOOK/,
        attempt,
      )
  } finally {
    await deliverer.stop(0)
    poster.close()
    await sql.end()
    endpoint.closeAllConnections()
    endpoint.close()
  }
})

test('applies changed row rights to existing rows, and explains the missing rights of a database user', async () => {
  const { db } = it
  const counted = async () =>
    (await reader<{ n: number }[]>`select count(*)::int as n from golden`)[0]?.n
  const before = await counted()
  await db.sql`update row_rights set tags = 'others'`
  await setUpRowRights(db.sql, policy)
  assert.equal(await counted(), before)
  const name = `limited_${process.pid}`
  await db.sql.unsafe(`create role ${name} login password 'p' nosuperuser nocreaterole`)
  const url = new URL(db.url)
  url.username = name
  url.password = 'p'
  const limited = openDatabase(url.href, { connectionsMax: 1, name: 'test' })
  try {
    await assert.rejects(setUpRowRights(limited, policy), /does not own its tables/)
    await db.sql.unsafe(`alter table golden owner to ${name}`)
    await db.sql.unsafe(`grant all on all tables in schema public to ${name}`)
    await assert.rejects(
      setUpRowRights(limited, policy),
      /create role touchstone_reader nologin; grant touchstone_reader to/,
    )
  } finally {
    await limited.end()
    await db.sql.unsafe('alter table golden owner to current_user')
    await db.sql.unsafe(`drop owned by ${name}; drop role ${name}`)
    await setUpRowRights(db.sql, policy)
  }
})
