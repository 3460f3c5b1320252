import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { Gateway } from '../../gateway/gateway.ts'
import { saveBatches } from '../../mdm/inbox/batches.ts'
import { applyPending } from '../../mdm/ingest/pipeline.ts'
import { createEngines } from '../../mdm/resolution/resolve.ts'
import { recordKey } from '../../schema/recordKey.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { row, shop, shopConnector, shopPipeline } from '../fixtures/shop.ts'
import { done, person } from '../fixtures/steward.ts'
import { drain, empty, policy } from '../fixtures/store.ts'
import { graph, queryData } from './world.ts'

let db: TestDatabase
let gateway: Gateway
before(async () => {
  db = await testDatabase()
  gateway = await graph(db.sql, 0, [shop], { connectors: new Map([['shop', shopConnector()]]) })
})
beforeEach(() => empty(db.sql))
after(async () => {
  await gateway?.close(0)
  await db?.drop()
})

const MESSAGE = `id state code correlationId receivedAt settledAt corrects correctedBy passes { worker messages claimedAt appliedAt }
  records { id object recordId type goldenId complete message } work { kind actor }
  events { id position op goldenId version changedFields message correlationId } later { kind actor state }`
const loadTrace = async (id: string) =>
  (
    await queryData(
      gateway,
      `query ($id: ID!) { trace(id: $id) { kind more messages { ${MESSAGE} } events { id position op message } actions { kind actor } } }`,
      { id },
    )
  ).trace
const key = (id: string, object = 'client') => recordKey('shop', object, id)
const correlation = async (inboxId: number) =>
  (await db.sql<{ id: string }[]>`select correlation_id as id from inbox where id = ${inboxId}`)[0]
    ?.id ?? ''

test('traces the whole story of a message from any of its ids', async () => {
  const pipeline = shopPipeline(db.sql)
  const first = await row(db.sql, 'client', { id: '1', label: 'Blue Fen' })
  const before = await loadTrace(String(first))
  assert.deepEqual(
    [before.kind, before.messages[0].state, before.messages[0].records],
    ['MESSAGE', 'WAITING', []],
  )
  await drain(pipeline)
  await saveBatches(db.sql, [
    { worker: 'w1', inboxIds: [first], claimedAt: new Date(), appliedAt: new Date() },
  ])
  const second = await row(db.sql, 'client', {
    id: '1',
    label: 'Blue Fen Ltd',
    mail: 'a@bluefen.example',
  })
  await drain(pipeline)
  const ada = person('ada', 'steward')
  const steward = {
    sql: db.sql,
    policy,
    engines: createEngines(policy),
    systems: new Map([['shop', shop]]),
  }
  await done(steward, ada, {
    kind: 'OVERRIDE',
    id: key('1'),
    field: 'paymentTerms',
    value: 'NET30',
    expiresAt: null,
  })

  const story = await loadTrace(String(first))
  const [message] = story.messages
  assert.deepEqual(
    [message.state, message.code, message.correlationId],
    ['APPLIED', null, await correlation(first)],
  )
  assert.deepEqual(
    message.passes.map((p: { worker: string; messages: number }) => [p.worker, p.messages]),
    [['w1', 1]],
  )
  assert.deepEqual(message.records, [
    {
      id: key('1'),
      object: 'client',
      recordId: '1',
      type: 'Customer',
      goldenId: key('1'),
      complete: true,
      message: String(second),
    },
  ])
  assert.deepEqual(message.events, [
    {
      id: `${key('1')}.1`,
      position: 1,
      op: 'CREATED',
      goldenId: key('1'),
      version: 1,
      changedFields: ['name'],
      message: String(first),
      correlationId: message.correlationId,
    },
  ])
  assert.deepEqual(message.later, [{ kind: 'OVERRIDE', actor: 'ada', state: 'DONE' }])

  for (const id of [message.correlationId, message.correlationId.toUpperCase(), `${key('1')}.1`]) {
    const again = await loadTrace(id)
    assert.deepEqual(again.messages, [message], id)
  }
  assert.equal((await loadTrace(message.correlationId)).kind, 'CORRELATION')
  assert.equal((await loadTrace(`${key('1')}.1`)).kind, 'EVENT')
  const golden = await loadTrace(key('1'))
  assert.deepEqual(
    [
      golden.kind,
      golden.messages.map((m: { id: string }) => Number(m.id)),
      golden.events.map((e: { op: string }) => e.op),
    ],
    ['GOLDEN_RECORD', [first, second], ['CREATED', 'UPDATED', 'UPDATED']],
  )
  assert.deepEqual(golden.actions, [{ kind: 'OVERRIDE', actor: 'ada' }])
  const [action] = await db.sql`select id, correlation_id from action`
  for (const id of [action?.id, action?.correlation_id]) {
    const found = await loadTrace(id)
    assert.deepEqual(
      [found.kind, found.actions, found.events.map((e: { position: number }) => e.position)],
      ['ACTION', golden.actions, [3]],
    )
  }
})

test('the trace includes deliveries to webhook endpoints', async () => {
  const id = await row(db.sql, 'client', { id: '1', label: 'Blue Fen' })
  await drain(shopPipeline(db.sql))
  const [hook] =
    await db.sql`insert into webhook (url, description, filter, schema_version, scopes, state, actor, position)
    values ('https://hooks.example', '', '{}', 1, '{}', 'ACTIVE', 'ida', 1) returning id`
  await db.sql`insert into webhook_delivery (webhook, position, golden_id, version, state, attempts, status, first_at, last_at)
    values (${hook?.id}, 1, ${key('1')}, 1, 'DELIVERED', 2, 204, now(), now())`
  await db.sql`insert into sink (name, feed, position) values ('jetstream', gen_random_uuid(), 1), ('behind', gen_random_uuid(), 0)`
  const { trace } = await queryData(
    gateway,
    'query ($id: ID!) { trace(id: $id) { messages { events { publishedTo deliveries { webhook state attempts status } } } } }',
    { id: String(id) },
  )
  assert.deepEqual(trace.messages[0].events[0].publishedTo, ['jetstream'])
  const wanted = { webhook: hook?.id, state: 'DELIVERED', attempts: 2, status: 204 }
  assert.deepEqual(trace.messages[0].events[0].deliveries, [wanted])
  await db.sql`delete from webhook`
  await db.sql`delete from sink`
})

test('each message of a transaction shows the event that they share', async () => {
  const pipeline = shopPipeline(db.sql)
  const a = await row(db.sql, 'client', {
    id: '1',
    changed: '2026-01-01T00:00:00Z',
    label: 'Blue Fen',
  })
  const b = await row(db.sql, 'client', {
    id: '1',
    changed: '2026-01-02T00:00:00Z',
    label: 'Blue Fen Ltd',
  })
  await applyPending(pipeline, 10)
  await saveBatches(db.sql, [
    { worker: 'w1', inboxIds: [a, b], claimedAt: new Date(), appliedAt: new Date() },
  ])
  for (const id of [a, b]) {
    const [message] = (await loadTrace(String(id))).messages
    assert.deepEqual(
      message.events.map((e: { position: number; message: string }) => [e.position, e.message]),
      [[1, String(b)]],
      String(id),
    )
  }
})

test('the trace of an exception has its reason, the work on it and the message that corrected it', async () => {
  const bad = await row(db.sql, 'client', { label: 'No id' })
  await drain(shopPipeline(db.sql))
  const corrected = await queryData(
    gateway,
    `mutation ($id: ID!) { it: correctException(id: $id, payload: "{\\"id\\":\\"7\\",\\"label\\":\\"Seven\\"}", reason: "r", idempotencyKey: "k") {
      ... on InboundExceptionDone { correctedBy } } }`,
    { id: String(bad) },
  )
  await drain(shopPipeline(db.sql))
  const story = await loadTrace(await correlation(bad))
  assert.deepEqual(
    story.messages.map((m: Record<string, unknown>) => [
      m.id,
      m.state,
      m.code,
      m.corrects,
      m.correctedBy,
    ]),
    [
      [String(bad), 'CORRECTED', 'MISSING_ID', null, [corrected.it.correctedBy]],
      [corrected.it.correctedBy, 'APPLIED', null, String(bad), []],
    ],
  )
  assert.deepEqual(story.messages[0].work, [{ kind: 'EDIT', actor: 'development' }])
  assert.equal(story.messages[1].events[0].goldenId, key('7'))
})

test('the trace of a correlation id with many messages shows some of them and reports that there are more', async () => {
  await db.sql`insert into inbox (source, message_id, object, format, body, correlation_id)
    select 'shop', n::text, 'client', 'row', '{}', '3f0f6a55-5d1b-4c6e-9a53-3f6c9be1b0aa' from generate_series(1, 500) n`
  const story = await loadTrace('3f0f6a55-5d1b-4c6e-9a53-3f6c9be1b0aa')
  assert.deepEqual([story.messages.length, story.more], [20, true])
})

test('returns null for an id that leads to nothing', async () => {
  for (const id of [
    '',
    '0',
    '-1',
    '1.5',
    '999999999',
    '99999999999999999999',
    'x',
    "'; drop table inbox",
    key('nobody'),
    `${key('1')}.0`,
    `${key('1')}.99999999999`,
    `${key('1')}.7`,
  ])
    assert.equal(await loadTrace(id), null, id)
})
