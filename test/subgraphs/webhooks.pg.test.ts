import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { execute, parse } from 'graphql'
import { encodeCursor } from '../../mdm/feed/cursor.ts'
import { readHead } from '../../mdm/feed/read.ts'
import { startTailer, type Tailer } from '../../mdm/feed/tailer.ts'
import type { Webhooks } from '../../mdm/webhooks/webhooks.ts'
import { createChangesSubgraph } from '../../subgraphs/changes/subgraph.ts'
import { unbound } from '../../subgraphs/shared/context.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { policy } from '../fixtures/store.ts'
import { create } from '../mdm/feed/world.ts'
import { type Receiver, startReceiver } from '../mdm/webhooks/receiver.ts'
import { type Deliveries, deliver, until, webhooksAt } from '../mdm/webhooks/setting.ts'

let db: TestDatabase
let tailer: Tailer
let receiver: Receiver
/** The receiver of the last test alone. */
let own: Receiver
let webhooks: Webhooks
let deliveries: Deliveries
before(async () => {
  db = await testDatabase()
  tailer = await startTailer({ sql: db.sql })
  receiver = await startReceiver()
  own = await startReceiver()
  webhooks = webhooksAt(db.sql, [receiver.port, own.port])
  deliveries = await deliver(db.url, webhooks, { now: Date.now() })
})
after(async () => {
  await deliveries?.close()
  webhooks?.poster.close()
  await receiver?.close()
  await own?.close()
  await tailer?.stop()
  await db?.drop()
})

const everyScope = ['webhooks:manage', 'pii:read']

async function ask(
  text: string,
  variables: Record<string, unknown> = {},
  scopes = everyScope,
): Promise<Result> {
  const subgraph = createChangesSubgraph({ policy, tailer, webhooks, sqlOf: unbound(tailer.sql) })
  const contextValue = subgraph.context({
    correlationId: 'c',
    actor: 'ida',
    scopes: new Set(scopes),
  })
  const document = parse(text)
  const result = await execute({
    schema: subgraph.schema,
    document,
    contextValue,
    variableValues: variables,
  })
  return JSON.parse(JSON.stringify(result)) as Result
}
// biome-ignore lint/suspicious/noExplicitAny: tests read responses of any shape
type Result = { data?: any; errors?: { extensions: { code: string } }[] }

const REGISTER = `mutation ($input: WebhookInput!) { registerWebhook(input: $input) { __typename
  ... on WebhookDone { secret webhook { id url description schemaVersion scopes state position actor
    filter { types ids ops systems changedFields where { field in } } } }
  ... on WebhookRefused { rule detail } } }`
const outcome = `{ __typename ... on WebhookDone { secret webhook { id url scopes state disabledBecause formerSecretsUntil } }
  ... on WebhookRefused { rule detail } }`

async function registered(input: object = {}, scopes = everyScope) {
  const { data, errors } = await ask(REGISTER, { input: { url: receiver.url, ...input } }, scopes)
  assert.equal(errors, undefined)
  assert.equal(data.registerWebhook.__typename, 'WebhookDone', data.registerWebhook.detail)
  return data.registerWebhook as {
    secret: string
    webhook: { id: string; scopes: string[]; position: number }
  }
}

test('an endpoint can be registered, listed, changed, disabled, enabled and deleted', async () => {
  const where = [{ field: 'lifecycle', in: ['CUSTOMER'] }]
  const { secret, webhook } = await registered({
    description: 'billing',
    filter: {
      types: ['CUSTOMER'],
      ops: ['CREATED'],
      systems: ['crm'],
      changedFields: ['name'],
      where,
    },
  })
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/)
  assert.deepEqual(webhook, {
    id: webhook.id,
    url: receiver.url,
    description: 'billing',
    schemaVersion: 1,
    scopes: ['pii:read'],
    state: 'ACTIVE',
    position: webhook.position,
    actor: 'ida',
    filter: {
      types: ['CUSTOMER'],
      ids: null,
      ops: ['CREATED'],
      systems: ['crm'],
      changedFields: ['name'],
      where,
    },
  })
  const id = webhook.id
  const changed = await ask(
    `mutation ($id: ID!) { changeWebhook(id: $id, change: { description: "x", filter: {} }) ${outcome} }`,
    { id },
  )
  assert.equal(changed.data.changeWebhook.__typename, 'WebhookDone')
  const disabled = await ask(
    `mutation ($id: ID!) { disableWebhook(id: $id, reason: "moving") ${outcome} }`,
    { id },
  )
  assert.deepEqual(
    [
      disabled.data.disableWebhook.webhook.state,
      disabled.data.disableWebhook.webhook.disabledBecause,
    ],
    ['DISABLED', 'moving'],
  )
  const enabled = await ask(`mutation ($id: ID!) { enableWebhook(id: $id) ${outcome} }`, { id })
  assert.equal(enabled.data.enableWebhook.webhook.state, 'ACTIVE')
  const deleted = await ask(`mutation ($id: ID!) { deleteWebhook(id: $id) ${outcome} }`, { id })
  assert.equal(deleted.data.deleteWebhook.webhook, null)
  assert.equal(
    (await ask(`query ($id: ID!) { webhook(id: $id) { id } }`, { id })).data.webhook,
    null,
  )
  const audit = await db.sql<{ event: string; body: string }[]>`
    select body ->> 'event' as event, body::text as body from audit where body ->> 'webhook' = ${id} order by id`
  assert.deepEqual(
    audit.map((a) => a.event),
    [
      'WEBHOOK_REGISTERED',
      'WEBHOOK_CHANGED',
      'WEBHOOK_DISABLED',
      'WEBHOOK_ENABLED',
      'WEBHOOK_DELETED',
    ],
  )
  assert.ok(audit.every((a) => !a.body.includes(secret.slice(6))))
})

test('a secret is sealed, bound to its endpoint and shown once', async () => {
  const { secret, webhook } = await registered()
  const [row] = await db.sql<
    { sealed: Uint8Array }[]
  >`select sealed from webhook_secret where webhook = ${webhook.id}`
  assert.ok(row)
  assert.ok(!Buffer.from(row.sealed).includes(secret.slice(6, 20)))
  assert.equal(webhooks.vault.open(webhook.id, row.sealed), secret)
  assert.throws(() => webhooks.vault.open(randomUUID(), row.sealed), /TOUCHSTONE_WEBHOOK_KEY/)
  const given = `whsec_${Buffer.alloc(24, 1).toString('base64')}`
  const rotated = await ask(
    `mutation ($id: ID!, $s: String) { rotateWebhookSecret(id: $id, secret: $s, overlapHours: 1) ${outcome} }`,
    { id: webhook.id, s: given },
  )
  assert.equal(rotated.data.rotateWebhookSecret.secret, given)
  assert.equal(rotated.data.rotateWebhookSecret.webhook.formerSecretsUntil.length, 1)
  const fields = (await ask('{ __type(name: "Webhook") { fields { name } } }')).data.__type.fields
  assert.ok(!fields.some((f: { name: string }) => /^secret/i.test(f.name)))
})

test('rejects a bad registration with its rule, as data', async () => {
  const cases: [object, string][] = [
    [{ url: 'http://10.0.0.1/' }, 'BAD_URL'],
    [{ url: 'https://user:pw@example.com/' }, 'BAD_URL'],
    [{ url: 'http://127.0.0.1:1/' }, 'BAD_URL'],
    [{ url: 'ftp://example.com/' }, 'BAD_URL'],
    [{ url: '' }, 'BAD_URL'],
    [{ secret: 'hunter2' }, 'BAD_SECRET'],
    [{ secret: 'whsec_c2hvcnQ=' }, 'BAD_SECRET'],
    [{ secret: `whsec_${'!'.repeat(40)}` }, 'BAD_SECRET'],
    [{ schemaVersion: 2 }, 'UNKNOWN_SCHEMA_VERSION'],
    [{ description: 'x'.repeat(501) }, 'BAD_TEXT'],
    [{ description: 'a\0b' }, 'BAD_TEXT'],
    [{ description: '\ud800' }, 'BAD_TEXT'],
  ]
  for (const [input, rule] of cases) {
    const { data, errors } = await ask(REGISTER, { input: { url: receiver.url, ...input } })
    assert.equal(errors, undefined)
    assert.equal(data.registerWebhook.rule, rule, JSON.stringify(input))
    assert.doesNotMatch(data.registerWebhook.detail, /hunter2/)
  }
  const head = await readHead(db.sql)
  const cursor = (position: number, epoch = head.epoch) =>
    encodeCursor(epoch, { kind: 'TAIL', position })
  const errors: [object, string][] = [
    [{ filter: { changedFields: ['nmae'] } }, 'FILTER_INVALID'],
    [{ filter: { where: [{ field: 'shoeSize', in: [1] }] } }, 'FILTER_INVALID'],
    [{ filter: { ids: ['x'] } }, 'FILTER_INVALID'],
    [{ filter: { ids: Array.from({ length: 1_001 }, () => randomUUID()) } }, 'FILTER_INVALID'],
    [{ scopes: ['nuclear:launch'] }, 'MISSING_SCOPE'],
    [{ after: 'garbage' }, 'CURSOR_INVALID'],
    [{ after: cursor(head.position + 10) }, 'CURSOR_FUTURE'],
    [{ after: cursor(0, randomUUID()) }, 'CURSOR_OTHER_FEED'],
    [
      { after: encodeCursor(head.epoch, { kind: 'SCAN', position: 0, scanned: null }) },
      'CURSOR_INVALID',
    ],
  ]
  for (const [input, code] of errors) {
    const result = await ask(REGISTER, { input: { url: receiver.url, ...input } })
    assert.equal(result.errors?.[0]?.extensions.code, code, JSON.stringify(input).slice(0, 100))
  }
})

test('every mutation and query rejects unknown endpoints, invalid ids and values beyond the bounds', async () => {
  const calls: Record<string, string> = {
    changeWebhook: '(id: $id, change: {})',
    disableWebhook: '(id: $id, reason: "")',
    enableWebhook: '(id: $id)',
    deleteWebhook: '(id: $id)',
    rotateWebhookSecret: '(id: $id)',
    testWebhook: '(id: $id)',
    replayWebhook: '(id: $id, filter: {})',
  }
  const refused = '{ __typename ... on WebhookRefused { rule } }'
  for (const [name, args] of Object.entries(calls)) {
    const text = `mutation ($id: ID!) { ${name}${args} ${refused} }`
    for (const id of [randomUUID(), 'x', "'; drop table webhook; --", '\0'])
      assert.equal((await ask(text, { id })).data[name].rule, 'UNKNOWN_WEBHOOK', `${name} ${id}`)
  }
  const { webhook } = await registered()
  for (const overlapHours of [-1, 169])
    assert.equal(
      (
        await ask(
          `mutation ($id: ID!, $h: Float!) { rotateWebhookSecret(id: $id, overlapHours: $h) ${outcome} }`,
          {
            id: webhook.id,
            h: overlapHours,
          },
        )
      ).data.rotateWebhookSecret.rule,
      'BAD_OVERLAP',
    )
  const rotate = `mutation ($id: ID!) { rotateWebhookSecret(id: $id) ${outcome} }`
  for (let n = 0; n < 3; n++) await ask(rotate, { id: webhook.id })
  assert.equal(
    (await ask(rotate, { id: webhook.id })).data.rotateWebhookSecret.rule,
    'TOO_MANY_SECRETS',
  )
  for (const first of [-1, 201])
    assert.ok(
      (await ask(`{ webhookDeliveries(first: ${first}) { nodes { id } } }`)).errors?.[0]?.extensions
        .code,
    )
  const odd = await ask('{ webhookDeliveries(after: "zzz") { nodes { id } } }')
  assert.equal(odd.errors?.[0]?.extensions.code, 'BAD_CURSOR')
})

test('an endpoint shows at most what both its registrant and its last editor may see', async () => {
  const narrow = await registered({}, ['webhooks:manage'])
  assert.deepEqual(narrow.webhook.scopes, [])
  const denied = await ask(REGISTER, { input: { url: receiver.url, scopes: ['pii:read'] } }, [
    'webhooks:manage',
  ])
  assert.equal(denied.errors?.[0]?.extensions.code, 'MISSING_SCOPE')
  const change = `mutation ($id: ID!, $c: WebhookChange!) { changeWebhook(id: $id, change: $c) ${outcome} }`
  // A caller with more scopes cannot extend the scopes of an endpoint that another registered.
  const lifted = await ask(change, { id: narrow.webhook.id, c: { scopes: ['pii:read'] } })
  assert.equal(lifted.errors?.[0]?.extensions.code, 'MISSING_SCOPE')
  // A caller with fewer scopes reduces them with any change, so no one can redirect hidden values
  // to their own URL.
  const wide = await registered()
  const turned = await ask(change, { id: wide.webhook.id, c: { url: receiver.url } }, [
    'webhooks:manage',
  ])
  assert.deepEqual(turned.data.changeWebhook.webhook.scopes, [])
  // A filter on a value that the caller may not see would reveal the value.
  const revealing = await registered({
    filter: { types: ['CONTACT'], where: [{ field: 'name', in: ['Anna'] }] },
  })
  const kept = await ask(change, { id: revealing.webhook.id, c: { description: 'mine' } }, [
    'webhooks:manage',
  ])
  assert.equal(kept.errors?.[0]?.extensions.code, 'MISSING_SCOPE')
  const shown = async (scopes?: string[]) =>
    (
      await ask(
        'query ($id: ID!) { webhook(id: $id) { filter { where { field in } } } }',
        { id: revealing.webhook.id },
        scopes,
      )
    ).data.webhook.filter.where
  assert.deepEqual(await shown(), [{ field: 'name', in: ['Anna'] }])
  assert.deepEqual(await shown(['webhooks:manage']), [{ field: 'name', in: [] }])
})

test('shows an endpoint’s response only to callers with its scopes, and deletes it when the scopes shrink', async () => {
  const { webhook } = await registered()
  await db.sql`
    insert into webhook_delivery (webhook, position, golden_id, version, state, attempts, response, last_at)
    values (${webhook.id}, 1, ${randomUUID()}, 1, 'DEAD', 1, 'no such contact: anna@example.com', now())`
  const log = async (scopes?: string[]) =>
    (
      await ask(
        'query ($w: ID!) { webhookDeliveries(filter: { webhook: $w }) { nodes { response } } }',
        { w: webhook.id },
        scopes,
      )
    ).data.webhookDeliveries.nodes
  assert.deepEqual(await log(), [{ response: 'no such contact: anna@example.com' }])
  assert.deepEqual(await log(['webhooks:manage']), [{ response: null }])
  const change = `mutation ($id: ID!) { changeWebhook(id: $id, change: { description: "mine" }) ${outcome} }`
  const { data } = await ask(change, { id: webhook.id }, ['webhooks:manage'])
  assert.deepEqual(data.changeWebhook.webhook.scopes, [])
  assert.deepEqual(await log(['webhooks:manage']), [{ response: null }])
})

test('sends a test event, delivers from a cursor, pages its log and replays by id', async () => {
  const [goldenId = ''] = await create(db.sql, 1, { type: 'Product' })
  const before = encodeCursor((await readHead(db.sql)).epoch, { kind: 'TAIL', position: 0 })
  await create(db.sql, 4, { type: 'Product' })
  const { webhook } = await registered({
    url: own.url,
    after: before,
    filter: { types: ['PRODUCT'] },
  })
  const tested = await ask(
    `mutation ($id: ID!) { testWebhook(id: $id) { ... on WebhookAnswer { delivered status error } } }`,
    { id: webhook.id },
  )
  assert.deepEqual(tested.data.testWebhook, { delivered: true, status: 204, error: null })
  const LOG = `query ($w: ID!, $after: String, $states: [WebhookDeliveryState!]) {
    webhookDeliveries(filter: { webhook: $w, states: $states }, first: 2, after: $after) {
      nodes { id messageId goldenId version position state attempts status nextAt webhook { id } }
      pageInfo { hasNextPage endCursor } } }`
  const pages = async () => {
    const all: {
      id: string
      goldenId: string
      position: number
      state: string
      messageId: string
    }[] = []
    for (let after: string | null = null; ; ) {
      const { data, errors } = await ask(LOG, { w: webhook.id, after })
      assert.equal(errors, undefined)
      all.push(...data.webhookDeliveries.nodes)
      if (!data.webhookDeliveries.pageInfo.hasNextPage) return all
      after = data.webhookDeliveries.pageInfo.endCursor
    }
  }
  await until(async () => (await pages()).length === 5)
  const log = await pages()
  assert.ok(log.every((d, i) => i === 0 || d.position < (log[i - 1]?.position ?? 0)))
  assert.ok(log.every((d) => d.state === 'DELIVERED'))
  const first = log.find((d) => d.goldenId === goldenId)
  assert.ok(first)
  const { epoch } = await readHead(db.sql)
  assert.equal(first.messageId, `${goldenId}_1_${epoch.slice(0, 8)}`)
  const arrived = () =>
    own.received.filter((r) => r.headers['webhook-id'] === first.messageId).length
  assert.equal(arrived(), 1)
  const replayed = await ask(
    `mutation ($id: ID!, $ids: [ID!]) { replayWebhook(id: $id, filter: { ids: $ids, states: [DELIVERED] }) {
      ... on WebhookReplayed { count } } }`,
    { id: webhook.id, ids: [first.id, 'nonsense'] },
  )
  assert.equal(replayed.data.replayWebhook.count, 1)
  await until(() => arrived() === 2)
})
