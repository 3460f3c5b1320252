import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { type ExecutionResult, execute, parse } from 'graphql'
import type { Gateway } from '../../gateway/gateway.ts'
import { verifyAudit } from '../../mdm/audit/verifyAudit.ts'
import { CursorSeal } from '../../mdm/db/cursorSeal.ts'
import { applyPending } from '../../mdm/ingest/pipeline.ts'
import { versionLeadHoursMax } from '../../mdm/ingest/versionLead.ts'
import { DEFAULT_RULES } from '../../mdm/tasks/rules.ts'
import { recordKey } from '../../schema/recordKey.ts'
import { createOperationsSubgraph } from '../../subgraphs/operations/subgraph.ts'
import { unbound } from '../../subgraphs/shared/context.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { row, SHOP_MAPPING, shop, shopConnector, shopPipeline } from '../fixtures/shop.ts'
import { drain, empty, policy } from '../fixtures/store.ts'
import { type GraphQLResponse, graph } from './world.ts'

let db: TestDatabase
let gateway: Gateway
const rules = {
  ...DEFAULT_RULES,
  owners: [
    { type: 'Customer', owner: 'sales' },
    { system: 'shop', owner: 'shopkeeper' },
  ],
}
const connectors = new Map([['shop', shopConnector()]])

before(async () => {
  db = await testDatabase()
  const steward = { ...shopPipeline(db.sql), rules }
  gateway = await graph(db.sql, 0, [shop], { connectors, steward })
})
beforeEach(() => empty(db.sql))
after(async () => {
  await gateway?.close(0)
  await db?.drop()
})

async function ask(
  text: string,
  variables: object = {},
  roles = 'integrator',
): Promise<GraphQLResponse['data']> {
  const { data, errors } = await tryToAsk(text, variables, roles)
  if (errors) throw new Error(JSON.stringify(errors, null, 1))
  return data
}

async function tryToAsk(
  text: string,
  variables: object = {},
  roles = 'integrator',
): Promise<GraphQLResponse> {
  const res = await fetch(gateway.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-touchstone-actor': 'ida',
      'x-touchstone-roles': roles,
    },
    body: JSON.stringify({ query: text, variables }),
  })
  return (await res.json()) as GraphQLResponse
}

const LIST = `query ($filter: InboundExceptionFilter, $first: Int, $after: String, $last: Int, $before: String) {
  inboundExceptions(filter: $filter, first: $first, after: $after, last: $last, before: $before) { totalCount
    nodes { id code object recordId owner state waiting detail payload }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`
const RESULT = `__typename ... on InboundExceptionDone { messages last left correctedBy } ... on InboundExceptionRefused { rule detail }`
const RETRY = `mutation ($filter: InboundExceptionFilter, $limit: Int, $reason: String!, $key: String!) {
  it: retryExceptions(filter: $filter, limit: $limit, reason: $reason, idempotencyKey: $key) { ${RESULT} } }`
const CORRECT = `mutation ($id: ID!, $payload: String!, $object: String, $reason: String!, $key: String!) {
  it: correctException(id: $id, payload: $payload, object: $object, reason: $reason, idempotencyKey: $key) { ${RESULT} } }`
const DISCARD = `mutation ($ids: [ID!]!, $reason: String!, $key: String!) {
  it: discardExceptions(ids: $ids, reason: $reason, idempotencyKey: $key) { ${RESULT} } }`

const key = () => ({ reason: 'test', key: crypto.randomUUID() })
const list = async (filter: object = {}) => (await ask(LIST, { filter })).inboundExceptions.nodes
const ids = async (filter: object = {}) =>
  (await list(filter)).map((n: { id: string }) => Number(n.id))
const name = async (id: string) =>
  (
    await db.sql`select values ->> 'name' as v from golden where id = ${recordKey('shop', 'client', id)}`
  )[0]?.v
const at = (day: number) => new Date(Date.UTC(2026, 0, day)).toISOString()

test('finds exceptions by their subject, by pages, with reason, owner and payload', async () => {
  const a = await row(db.sql, 'spaceship', { id: '1' })
  const b = await row(db.sql, 'client', { label: 'No id' })
  const c = await row(db.sql, 'client', { id: '3', changed: at(1) })
  const d = await row(
    db.sql,
    'client',
    { id: '4', changed: 'yesterday', label: 'Late' },
    'elsewhere',
  )
  await drain(shopPipeline(db.sql))
  const all = await list()
  assert.deepEqual(
    all.map((n: { id: string; code: string; owner: string }) => [Number(n.id), n.code, n.owner]),
    [
      [a, 'UNKNOWN_OBJECT', 'shopkeeper'],
      [b, 'MISSING_ID', 'sales'],
      [c, 'INCOMPLETE', 'sales'],
      [d, 'UNKNOWN_SOURCE', 'integration'],
    ],
  )
  assert.equal(all[1].payload, '{"label":"No id"}')
  assert.match(all[2].detail, /name/)
  assert.deepEqual(await ids({ systems: ['shop'] }), [a, b, c])
  assert.deepEqual(await ids({ objects: ['client'] }), [b, c, d])
  assert.deepEqual(await ids({ codes: ['MISSING_ID', 'INCOMPLETE'] }), [b, c])
  assert.deepEqual(await ids({ owner: 'sales' }), [b, c])
  assert.deepEqual(await ids({ owner: 'nobody' }), [])
  assert.deepEqual(await ids({ about: '3' }), [c])
  assert.deepEqual(await ids({ text: 'SPACEship' }), [a])
  assert.deepEqual(await ids({ ids: [String(b), 'x', '-1', '99999999999999999999'] }), [b])
  assert.deepEqual(await ids({ codes: [] }), [])
  assert.deepEqual(await ids({ ageSecondsMin: 3600 }), [])
  await db.sql`update inbox set received_at = now() - interval '2 hours' where id = ${b}`
  assert.deepEqual(await ids({ ageSecondsMin: 3600 }), [b])
  assert.deepEqual(await ids({ ageSecondsMax: 3600 }), [a, c, d])
  const page = (await ask(LIST, { first: 3 })).inboundExceptions
  assert.equal(page.nodes.length, 3)
  assert.equal(page.pageInfo.hasNextPage, true)
  const rest = (await ask(LIST, { first: 3, after: page.pageInfo.endCursor })).inboundExceptions
  assert.deepEqual(
    rest.nodes.map((n: { id: string }) => Number(n.id)),
    [d],
  )
  assert.equal(rest.pageInfo.hasNextPage, false)
  const before = { last: 2, before: rest.pageInfo.startCursor }
  const back = (await ask(LIST, before)).inboundExceptions
  assert.deepEqual(
    back.nodes.map((n: { id: string }) => Number(n.id)),
    [b, c],
  )
  assert.deepEqual([back.pageInfo.hasPreviousPage, back.totalCount], [true, 4])
  const { inboundExceptionCounts: counts } = await ask(
    '{ inboundExceptionCounts { totalCount nodes { system object code owner count waiting } } }',
  )
  assert.deepEqual([counts.totalCount, counts.nodes.length], [4, 4])
  assert.deepEqual(counts.nodes[0], {
    system: 'elsewhere',
    object: 'client',
    code: 'UNKNOWN_SOURCE',
    owner: 'integration',
    count: 1,
    waiting: 0,
  })
  await ask(RETRY, { filter: { ids: [String(d)] }, ...key() })
  const { inboundExceptionCounts: queued } = await ask(
    '{ inboundExceptionCounts(filter: { systems: ["elsewhere"] }) { nodes { count waiting } } }',
  )
  assert.deepEqual(queued.nodes, [{ count: 1, waiting: 1 }])
  const nameless = await row(db.sql, null, { id: '9', changed: at(1) })
  await drain(shopPipeline(db.sql))
  assert.deepEqual(await ids({ withoutObject: true }), [nameless])
  assert.deepEqual(await ids({ withoutObject: false }), [a, b, c, d])
})

test('shows the mapping of a payload to canonical fields line by line, also in a dry run', async () => {
  const id = await row(db.sql, 'client', { id: '5', changed: at(1), terms: '14' })
  await drain(shopPipeline(db.sql))
  const text = `query ($id: ID!, $payload: String) { inboundException(id: $id) { transformation(payload: $payload) {
    code detail records { object recordId type complete steps { field hidden line value reads { path values } issues { code } } } } } }`
  const { records } = (await ask(text, { id: String(id) })).inboundException.transformation
  assert.equal(records[0].complete, false)
  const steps = records[0].steps
  const terms = steps.find((s: { field: string }) => s.field === 'paymentTerms')
  const line = SHOP_MAPPING.split('\n').findIndex((l) => l.includes('paymentTerms')) + 1
  assert.deepEqual(terms, {
    field: 'paymentTerms',
    hidden: false,
    line: `shop.yaml:${line}`,
    value: null,
    reads: [{ path: 'terms', values: ['14'] }],
    issues: [{ code: 'UNKNOWN_CODE' }],
  })
  assert.deepEqual(steps.at(-1).issues, [{ code: 'REQUIRED' }])
  const tried = await ask(text, {
    id: String(id),
    payload: '{"id": "5", "label": "Five", "terms": "30"}',
  })
  const [record] = tried.inboundException.transformation.records
  assert.equal(record.complete, true)
  assert.deepEqual(
    record.steps.map((s: { value: unknown }) => s.value),
    ['Five', null, 'NET30'],
  )
  const broken = await ask(text, { id: String(id), payload: '{"id": ' })
  assert.equal(broken.inboundException.transformation.code, 'BROKEN_JSON')
  assert.equal(await name('5'), undefined, 'trying changes nothing')
})

test('a corrected payload is a separate message that outranks the original and nothing newer', async () => {
  const wrong = await row(db.sql, 'client', { id: '6', changed: at(2) })
  await drain(shopPipeline(db.sql))
  const request = {
    id: String(wrong),
    payload: JSON.stringify({ id: '6', changed: at(2), label: 'Six' }),
    ...key(),
  }
  const { it } = await ask(CORRECT, request)
  assert.equal(it.__typename, 'InboundExceptionDone')
  const corrected = Number(it.correctedBy)
  assert.deepEqual((await ask(CORRECT, request)).it, it, 'the repeated request returns the same')
  assert.equal((await db.sql`select 1 from inbox`).length, 2, 'and has no second effect')
  const reused = await ask(CORRECT, { ...request, payload: '{"id":"6","label":"Other"}' })
  assert.equal(reused.it.rule, 'IDEMPOTENCY_KEY_REUSED')
  await drain(shopPipeline(db.sql))
  assert.equal(await name('6'), 'Six')
  assert.deepEqual(await ids(), [])
  assert.deepEqual(await ids({ state: 'CORRECTED' }), [wrong])
  const [message] =
    await db.sql`select i.corrects, i.body, o.correlation_id = i.correlation_id as same
    from inbox i join inbox o on o.id = i.corrects where i.id = ${corrected}`
  assert.deepEqual({ ...message }, { corrects: wrong, body: request.payload, same: true })

  // The correction stays when the source repeats that version; a later version of the source wins.
  await row(db.sql, 'client', { id: '6', changed: at(2) })
  await row(db.sql, 'client', { id: '6', changed: at(2), label: 'Zzz' })
  await drain(shopPipeline(db.sql))
  assert.equal(await name('6'), 'Six')
  await row(db.sql, 'client', { id: '6', changed: at(3), label: 'Seven' })
  await drain(shopPipeline(db.sql))
  assert.equal(await name('6'), 'Seven')
  assert.deepEqual(await ids(), [])
})

test('accepts versions up to 48 hours after the message was received, in messages and corrections', async () => {
  const hoursAhead = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString()
  const late = await row(db.sql, 'client', {
    id: '1',
    changed: hoursAhead(versionLeadHoursMax + 1),
    label: 'Late',
  })
  await row(db.sql, 'client', {
    id: '2',
    changed: hoursAhead(versionLeadHoursMax - 1),
    label: 'In time',
  })
  await drain(shopPipeline(db.sql))
  assert.deepEqual(await ids({ codes: ['INVALID_VERSION'] }), [late])
  assert.equal(await name('2'), 'In time')
  const correct = async (hours: number) => {
    const payload = JSON.stringify({ id: '1', changed: hoursAhead(hours), label: 'Corrected' })
    return (await ask(CORRECT, { id: String(late), payload, ...key() })).it
  }
  assert.equal((await correct(versionLeadHoursMax + 1)).rule, 'BAD_PAYLOAD')
  assert.equal((await correct(versionLeadHoursMax - 1)).messages, 1)
  await drain(shopPipeline(db.sql))
  assert.equal(await name('1'), 'Corrected')
  assert.deepEqual(await ids(), [])
})

test('concurrent requests: those with one key count once, and one of several corrections wins', async () => {
  const wrong = await row(db.sql, 'client', { label: 'No id' })
  await drain(shopPipeline(db.sql))
  const request = { id: String(wrong), payload: '{"id":"9","label":"Nine"}', ...key() }
  const same = await Promise.all([1, 2, 3].map(() => ask(CORRECT, request)))
  assert.equal(new Set(same.map((s) => s.it.correctedBy)).size, 1)
  assert.equal((await db.sql`select 1 from inbox`).length, 2)
  const other = await row(db.sql, 'client', { label: 'None either' })
  await drain(shopPipeline(db.sql))
  const each = { id: String(other), payload: '{"id":"10","label":"Ten"}' }
  const several = await Promise.all([1, 2, 3].map(() => ask(CORRECT, { ...each, ...key() })))
  assert.deepEqual(several.map((s) => s.it.rule ?? 'DONE').sort(), ['DONE', 'NOT_OPEN', 'NOT_OPEN'])
  const bad = [await row(db.sql, 'ship', {}), await row(db.sql, 'ship', {})]
  await drain(shopPipeline(db.sql))
  const retries = await Promise.all(
    [1, 2, 3].map(() => ask(RETRY, { filter: { ids: bad.map(String) }, ...key() })),
  )
  assert.equal(
    retries.reduce((n, r) => n + r.it.messages, 0),
    2,
    'each is retried once',
  )
})

test('the correction of a message without version does not overtake later messages', async () => {
  const wrong = await row(db.sql, 'clientt', { id: '7', label: 'First' })
  await drain(shopPipeline(db.sql))
  await row(db.sql, 'client', { id: '7', label: 'Second' })
  await drain(shopPipeline(db.sql))
  const { it } = await ask(CORRECT, {
    id: String(wrong),
    payload: '{"id":"7","label":"First"}',
    object: 'client',
    ...key(),
  })
  assert.equal(it.messages, 1)
  await drain(shopPipeline(db.sql))
  assert.equal(await name('7'), 'Second')
})

test('a retry maps messages again, by filter and in bounded steps; the rest stays open', async () => {
  const ships = [
    await row(db.sql, 'ship', { id: '1', label: 'A' }),
    await row(db.sql, 'ship', { id: '2', label: 'B' }),
    await row(db.sql, 'ship', { id: '3' }),
  ]
  const other = await row(db.sql, 'client', { label: 'No id' })
  await drain(shopPipeline(db.sql))
  const first = { filter: { codes: ['UNKNOWN_OBJECT'] }, limit: 2, ...key() }
  const { it } = await ask(RETRY, first)
  assert.deepEqual(it, {
    __typename: 'InboundExceptionDone',
    messages: 2,
    last: String(ships[1]),
    left: 1,
    correctedBy: null,
  })
  assert.deepEqual((await ask(RETRY, first)).it, it)
  assert.equal((await db.sql`select 1 from pending`).length, 2)
  assert.deepEqual(
    (await list()).map((n: { waiting: boolean }) => n.waiting),
    [true, true, false, false],
  )
  const patched = SHOP_MAPPING.replace(
    '  person:',
    '  ship: { as: Customer, fields: { name: label } }\n  person:',
  )
  await drain(shopPipeline(db.sql, patched))
  assert.deepEqual(await ids(), [ships[2], other])
  assert.equal((await ask(RETRY, { filter: { codes: ['UNKNOWN_OBJECT'] }, ...key() })).it.left, 0)
  await drain(shopPipeline(db.sql, patched))
  const [still] = await list({ ids: [String(ships[2])] })
  assert.equal(still.code, 'INCOMPLETE', 'now an exception for another reason')
  // The record lacks a name. A mapping that finds one takes effect on a retry, although the message
  // is unchanged.
  await ask(RETRY, { ...key() })
  await drain(shopPipeline(db.sql, patched.replace('{ name: label }', '{ name: [label, id] }')))
  assert.deepEqual(await ids(), [other])
  const [ship] =
    await db.sql`select values ->> 'name' as name from golden where id = ${recordKey('shop', 'ship', '3')}`
  assert.equal(ship?.name, '3')
  const [{ work }] = (
    await ask(`{ it: inboundExceptions { nodes { work { nodes { kind actor reason code } } } } }`)
  ).it.nodes
  assert.deepEqual(work.nodes, [
    { kind: 'RETRY', actor: 'ida', reason: 'test', code: 'MISSING_ID' },
  ])
})

test('a retry of an incomplete record leaves its exception open until the rest arrives', async () => {
  const id = await row(db.sql, 'client', { id: '8', changed: at(1) })
  await drain(shopPipeline(db.sql))
  await ask(RETRY, key())
  await drain(shopPipeline(db.sql))
  assert.deepEqual(await ids(), [id])
  await row(db.sql, 'client', { id: '8', changed: at(2), label: 'Eight' })
  await drain(shopPipeline(db.sql))
  assert.deepEqual(await ids(), [])
})

test('a message that fails on its own shows the step and the error, and a retry applies it once the cause is gone', async () => {
  const pipeline = shopPipeline(db.sql)
  const broken = () => {
    throw new Error('the mapping is broken')
  }
  const failing = {
    ...pipeline,
    connectors: new Map([['shop', { ...shopConnector(), map: broken }]]),
  }
  const id = await row(db.sql, 'client', { id: '11', label: 'Eleven' })
  for (let n = 1; n < failing.attemptsMax; n++) {
    assert.equal((await applyPending(failing, 10)).postponed, 1)
    assert.deepEqual(await ids(), [], 'it is not an exception yet')
    await db.sql`update pending set not_before = '-infinity'`
  }
  assert.equal((await applyPending(failing, 10)).exceptions, 1)
  const [exception] = await list()
  const { code, object, owner, waiting, detail } = exception
  assert.deepEqual(
    [Number(exception.id), code, object, owner],
    [id, 'NOT_APPLICABLE', 'client', 'sales'],
  )
  assert.deepEqual([waiting, detail], [false, 'mapping: the mapping is broken'])
  assert.equal(
    (await ask(RETRY, { filter: { codes: ['NOT_APPLICABLE'] }, ...key() })).it.messages,
    1,
  )
  await drain(pipeline)
  assert.deepEqual([await ids(), await name('11')], [[], 'Eleven'])
})

test('discarded exceptions are closed and not retried, and the audit log has the actor and the reason', async () => {
  const a = await row(db.sql, 'client', { label: 'No id' })
  const b = await row(db.sql, 'client', { label: 'None either' })
  await drain(shopPipeline(db.sql))
  const { it } = await ask(DISCARD, { ids: [String(a)], reason: 'a test record', key: 'k1' })
  assert.equal(it.messages, 1)
  assert.deepEqual(await ids(), [b])
  assert.deepEqual(await ids({ state: 'DISCARDED' }), [a])
  assert.equal((await ask(RETRY, key())).it.messages, 1)
  assert.equal((await ask(DISCARD, { ids: [String(a)], ...key() })).it.messages, 0)
  const audit = await db.sql`select actor, event, body from audit order by id`
  assert.deepEqual(
    audit.map((r) => [r.actor, r.event, r.body.reason, r.body.messages]),
    [
      ['ida', 'DISCARD_EXCEPTION', 'a test record', [a]],
      ['ida', 'RETRY_EXCEPTION', 'test', [b]],
    ],
  )
  assert.equal((await verifyAudit(db.sql)).broken, null)
  await assert.rejects(db.sql`delete from exception_work`, /append-only/)
})

test('hides sensitive values in payload, reason and steps from callers without the scope', async () => {
  const id = await row(db.sql, 'person', {
    id: '1',
    name: 'Anna Weber',
    mail: 'not an address',
    changed: 'soon',
  })
  const half = await row(db.sql, 'person', { id: '2', mail: 'anna at home' })
  await drain(shopPipeline(db.sql))
  const subgraph = createOperationsSubgraph({
    sql: db.sql,
    sqlOf: unbound(db.sql),
    policy,
    rules,
    connectors,
  })
  const askWith = async (scopes: string[], text: string): Promise<ExecutionResult> =>
    execute({
      schema: subgraph.schema,
      document: parse(text),
      contextValue: subgraph.context({
        correlationId: crypto.randomUUID(),
        scopes: new Set(scopes),
        actor: 'ida',
        roles: new Set(['integrator']),
      }),
    }) as Promise<ExecutionResult>
  const everything = `{ inboundExceptions { nodes { id field detail payload
    transformation(payload: "{\\"id\\": \\"2\\", \\"mail\\": \\"anna at home\\", \\"name\\": \\"Anna\\"}", object: "person") { detail records { raw steps { hidden value reads { values } issues { detail } } } } } } }`
  const { data, errors } = await askWith([], everything)
  assert.equal(errors, undefined)
  // Which required value a message lacks is as hidden as the value.
  const steps = `{ inboundException(id: "${half}") { code field transformation { records { complete steps { field value reads { path } issues { code } } } } } }`
  const seen = (await askWith([], steps)).data as never
  assert.doesNotMatch(JSON.stringify(seen), /REQUIRED|"path"/)
  assert.match(JSON.stringify(seen), /"code":"INCOMPLETE","field":null,.*"complete":false/)
  const all = JSON.stringify((await askWith(['pii:read'], steps)).data)
  assert.match(all, /"code":"INCOMPLETE","field":"name",.*"path".*"REQUIRED"/)
  assert.doesNotMatch(JSON.stringify(data), /Anna|anna at home|not an address/)
  assert.match(JSON.stringify(data), /"hidden":true/)
  assert.match(JSON.stringify((await askWith(['pii:read'], everything)).data), /Anna.*anna at home/)
  const search = '{ inboundExceptions(filter: { text: "anna" }) { nodes { id } } }'
  assert.equal((await askWith([], search)).errors?.[0]?.extensions.code, 'MISSING_SCOPE')
  const edit = `mutation { correctException(id: "${half}", payload: "{}", reason: "r", idempotencyKey: "k") { ${RESULT} } }`
  const refused = JSON.parse(JSON.stringify((await askWith([], edit)).data)).correctException
  assert.equal(refused.rule, 'MISSING_SCOPE')
  assert.deepEqual(await ids(), [id, half])
})

test('reading a message as another object reveals no more, and a correction can change only its own record', async () => {
  const mapping = `${SHOP_MAPPING}  account:\n    as: Product\n    fields: { name: [name, mail] }\n`
  const desk = {
    sql: db.sql,
    policy,
    rules,
    connectors: new Map([['shop', shopConnector(mapping)]]),
  }
  const subgraph = createOperationsSubgraph({ ...desk, sqlOf: unbound(db.sql) })
  const person = await row(db.sql, 'person', { id: '1', mail: 'anna@example.com' })
  const account = await row(db.sql, 'account', { id: '7' })
  await drain(shopPipeline(db.sql, mapping))
  assert.deepEqual(await ids(), [person, account])
  const askWith = async (scopes: string[], text: string) => {
    const contextValue = subgraph.context({
      correlationId: crypto.randomUUID(),
      scopes: new Set(scopes),
      actor: 'ida',
      roles: new Set(['integrator']),
    })
    const result = (await execute({
      schema: subgraph.schema,
      document: parse(text),
      contextValue,
    })) as ExecutionResult
    return JSON.parse(JSON.stringify(result.data)).it
  }
  const view = `{ it: inboundException(id: "${person}") { transformation(object: "account") {
    code records { raw steps { value reads { values } } } } } }`
  assert.deepEqual((await askWith([], view)).transformation, { code: 'MISSING_SCOPE', records: [] })
  assert.match(JSON.stringify(await askWith(['pii:read'], view)), /"raw":.*anna@example.com/)

  const edit = (object: string, body: object) =>
    `mutation { it: correctException(id: "${account}", object: "${object}", payload: ${JSON.stringify(JSON.stringify(body))},
      reason: "r", idempotencyKey: "${crypto.randomUUID()}") { ${RESULT} } }`
  assert.equal(
    (await askWith([], edit('person', { id: '7', name: 'Mallory' }))).rule,
    'MISSING_SCOPE',
  )
  assert.equal(
    (await askWith(['pii:read'], edit('account', { id: '8', name: 'Eight' }))).rule,
    'OTHER_RECORD',
  )
  const forever = await askWith(
    [],
    edit('account', { id: '7', name: 'Seven', changed: '9999-01-01T00:00:00Z' }),
  )
  assert.equal(forever.rule, 'BAD_PAYLOAD', 'no later version of its system would win')
  assert.equal((await db.sql`select 1 from inbox`).length, 2)
  assert.equal((await askWith([], edit('account', { id: '7', name: 'Seven' }))).messages, 1)
})

test('rejects bad requests with the rule and changes nothing', async () => {
  const id = String(await row(db.sql, 'client', { label: 'No id' }))
  await drain(shopPipeline(db.sql))
  const rule = async (text: string, variables: object, roles?: string) =>
    (await ask(text, variables, roles)).it.rule
  const good = { id, payload: '{"id":"1","label":"One"}', ...key() }
  assert.equal(await rule(CORRECT, good, 'approver'), 'MISSING_ROLE')
  assert.equal(await rule(CORRECT, { ...good, id: 'x1' }), 'UNKNOWN_EXCEPTION')
  assert.equal(await rule(CORRECT, { ...good, id: '999999' }), 'NOT_OPEN')
  assert.equal(await rule(CORRECT, { ...good, payload: '{"id":' }), 'BAD_PAYLOAD')
  assert.equal(await rule(CORRECT, { ...good, payload: '[1]' }), 'BAD_PAYLOAD')
  assert.equal(await rule(CORRECT, { ...good, payload: '{"label":"still no id"}' }), 'BAD_PAYLOAD')
  assert.equal(await rule(CORRECT, { ...good, object: 'spaceship' }), 'BAD_PAYLOAD')
  for (const reason of [' ', '\u200b', '\u202e\u2066'])
    assert.equal(await rule(CORRECT, { ...good, reason }), 'MISSING_REASON')
  for (const key of ['', 'a\nb', 'a\x9b2J', 'a\u200b'])
    assert.equal(await rule(CORRECT, { ...good, key }), 'BAD_IDEMPOTENCY_KEY')
  assert.equal(await rule(RETRY, { ...key(), limit: 0 }), 'BAD_LIMIT')
  assert.equal(await rule(RETRY, { ...key(), limit: 1001 }), 'BAD_LIMIT')
  assert.equal(await rule(DISCARD, { ids: [id, ''], ...key() }), 'UNKNOWN_EXCEPTION')
  assert.equal(await rule(DISCARD, { ids: Array(1001).fill(id), ...key() }), 'BAD_LIMIT')
  const code = async (variables: object) =>
    (await tryToAsk(LIST, variables)).errors?.[0]?.extensions.code
  assert.equal(await code({ first: -1 }), 'BAD_PAGE')
  assert.equal(await code({ first: 201 }), 'PAGE_TOO_LARGE')
  assert.equal(await code({ after: 'garbage' }), 'BAD_CURSOR')
  assert.equal(await code({ filter: { ids: Array(1001).fill('1') } }), 'TOO_MANY_IDS')
  assert.deepEqual([(await db.sql`select 1 from audit`).length, (await ids()).length], [0, 1])
})

test('lists pulled objects and runs with owners, and pauses, resumes and rescans them', async () => {
  await db.sql`truncate sync_state, sync_run`
  await db.sql`
    insert into sync_state (source, object, state, code, detail, verdict, failed_since, rows)
    values ('shop', 'account', 'FAILED', 'HTTP_403', 'a permission is missing', 'FORBIDDEN', now(), 7), ('shop', 'person', 'IDLE', null, null, null, null, 3000000000)`
  await db.sql`insert into sync_run (source, object, mode, rows) values ('shop', 'account', 'FULL', 7), ('shop', 'person', 'DELTA', 1)`
  const pulled = new Map([['shop', ['account', 'person']]])
  const deps = { sql: db.sql, policy, rules, connectors, sqlOf: unbound(db.sql), pulled }
  const open = createOperationsSubgraph(deps)
  const seal = new CursorSeal(['a seal of thirty-two characters !'])
  const closed = createOperationsSubgraph({
    ...deps,
    sqlOf: () => ({ sql: db.sql, bound: true, seal }),
  })
  const askWith = async (text: string, role = 'integrator', subgraph = open) => {
    const contextValue = subgraph.context({
      correlationId: crypto.randomUUID(),
      scopes: new Set(),
      actor: 'ida',
      roles: new Set([role]),
    })
    const document = parse(text)
    const result = await execute({ schema: subgraph.schema, document, contextValue })
    assert.equal(result.errors, undefined, JSON.stringify(result.errors))
    return JSON.parse(JSON.stringify(result.data))
  }
  const list = `{ connections(filter: { states: [FAILED] }) { totalCount nodes { source object state code verdict owner rows reading } }
    all: connections(first: 1) { nodes { object } pageInfo { hasNextPage } }
    syncRuns(first: 1) { totalCount nodes { object mode state rows } }
    full: syncRuns(filter: { modes: [FULL], since: "2000-01-01T00:00:00Z" }) { nodes { object } }
    later: syncRuns(filter: { since: "2999-01-01T00:00:00Z" }) { totalCount } }`
  const { connections, all, syncRuns, full, later } = await askWith(list)
  assert.deepEqual([full.nodes, later.totalCount], [[{ object: 'account' }], 0])
  assert.deepEqual(connections, {
    totalCount: 1,
    nodes: [
      {
        ...{ source: 'shop', object: 'account', state: 'FAILED', code: 'HTTP_403' },
        ...{ verdict: 'FORBIDDEN', owner: 'shopkeeper', rows: 7, reading: false },
      },
    ],
  })
  assert.deepEqual(all, { nodes: [{ object: 'account' }], pageInfo: { hasNextPage: true } })
  assert.deepEqual(syncRuns, {
    totalCount: 2,
    nodes: [{ object: 'person', mode: 'DELTA', state: 'RUNNING', rows: 1 }],
  })
  const request = (name: string, object: string, key: string) =>
    `mutation { it: ${name}(source: "shop", object: "${object}", reason: "a test", idempotencyKey: "${key}") {
      ... on SyncDone { objects { object state code detail actor rows } } ... on SyncRefused { rule detail } } }`
  const state = { object: 'person', actor: 'ida', rows: 3000000000 }
  assert.deepEqual((await askWith(request('pauseSync', 'person', 'p'))).it.objects, [
    { ...state, state: 'PAUSED', code: 'PAUSED', detail: 'a test' },
  ])
  assert.deepEqual((await askWith(request('resumeSync', 'person', 'r'))).it.objects, [
    { ...state, state: 'IDLE', code: null, detail: null },
  ])
  assert.deepEqual((await askWith(request('rescan', 'person', 's'))).it.objects, [
    { ...state, state: 'RESCAN', code: 'RESCAN_REQUESTED', detail: 'a test', rows: 0 },
  ])
  assert.equal((await askWith(request('rescan', 'person', 's'), 'reader')).it.rule, 'MISSING_ROLE')
  assert.equal((await askWith(request('rescan', 'rocket', 's'))).it.rule, 'UNKNOWN_OBJECT')
  assert.equal(
    (await askWith(request('rescan', 'person', 't'), 'integrator', closed)).it.rule,
    'MISSING_ROLE',
  )
  assert.equal((await askWith(list, 'integrator', closed)).all.nodes.length, 0)
})
