import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { getNamedType, isEnumType, isInputObjectType, isNonNullType } from 'graphql'
import { developmentToken } from '../../gateway/identity/development.ts'
import { createKey, revokeKey, rotateKey } from '../../mdm/access/apiKeys.ts'
import { UNDER_THRESHOLD } from '../../mdm/match/engine.ts'
import { DEFAULT_RULES } from '../../mdm/tasks/rules.ts'
import { openTasks, taskId, validationReason } from '../../mdm/tasks/tasks.ts'
import { dataDirectory } from '../cli/process.ts'
import { AUDIENCE } from '../gateway/issuer.ts'
import { aboveDatabase, isMine } from '../property.ts'
import { key as recordKeyOf, type WorldRecord } from '../subgraphs/world.ts'
import { type AttackResult, over, overSocket, type Request } from './attack.ts'
import { holes, hostileValues } from './hostileValues.ts'
import { type Installation, startInstallation } from './installation.ts'
import { badTokens } from './tokens.ts'
import { everythingOf, rootFields, wholeOperation } from './whole.ts'

/**
 * Attempts to impersonate callers and to exceed their rights, over real sockets. Each table states
 * the expected result. For hidden values, an administrator runs the same operation and sees them,
 * which proves that the attack could find something.
 */
let it: Installation
let elsewhere: Server
let attackers: string
const visits: string[] = []
let admin: string
let tried = 0
/** Places and cursors are tried by turns. TOUCHSTONE_HOSTILE=all tries everything. */
const isTurn = (turn: number, every: number) => turn % every === 0 && isMine(turn / every)
before(async () => {
  it = await startInstallation()
  elsewhere = createServer((req, res) => {
    visits.push(req.url ?? '')
    res.end('{"keys":[]}')
  })
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
  attackers = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`
  admin = await it.token('admin')
})
after(async () => {
  elsewhere?.close()
  await it?.close()
})

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const customers = '{ customers { totalCount } }'
const feed = 'subscription { changes { __typename } }'

type Attack = [name: string, attempt: () => Promise<AttackResult>, expected: string]

async function run(attacks: Attack[]): Promise<void> {
  const wrong: string[] = []
  for (const [name, attempt, expected] of attacks) {
    const { status, code, text } = await attempt()
    tried++
    if (code !== expected)
      wrong.push(`${name}: ${status} ${code} ${text.slice(0, 200)}, not ${expected}`)
    // A forbidden field is null where it is nullable.
    if (/"data":\{(?!(?:"\w+":null,?)+\})/.test(text))
      wrong.push(`${name}: data came with it: ${text.slice(0, 200)}`)
  }
  assert.deepEqual(wrong, [])
}

const post = (request: Request) => () => over(it.url, { query: customers, ...request })

test('accepts a valid token, so the rejections below have their stated cause', async () => {
  assert.match(
    (await over(it.url, { query: customers, headers: bearer(admin) })).text,
    /"totalCount":[1-9]/,
  )
})

test('rejects invalid tokens', async () => {
  const tokens = await badTokens(it.issuer, attackers)
  await run(
    tokens.map(
      ([name, token]): Attack => [name, post({ headers: bearer(token) }), 'UNAUTHENTICATED'],
    ),
  )
  assert.deepEqual(visits, [], 'no address in a token was requested')
  for (const [name, token] of tokens) {
    const { text } = await over(it.url, { query: customers, headers: bearer(token) })
    assert.doesNotMatch(text, /jose|JWS|ERR_|stack|at \w+ \(|node_modules/, name)
    if (token.length > 40) assert.ok(!text.includes(token.slice(0, 40)), name)
  }
  // Over a socket, only a code comes back.
  await run(
    tokens
      .filter((_, i) => i % 6 === 0)
      .map(
        ([name, token]): Attack => [
          `${name}, over a socket`,
          () => overSocket(it.url, customers, bearer(token)),
          'UNAUTHENTICATED',
        ],
      ),
  )
  // The gateway still accepts valid tokens.
  assert.equal(
    (await over(it.url, { query: customers, headers: bearer(await it.token('reader')) })).status,
    200,
  )
  assert.ok(!it.logged.some((l) => l.includes(admin)), 'no token is logged')
})

test('rejects credentials in the wrong place or of the wrong kind', async (t) => {
  const basic = { authorization: `Basic ${Buffer.from(`admin:${admin}`).toString('base64')}` }
  const { dir } = dataDirectory(t)
  const development = await developmentToken(dir, AUDIENCE, {
    actor: 'mallory',
    roles: ['admin'],
    seconds: 600,
  })
  const inAddress = [
    'access_token',
    'token',
    'authorization',
    'bearer',
    'api_key',
    'key',
    'x-api-key',
  ]
  const { text: key } = await createKey(it.db.sql, {
    name: 'address',
    roles: ['admin'],
    scopes: [],
    expiresAt: null,
    createdBy: 'test',
  })
  const get = (search: string, headers = {}) => post({ method: 'GET', search, headers })
  const refused: [string, () => Promise<AttackResult>][] = [
    ['no credentials', post({})],
    ['no credentials, by GET', get('?query={customers{totalCount}}')],
    ['no credentials, as an event stream', post({ headers: { accept: 'text/event-stream' } })],
    [
      'no credentials, as an event stream by GET',
      get('?query={feed{head}}', { accept: 'text/event-stream' }),
    ],
    [
      'no credentials, several operations',
      post({ body: `[${JSON.stringify({ query: customers })}]` }),
    ],
    ['no credentials, no operation', post({ body: '{' })],
    ['no credentials, __typename only', post({ query: '{ __typename }' })],
    ['no credentials, introspection', post({ query: '{ __schema { types { name } } }' })],
    ['no credentials, from a page', get('', { accept: 'text/html' })],
    ['no credentials, federation’s own field', post({ query: '{ _service { sdl } }' })],
    ...inAddress.map((name): [string, () => Promise<AttackResult>] => [
      `a token in the address, as ${name}`,
      get(`?query={customers{totalCount}}&${name}=${encodeURIComponent(admin)}`),
    ]),
    ['a key in the address', get(`?query={customers{totalCount}}&api_key=${key}`)],
    [
      'a token in the body',
      post({ body: JSON.stringify({ query: customers, authorization: `Bearer ${admin}` }) }),
    ],
    [
      'a token in extensions',
      post({ body: JSON.stringify({ query: customers, extensions: bearer(admin) }) }),
    ],
    [
      'a token in a cookie',
      post({ headers: { cookie: `token=${admin}; authorization=Bearer ${admin}` } }),
    ],
    ['Basic', post({ headers: basic })],
    ['Bearer without a token', post({ headers: { authorization: 'Bearer' } })],
    ['Bearer and spaces', post({ headers: { authorization: 'Bearer    ' } })],
    ['two tokens', post({ headers: { authorization: `Bearer ${admin} ${admin}` } })],
    [
      'two tokens with a comma',
      post({ headers: { authorization: `Bearer ${admin}, Bearer ${admin}` } }),
    ],
    ['a token without Bearer', post({ headers: { authorization: admin } })],
    ['Token', post({ headers: { authorization: `Token ${admin}` } })],
    ['a token as a key', post({ headers: { 'x-api-key': admin } })],
    ['a token and a key', post({ headers: { ...bearer(admin), 'x-api-key': key } })],
    ['a development token', post({ headers: bearer(development) })],
    [
      'names of the development caller',
      post({ headers: { 'x-touchstone-actor': 'a', 'x-touchstone-roles': 'admin' } }),
    ],
    [
      'headers of proxies',
      post({ headers: { 'x-forwarded-user': 'admin', 'x-forwarded-for': '127.0.0.1' } }),
    ],
    [
      'headers of services',
      post({ headers: { 'x-roles': '*', 'x-scopes': '*', 'x-correlation-id': 'admin' } }),
    ],
    ['a socket without credentials', () => overSocket(it.url, customers)],
    ['a socket with an empty token', () => overSocket(it.url, customers, { authorization: '' })],
    [
      'a socket with a token of the wrong type',
      () => overSocket(it.url, customers, { authorization: { bearer: admin } }),
    ],
    [
      'a socket with a list of tokens',
      () => overSocket(it.url, customers, { authorization: [`Bearer ${admin}`] }),
    ],
    [
      'a socket with a token in its address',
      () => overSocket(`${it.url}?authorization=Bearer%20${admin}`, customers),
    ],
    [
      'a socket with a token by another name',
      () => overSocket(it.url, customers, { token: admin }),
    ],
    [
      'a socket with a bad token beside a good one',
      () => overSocket(it.url, customers, bearer('x'), bearer(admin)),
    ],
    ['a socket, subscribing', () => overSocket(it.url, feed)],
  ]
  await run(refused.map(([name, attempt]): Attack => [name, attempt, 'UNAUTHENTICATED']))
  await revokeKey(it.db.sql, 'address')
  await run([
    [
      'a page of another site',
      post({ headers: { ...bearer(admin), origin: 'https://evil.example' } }),
      'ORIGIN_NOT_ALLOWED',
    ],
    [
      'a sandboxed page',
      post({ headers: { ...bearer(admin), origin: 'null' } }),
      'ORIGIN_NOT_ALLOWED',
    ],
    [
      'a form',
      post({ headers: { ...bearer(admin), 'content-type': 'text/plain' } }),
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'a form with a file',
      post({ headers: { ...bearer(admin), 'content-type': 'multipart/form-data; boundary=x' } }),
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'several operations at once',
      post({ headers: bearer(admin), body: '[{"query":"{feed{head}}"}]' }),
      'BATCHING_NOT_SUPPORTED',
    ],
    [
      'a mutation by GET',
      post({
        method: 'GET',
        search: '?query=mutation{releaseTasks(ids:[]){__typename}}',
        headers: bearer(admin),
      }),
      'METHOD_NOT_ALLOWED',
    ],
    [
      'a preflight',
      post({ method: 'OPTIONS', headers: { origin: 'https://evil.example' } }),
      'ORIGIN_NOT_ALLOWED',
    ],
  ])
})

test('rejects invalid API keys', async () => {
  const make = (name: string, expiresAt: Date | null = null) =>
    createKey(it.db.sql, { name, roles: ['reader'], scopes: [], expiresAt, createdBy: 'test' })
  const [good, revoked, rotated, ended] = await Promise.all(
    ['good', 'revoked', 'rotated', 'ended'].map((n) => make(n)),
  )
  assert.ok(good && revoked && rotated && ended)
  const asks = (key: string) => post({ headers: { 'x-api-key': key } })
  for (const { text } of [good, revoked, rotated, ended])
    assert.equal((await asks(text)()).status, 200)
  await revokeKey(it.db.sql, 'revoked')
  await rotateKey(it.db.sql, 'rotated', 0, 'test')
  await it.db.sql`update api_key set expires_at = now() - interval '1 second' where name = 'ended'`
  const [row] = await it.db.sql<{ hash: Buffer }[]>`select hash from api_key where id = ${good.id}`
  const secret = good.text.slice(-43)
  const head = `tsk_${good.id}_`
  const bad: [string, string][] = [
    ['revoked', revoked.text],
    ['rotated, its overlap over', rotated.text],
    ['ended', ended.text],
    ['an unknown id', `tsk_${'0'.repeat(16)}_${secret}`],
    ['the id of another key', `tsk_${revoked.id}_${secret}`],
    ['the secret of another key', `${head}${rotated.text.slice(-43)}`],
    ['its hash as the secret', `${head}${row?.hash.toString('base64url')}`],
    ['its hash in hex', `${head}${row?.hash.toString('hex')}`],
    ['no secret', head],
    ['the beginning of the secret', good.text.slice(0, -1)],
    ['more than the secret', `${good.text}A`],
    [
      'other capitals',
      `${head}${secret.toUpperCase() === secret ? secret.toLowerCase() : secret.toUpperCase()}`,
    ],
    ['SQL', `tsk_' or '1'='1_${secret}`],
    ['SQL in the secret', `${head}' or true --`],
    ['a wildcard', `tsk_%_${secret}`],
  ]
  await run(
    bad.flatMap(([name, key]): Attack[] => [
      [`a key: ${name}`, asks(key), 'UNAUTHENTICATED'],
      [
        `a key as a token: ${name}`,
        post({ headers: bearer(key.replaceAll(' ', '%20')) }),
        'UNAUTHENTICATED',
      ],
    ]),
  )
  assert.equal((await asks(good.text)()).status, 200)
})

test('grants nothing for claims that are not roles', async () => {
  const stranger = async (claims: object) =>
    bearer(await it.issuer.sign({ sub: 'mallory', ...claims }))
  const claims: [string, object][] = [
    ['no roles', {}],
    ['roles of everything', { roles: ['*'] }],
    ['a role in capitals', { roles: ['ADMIN', 'Admin'] }],
    ['a role with spaces', { roles: [' admin', 'admin '] }],
    ['roles as an object', { roles: { admin: true, 0: 'admin', length: 1 } }],
    ['roles in a list in a list', { roles: [['admin']] }],
    [
      'names of inherited properties',
      { roles: ['__proto__', 'constructor', 'toString', 'hasOwnProperty'] },
    ],
    [
      'scopes instead of roles',
      { scope: '* golden:read', scp: ['*'], scopes: ['*'], permissions: ['golden:read'] },
    ],
    ['fields of a caller', { via: 'DEVELOPMENT', actor: 'development', rights: '*' }],
    ['another claim', { role: 'admin', groups: ['admin'], 'realm_access.roles': ['admin'] }],
  ]
  await run(
    await Promise.all(
      claims.map(
        async ([name, c]): Promise<Attack> => [
          name,
          post({ headers: await stranger(c) }),
          'FORBIDDEN',
        ],
      ),
    ),
  )
})

test('rejects documents that exceed the rights of a role', async () => {
  const reader = bearer(await it.token('reader'))
  const { text: goldenOnly } = await createKey(it.db.sql, {
    name: 'golden-only',
    roles: [],
    scopes: ['golden:read'],
    expiresAt: null,
    createdBy: 'test',
  })
  const { text: feedOnly } = await createKey(it.db.sql, {
    name: 'feed-only',
    roles: [],
    scopes: ['feed:read'],
    expiresAt: null,
    createdBy: 'test',
  })
  const byReader: [string, string][] = [
    ['straight', '{ auditLog { nodes { id } } }'],
    ['an alias', '{ customers: auditLog { nodes { id } } }'],
    [
      'an alias of something allowed beside it',
      '{ feed { head } feed2: auditLog { nodes { id } } }',
    ],
    ['an inline fragment', '{ ... { auditLog { nodes { id } } } }'],
    ['an inline fragment on the type', '{ ... on Query { auditLog { nodes { id } } } }'],
    ['a fragment', 'query A { ...F } fragment F on Query { auditLog { nodes { id } } }'],
    [
      'fragments in fragments',
      'query A { ...F } fragment F on Query { ...G } fragment G on Query { ... { auditLog { nodes { id } } } }',
    ],
    [
      'a fragment spread twice',
      'query A { ...F ...F } fragment F on Query { feed { head } auditLog { nodes { id } } }',
    ],
    ['@include of true', '{ auditLog @include(if: true) { nodes { id } } }'],
    [
      '@skip of a variable',
      'query A($no: Boolean = false) { auditLog @skip(if: $no) { nodes { id } } }',
    ],
    [
      '@include of a fragment',
      'query A($yes: Boolean = true) { ...F @include(if: $yes) } fragment F on Query { auditLog { nodes { id } } }',
    ],
    ['__typename alone', '{ auditLog { nodes { __typename } } }'],
    ['tasks', '{ tasks { nodes { id } } }'],
    ['counts of tasks', '{ taskCounts { __typename } }'],
    ['what stewards did', '{ stewardActions { nodes { id } } }'],
    ['a preview', '{ previewAction(action: {}) { __typename } }'],
    ['messages that could not be applied', '{ inboundExceptions { __typename } }'],
    ['why two records match', '{ clusterStory(id: "x") { __typename } }'],
    ['the raw record', '{ customers { nodes { sourceRecords { nodes { raw } } } } }'],
    [
      'the raw record, renamed',
      '{ customers { nodes { sourceRecords { nodes { canonical: raw } } } } }',
    ],
    [
      'the raw record in a fragment',
      '{ customers { nodes { sourceRecords { nodes { ...F } } } } } fragment F on SourceRecord { raw }',
    ],
    [
      'the raw record by provenance',
      '{ customers { nodes { provenance { sourceRecords { nodes { raw } } } } } }',
    ],
    [
      'the raw record of a candidate',
      '{ customers { nodes { provenance { candidates { nodes { source { raw } } } } } } }',
    ],
    [
      'the raw record through an interface',
      `{ node(id: "${nordwind}") { ... on Customer { sourceRecords { nodes { raw } } } } }`,
    ],
    [
      'the raw record through the feed',
      '{ changes { nodes { entity { ... on Customer { sourceRecords { nodes { raw } } } } } } }',
    ],
    [
      'the raw record behind an invoice',
      '{ invoices { nodes { customer { sourceRecords { nodes { raw } } } } } }',
    ],
    [
      'the raw record far down',
      '{ contacts { nodes { customer { contacts { nodes { sourceRecords { nodes { raw } } } } } } } }',
    ],
    ['the schema', '{ __schema { types { name } } }'],
    ['the schema, renamed', '{ feed: __schema { queryType { name } } }'],
    [
      'the schema in a fragment',
      'query A { ...F } fragment F on Query { __type(name: "Mutation") { name } }',
    ],
    ['a steward’s mutation', 'mutation { releaseTasks(ids: []) { __typename } }'],
    [
      'several mutations',
      'mutation { a: releaseTasks(ids: []) { __typename } b: claimTasks(ids: []) { __typename } }',
    ],
    [
      'a mutation in a fragment',
      'mutation { ...F } fragment F on Mutation { releaseTasks(ids: []) { __typename } }',
    ],
    ['approving', `mutation { approveAction(action: "${nordwind}", reason: "x") { __typename } }`],
    ['a what-if', 'mutation { simulatePolicy(files: []) { __typename } }'],
    [
      'putting messages right',
      'mutation { discardExceptions(ids: [], reason: "x", idempotencyKey: "x") { __typename } }',
    ],
  ]
  const keyed = (key: string) => ({ 'x-api-key': key })
  const task = 'subscription { taskChanged { id } }'
  const stream = { ...reader, accept: 'text/event-stream' }
  await run([
    ...byReader.map(
      ([name, query]): Attack => [name, post({ query, headers: reader }), 'FORBIDDEN'],
    ),
    ...byReader
      .slice(0, 12)
      .map(
        ([name, query]): Attack => [
          `${name}, over a socket`,
          () => overSocket(it.url, query, reader),
          'FORBIDDEN',
        ],
      ),
    [
      'as an event stream',
      post({ query: '{ auditLog { nodes { id } } }', headers: stream }),
      'FORBIDDEN',
    ],
    [
      'by GET',
      post({ method: 'GET', search: '?query={auditLog{nodes{id}}}', headers: reader }),
      'FORBIDDEN',
    ],
    [
      'the second of two operations',
      post({
        query: 'query A { feed { head } } query B { auditLog { nodes { id } } }',
        operationName: 'B',
        headers: reader,
      }),
      'FORBIDDEN',
    ],
    ['a subscription, as an event stream', post({ query: task, headers: stream }), 'FORBIDDEN'],
    ['a subscription, over a socket', () => overSocket(it.url, task, reader), 'FORBIDDEN'],
    [
      'fields behind an event',
      post({
        query:
          'subscription { changes { ... on Change { entity { ... on Customer { sourceRecords { nodes { raw } } } } } } }',
        headers: stream,
      }),
      'FORBIDDEN',
    ],
    ...[
      '{ customers { nodes { invoices { nodes { number } } } } }',
      '{ customers { nodes { invoices { totalCount } } } }',
      '{ customers { nodes { invoices { __typename } } } }',
      '{ customers { nodes { totals { openInvoices } } } }',
      '{ customers { nodes { ledger { account } } } }',
      '{ customers { nodes { i: opportunities { edges { cursor } } } } }',
      '{ contracts { nodes { subscriptions { pageInfo { hasNextPage } } } } }',
      '{ node(id: "x") { id } }',
      '{ nodes(ids: []) { __typename } }',
      '{ changes { nodes { after } } }',
    ].map(
      (query): Attack => [
        `golden records only: ${query}`,
        post({ query, headers: keyed(goldenOnly) }),
        'FORBIDDEN',
      ],
    ),
    ...[
      '{ changes { nodes { entity { ... on Customer { name } } } } }',
      '{ changes { nodes { entity { ...F } } } } fragment F on Contact { jobTitle }',
      '{ changes { nodes { entity { ... on Customer { __typename } } } } }',
      '{ customer(id: "x") { id } }',
    ].map(
      (query): Attack => [
        `the feed only: ${query}`,
        post({ query, headers: keyed(feedOnly) }),
        'FORBIDDEN',
      ],
    ),
  ])
  // The log names the caller and the fields, and no values.
  const line = it.logged.find(
    (l) => l.includes('operation refused') && l.includes('"fields":["Query.auditLog"]'),
  )
  assert.match(line ?? '', /"actor":"a-reader","correlationId":"[0-9a-f-]{36}","code":"FORBIDDEN"/)
  // Callers can use what their scopes allow.
  for (const [query, key] of [
    ['{ customers { nodes { name contacts { totalCount } } } }', goldenOnly],
    ['{ changes { nodes { after } } }', feedOnly],
  ] as const)
    assert.doesNotMatch((await over(it.url, { query, headers: keyed(key) })).text, /errors/)
})

const nordwind = recordKeyOf('crm', 'Customer', 'C1')
const anna = recordKeyOf('crm', 'Contact', 'P1')
const joerg = recordKeyOf('billing', 'Contact', 'P2')
/** Argument values that find something. */
const KNOWN: Record<string, string> = {
  id: `"${anna}"`,
  ids: `["${anna}", "${nordwind}"]`,
  a: `"${anna}"`,
  b: `"${joerg}"`,
  system: '"crm"',
  object: '"Contact"',
  type: '"Contact"',
  from: '1',
  to: '2',
  action: `{ retire: { record: { id: "${anna}", version: 2 } } }`,
  items: `[{ retire: { record: { id: "${anna}", version: 2 } } }]`,
}
const allOf = (type: string, depth: number) =>
  `fragment All on ${type} ${everythingOf(it.schema, type, depth)}`
const PERSONAL = /Anna|Weber|anna@|joerg@|Brandt|sales@nordwind|493012345678/

test('hides masked values from a caller without the scope, whichever field is queried', async () => {
  const blind = bearer(await it.token('blind'))
  const steward = bearer(await it.token('steward', 'approver'))
  // Creates assertions of stewards to look for: one override done, one that waits.
  const stated = await over(it.url, {
    query: `mutation { overrideField(input: { record: { id: "${anna}", version: 1 }, field: "name", value: "Anna Weber-Lund" },
      reason: "x", idempotencyKey: "masked") { __typename } }`,
    headers: steward,
  })
  assert.match(stated.text, /ActionDone|ApprovalNeeded/)
  const changesOf = 'changes(types: [CONTACT])'
  const snapshot =
    'subscription { changes(types: [CONTACT], snapshot: true) { ... on Snapshot { values } } }'
  const queries = [
    '{ contacts { nodes { name emails phones givenName surname } } }',
    '{ contacts { nodes { version: name } } }',
    '{ contacts { edges { node { ...F } } } } fragment F on Contact { title: name emails }',
    `{ contact(id: "${anna}") { name } }`,
    `{ contact(id: "${anna}", asOf: "2999-01-01T00:00:00.000Z") { name } }`,
    '{ contactBySource(system: "crm", object: "Contact", id: "P1") { emails } }',
    `{ node(id: "${anna}") { ... on Contact { name } } }`,
    `{ nodes(ids: ["${anna}"]) { ... on Contact { ... { emails } } } }`,
    '{ customers { nodes { contacts { nodes { name } } } } }',
    '{ customers { nodes { emails phones } } }',
    '{ invoices { nodes { customer { contacts { nodes { emails } } } } } }',
    '{ contacts { nodes { provenance { field value } } } }',
    '{ contacts { nodes { provenance(fields: ["name"]) { candidates { nodes { value verdict } } } } } }',
    '{ contacts { nodes { history { nodes { values } } } } }',
    '{ contacts { nodes { history { edges { node { v: values } } } } } }',
    '{ contacts { nodes { sourceRecords { nodes { canonical } } } } }',
    '{ contacts { nodes { sourceRecords { nodes { raw } } } } }',
    `{ ${changesOf} { nodes { after before } } }`,
    `{ ${changesOf} { edges { node { x: after } } } }`,
    `{ ${changesOf} { nodes { cloudEvent } } }`,
    `{ ${changesOf} { nodes { entity { ... on Contact { name } } } } }`,
    `{ goldenDiff(id: "${anna}", from: 1, to: 2) { field before after } }`,
    '{ stewardActions { nodes { input } } }',
    '{ auditLog { nodes { body } } }',
    `{ previewAction(action: { override: { record: { id: "${anna}", version: 2 }, field: "jobTitle", value: "CEO" } })
      { ... on ActionPreview { records { before after } } } }`,
    `{ explain(a: "${anna}", b: "${joerg}") { __typename ...All } } ${allOf('MatchExplanation', 4)}`,
    `{ clusterStory(id: "${anna}") { __typename ...All } } ${allOf('ClusterStory', 4)}`,
    snapshot,
  ]
  const wrong: string[] = []
  const shown: string[] = []
  for (const query of queries)
    for (const headers of [{}, { accept: 'text/event-stream' }] as Record<string, string>[]) {
      if (query === snapshot && !headers.accept) continue
      tried++
      const seen = await over(it.url, { query, headers: { ...headers, ...blind } })
      if (PERSONAL.test(seen.text)) wrong.push(`${query}: ${seen.text.slice(0, 300)}`)
      if (/"code":"(FORBIDDEN|GRAPHQL_VALIDATION_FAILED|INTERNAL)"/.test(seen.text))
        wrong.push(`${query}: ${seen.text}`)
      const whole = await over(it.url, { query, headers: { ...headers, ...bearer(admin) } })
      if (PERSONAL.test(whole.text)) shown.push(query)
    }
  assert.deepEqual(wrong, [])
  // Previews of other fields, and differences between missing versions, may have nothing to hide.
  const nothingToHide = queries.filter((q) => !shown.includes(q))
  assert.deepEqual(
    nothingToHide.filter((q) => !/goldenDiff|previewAction|explain|clusterStory/.test(q)),
    [],
  )
  for (const query of [snapshot, queries[0] ?? ''])
    assert.doesNotMatch((await overSocket(it.url, query, blind)).text, PERSONAL)
})

/** Root fields that show the values to a caller with the scope, so that there is something to hide. */
const EXPOSED = [
  ...['auditLog', 'changes', 'contact', 'contacts', 'customers', 'invoices', 'node'],
  ...['previewAction', 'previewBulkAction', 'previewProposal', 'stewardActions'],
]

test('hides masked values everywhere in the graph', { skip: aboveDatabase }, async () => {
  const blind = bearer(await it.token('blind'))
  const exposed: string[] = []
  const wrong: string[] = []
  const versions = await it.db.sql<{ id: string; version: number }[]>`
    select id, version from golden where id = any(${[anna, joerg]}::uuid[])`
  const items = versions.map(
    (r) => `{ retire: { record: { id: "${r.id}", version: ${r.version} } } }`,
  )
  const proposed = await over(it.url, {
    query: `mutation { bulkAction(items: [${items}], reason: "x", idempotencyKey: "waits") { ... on ApprovalNeeded { action { id } } } }`,
    headers: bearer(await it.token('steward')),
  })
  const waits = /[0-9a-f-]{36}/.exec(proposed.text)?.[0]
  const known: Record<string, string> = { ...KNOWN, proposal: `"${waits}"` }
  for (const field of rootFields(it.schema)) {
    const text = wholeOperation(it.schema, field, 4, (argument) => known[argument])
    tried++
    const seen = await over(it.url, { query: text, headers: blind })
    if (/GRAPHQL_VALIDATION_FAILED|FORBIDDEN|"code":"(TOO|QUERY)_/.test(seen.text))
      wrong.push(`${field.name}: ${seen.text.slice(0, 300)}`)
    const found = PERSONAL.exec(seen.text)
    if (found)
      wrong.push(
        `${field.name} shows ${found[0]}: …${seen.text.slice(Math.max(0, found.index - 200), found.index + 50)}…`,
      )
    if (!EXPOSED.includes(field.name)) continue
    const whole = await over(it.url, { query: text, headers: bearer(admin) })
    if (PERSONAL.test(whole.text)) exposed.push(field.name)
  }
  assert.deepEqual(wrong, [])
  assert.deepEqual(exposed.sort(), EXPOSED, 'an authorized caller sees the values')
})

/**
 * Two worlds that differ only in values that need a scope. In the first one, values of the billing
 * system equal those of the CRM: a guess that is stated there is right in this world only.
 */
function hiddenWorld(isFirst: boolean): WorldRecord[] {
  const record = (source: string, type: string, id: string, fields: object): WorldRecord => ({
    ...{ source, type, id },
    fields: type === 'Customer' ? { lifecycle: 'CUSTOMER', ...fields } : { ...fields },
  })
  const reached = (phone: string, email: string) => ({ phones: [phone], emails: [email] })
  const place = { street: 'Am Wall 3', city: 'Bremen', postcode: '28195', country: 'DE' }
  const one = { name: 'Falkenhorst Metallbau GmbH', billingAddress: place }
  const asCrm = reached('+493012345999', 'kontakt@falkenhorst.example')
  // Tax numbers of two countries and two legal forms forbid a match in either world.
  const other = {
    domains: ['rabenfels.example'],
    billingAddress: { ...place, street: 'Kaiweg 8', city: 'Kiel', postcode: '24103' },
  }
  const rabenfels = reached('+494319988776', 'info@rabenfels.example')
  return [
    record('crm', 'Customer', 'S1', { ...one, ...asCrm }),
    record('billing', 'Customer', 'S2', {
      ...{ ...one, currency: 'EUR' },
      ...(isFirst ? asCrm : reached('+498912345111', 'buero@falkenhorst.example')),
    }),
    record('erp', 'Customer', 'S3', { ...one, phones: ['+494030405060'] }),
    record('crm', 'Customer', 'S4', {
      ...{ ...other, ...rabenfels },
      ...{ name: 'Rabenfels Technik GmbH', taxIds: ['DE143454214'] },
    }),
    record('billing', 'Customer', 'S5', {
      ...{ ...other, name: 'Rabenfels Technik AG', taxIds: ['IT00743110157'] },
      ...(isFirst ? rabenfels : reached('+497115544332', 'post@rabenfels-technik.example')),
    }),
    record('crm', 'Contact', 'S6', { name: 'Frieda Olsen', phones: ['+493055667788'] }),
    record('billing', 'Contact', 'S7', {
      name: 'Gustav Riemann',
      phones: [isFirst ? '+493055667788' : '+493055667799'],
    }),
  ]
}

/** Operations that show the values that differ to those who may see them. */
const DEPENDENT = [
  ...['changes', 'clusterStory', 'contacts', 'customer', 'customers', 'explain'],
  ...['inboundExceptions', 'possibleMatches', 'possiblyRelated', 'previewBulkAction', 'tasks'],
  'trace',
]

/** Returns a response without what differs between two installations with equal content. */
function comparable(text: string): string {
  return text
    .replace(/"W[0-9A-Za-z_-]{8,}"/g, (cursor) =>
      JSON.stringify(Buffer.from(cursor, 'base64url').toString()),
    )
    .replace(/"(cursor|beginning|startCursor|endCursor)":"AQ[\w-]+"/g, '"$1":"…"')
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.]*(Z|\+00)?/g, 'time')
    .replace(/"(hash|traceparent|ageSeconds\w*)":("[^"]*"|[\d.]+)/g, '"$1":"…"')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'random')
    .replace(/(\.\d+)\.[0-9a-f]{8}"/g, '$1.epoch"')
}

test('nothing that a caller without the scope sees depends on masked values', {
  skip: aboveDatabase,
}, async () => {
  const worlds = await Promise.all(
    [true, false].map((isFirst) => startInstallation({ records: hiddenWorld(isFirst) })),
  )
  try {
    const [first, second] = worlds as [Installation, Installation]
    // The outcome of matching is equal, otherwise the worlds would rightly look different.
    const outcome = ({ db }: Installation) =>
      db.sql`select key, golden_id from source_record order by key`
    assert.deepEqual([...(await outcome(first))], [...(await outcome(second))])
    // Possible matches and their tasks, with weights and orders that differ.
    const [s1, s4, s5] = ['crm S1', 'crm S4', 'billing S5'].map((name) => {
      const [source = '', id = ''] = name.split(' ')
      return recordKeyOf(source, 'Customer', id)
    })
    for (const [n, { db }] of worlds.entries())
      for (const [other, weight] of [
        [s5, 9],
        [s1, n === 0 ? 3 : 12],
      ] as const) {
        const reason = n === 0 ? 'emails: a@x.example and b@x.example' : UNDER_THRESHOLD
        await db.sql`
          insert into possible_match (a, b, type, weight, reason)
          values (${s4 ?? ''}, ${other ?? ''}, 'Customer', ${weight}, ${reason})`
        await openTasks(db.sql as never, DEFAULT_RULES, [
          {
            ...{ kind: 'CONFLICT', type: 'Customer', subject: [s4 ?? '', other ?? ''] },
            ...{ reason, weight, stake: 0 },
          },
        ])
      }
    // Unusable values of hidden fields: other fields, other codes, another number of them.
    for (const [n, { db }] of worlds.entries()) {
      const [field, code] = n === 0 ? ['emails', 'TOO_LONG'] : ['phones', 'NOT_TEXT']
      const issue = { field, code, detail: `${n} is no value` }
      const issues = n === 0 ? [issue] : [issue, { ...issue, field: 'phones.0' }]
      const reason = validationReason(issues.map((i) => ({ ...i, detail: i.code ?? '' })))
      const [{ message } = { message: 0 }] = await db.sql<{ message: number }[]>`
        update source_record set issues = ${db.sql.json(issues as never)} where key = ${s1 ?? ''}
        returning inbox_id as message`
      await openTasks(db.sql as never, DEFAULT_RULES, [
        {
          ...{ kind: 'VALIDATION', type: 'Customer', subject: [s1 ?? ''] },
          ...{ reason, weight: null, stake: 0 },
        },
      ])
      await db.sql`
        insert into outcome (inbox_id, outcome, code, detail, source, object, source_id, field)
        values (${message}, 'EXCEPTION', 'INCOMPLETE', ${`${field}: ${issue.detail}`}, 'crm',
          'Customer', 'S1', ${field ?? ''})`
    }
    const id = (source: string, type: string, n: string) =>
      JSON.stringify(recordKeyOf(source, type, n))
    const pairs = [
      [id('crm', 'Customer', 'S1'), id('billing', 'Customer', 'S2'), 'Customer'],
      [id('crm', 'Customer', 'S4'), id('billing', 'Customer', 'S5'), 'Customer'],
      [id('crm', 'Contact', 'S6'), id('billing', 'Contact', 'S7'), 'Contact'],
    ] as const
    const queries = rootFields(it.schema).flatMap((field) => {
      const isLookup = field.args.some((a) => isNonNullType(a.type))
      const about = field.name === 'explain' ? pairs : pairs.slice(0, isLookup ? 2 : 1)
      return about.map(([a, b, type]) => {
        const seen = `{ id: ${a}, version: 1 }`
        const known: Record<string, string> = {
          ...{ id: a, of: a, a, b, ids: `[${a}, ${b}]`, from: '1', to: '1' },
          ...{ system: '"crm"', object: `"${type}"`, type: `"${type}"` },
          action: `{ retire: { record: ${seen} } }`,
          items: `[{ merge: { records: [${seen}, { id: ${b}, version: 1 }] } }]`,
        }
        // Deep enough for the candidates of a value; lists and nodes reach the same records.
        const depth = !isLookup || field.name.startsWith('node') ? 2 : 4
        const text = wholeOperation(it.schema, field, depth, (argument) => known[argument])
        return [field.name, text] as const
      })
    })
    const wrong: string[] = []
    const depend = new Set<string>()
    for (const [name, query] of queries) {
      const seen = async (role: string) =>
        await Promise.all(
          worlds.map(async (at) => {
            const headers = bearer(await at.token(role))
            return comparable((await over(at.url, { query, headers })).text)
          }),
        )
      tried += 2
      const [one = '', other = ''] = await seen('blind')
      if (one !== other) {
        const at = [...one].findIndex((c, i) => c !== other[i])
        const near = (text: string) => text.slice(Math.max(0, at - 150), at + 80)
        wrong.push(`${name}: ${near(one)} | ${near(other)}`)
      }
      if (depend.has(name) || !DEPENDENT.includes(name)) continue
      const [all, others] = await seen('admin')
      if (all !== others) depend.add(name)
    }
    assert.deepEqual(wrong, [])
    // The operations do reach values that differ.
    assert.deepEqual([...depend].sort(), DEPENDENT)
  } finally {
    await Promise.all(worlds.map((w) => w.close()))
  }
})

test('masked values cannot be guessed by filters or order', async () => {
  const blind = bearer(await it.token('blind'))
  const lists = [
    'filter: { name: { eq: "Anna Weber" } }',
    'filter: { name: { startsWith: "A" } }',
    'filter: { name: { ne: "x" } }',
    'filter: { name: { in: ["Anna Weber"] } }',
    'filter: { name: { isNull: true } }',
    'filter: { emails: { contains: "anna@nordwind.example" } }',
    'filter: { emails: { isEmpty: false } }',
    'filter: { not: { name: { eq: "Anna Weber" } } }',
    'filter: { or: [{ jobTitle: { eq: "CFO" } }, { name: { contains: "nn" } }] }',
    'filter: { and: [{ not: { or: [{ emails: { containsAny: ["a"] } }] } }] }',
    'orderBy: [{ field: NAME }]',
    'orderBy: [{ field: CREATED_AT }, { field: SURNAME, direction: DESC }]',
  ]
  const values = '{ field: "name", in: ["Anna Weber"] }'
  await run([
    ...lists.map(
      (args): Attack => [
        args,
        post({ query: `{ contacts(${args}) { nodes { id } } }`, headers: blind }),
        'MISSING_SCOPE',
      ],
    ),
    ...lists.slice(0, 4).map(
      (args): Attack => [
        `${args}, below a customer`,
        async () => {
          const got = await over(it.url, {
            query: `{ customers(first: 1) { nodes { contacts(${args}) { totalCount } } } }`,
            headers: blind,
          })
          return { ...got, text: got.text.replace('"data":{', '') }
        },
        'MISSING_SCOPE',
      ],
    ),
    [
      'values of events',
      post({ query: `{ changes(where: [${values}]) { nodes { id: goldenId } } }`, headers: blind }),
      'MISSING_SCOPE',
    ],
    [
      'values of events, in a subscription',
      () =>
        overSocket(
          it.url,
          `subscription { contactChanged(where: [${values}]) { __typename } }`,
          blind,
        ),
      'MISSING_SCOPE',
    ],
    ...['["emails"]', '["jobTitle", "name"]'].map(
      (names): Attack => [
        `that hidden fields changed: ${names}`,
        post({
          query: `{ changes(changedFields: ${names}) { nodes { goldenId } } }`,
          headers: blind,
        }),
        'MISSING_SCOPE',
      ],
    ),
    [
      'that a hidden field changed, in a subscription',
      () =>
        overSocket(
          it.url,
          'subscription { customerChanged(changedFields: ["phones"]) { __typename } }',
          blind,
        ),
      'MISSING_SCOPE',
    ],
    [
      'that a hidden field changed, by a webhook',
      post({
        query: `mutation { registerWebhook(input: { url: "https://a.example/", filter: { changedFields: ["emails"] } })
          { __typename } }`,
        headers: blind,
      }),
      'MISSING_SCOPE',
    ],
    [
      'values of an event, given as a variable',
      post({
        query: 'query A($w: [ChangeValueFilter!]) { changes(where: $w) { nodes { goldenId } } }',
        variables: { w: [{ field: 'emails', in: ['anna@nordwind.example'] }] },
        headers: blind,
      }),
      'MISSING_SCOPE',
    ],
  ])
})

test('a guess is not tested by stating it: neither as a preview nor by an event of a changed weight', async () => {
  const blind = bearer(await it.token('blind'))
  const guess = `previewAction(action: { override: { record: { id: "${anna}", version: 2 }, field: "emails", value: ["anna@nordwind.example"] } })`
  const preview = await over(it.url, {
    query: `{ ${guess} { __typename ... on ActionPreview { records { changedFields } } ... on ActionRefused { rule } } }`,
    headers: blind,
  })
  assert.match(preview.text, /"rule":"MISSING_(SCOPE|ROLE)"/, preview.text)
  // A task of two customers whose match gets heavier, as when one gets the other's phone number.
  const subject = [nordwind, recordKeyOf('crm', 'Customer', 'C2')]
  const weighs = (weight: number) =>
    openTasks(it.db.sql as never, DEFAULT_RULES, [
      {
        ...{ kind: 'POSSIBLE_MATCH', type: 'Customer', subject, weight },
        ...{ reason: UNDER_THRESHOLD, stake: 0 },
      },
    ])
  await weighs(2)
  // A task of a record whose hidden value gets another fault.
  const [faulty = ''] = subject
  const isFaulty = async (code: string) => {
    const issues = [{ field: 'emails', code, detail: code }]
    await it.db
      .sql`update source_record set issues = ${it.db.sql.json(issues)} where key = ${faulty}`
    const reason = validationReason(issues)
    await openTasks(it.db.sql as never, DEFAULT_RULES, [
      {
        ...{ kind: 'VALIDATION', type: 'Customer', subject: [faulty] },
        ...{ reason, weight: null, stake: 0 },
      },
    ])
  }
  await isFaulty('NOT_TEXT')
  const changes = (kind: string) =>
    [blind, bearer(admin)].map((headers) =>
      overSocket(
        it.url,
        `subscription { taskChanged(kinds: [${kind}]) { weight reason assignee updatedAt createdAt } }`,
        headers,
      ),
    )
  const seen = [...changes('POSSIBLE_MATCH'), ...changes('VALIDATION')]
  await sleep(1_500)
  await weighs(7)
  await isFaulty('TOO_LONG')
  await sleep(1_500)
  await it.db.sql`
    update task set assignee = 'ida', updated_at = clock_timestamp()
    where id in (${taskId('POSSIBLE_MATCH', subject)}, ${taskId('VALIDATION', [faulty])})`
  const [one, other, hidden, shown] = (await Promise.all(seen)).map(
    ({ text }) => JSON.parse(text).data.taskChanged as Record<string, unknown>,
  )
  assert.deepEqual([shown?.reason, shown?.assignee], ['emails: TOO_LONG', null])
  assert.deepEqual(
    [hidden?.reason, hidden?.assignee, hidden?.updatedAt],
    ['not shown without the scope pii:read', 'ida', hidden?.createdAt],
  )
  assert.deepEqual([other?.weight, other?.assignee], [7, null])
  assert.deepEqual([one?.weight, one?.assignee, one?.updatedAt], [null, 'ida', one?.createdAt])
})

test('errors name nothing of the schema to a caller without introspection', async () => {
  const reader = bearer(await it.token('reader'))
  for (const query of [
    '{ customer }',
    '{ custmers { id } }',
    '{ customers { nodes { nam } } }',
    '{ customers(frst: 1) { totalCount } }',
    '{ ... on Custmer { id } }',
    'mutation { mergeRecord { id } }',
    'query A($x: Custmr) { feed { head } }',
    'query A { feed { head } ...Nothing }',
    '{ auditLogs { id } }',
  ]) {
    tried++
    const { text, code } = await over(it.url, { query, headers: reader })
    assert.equal(code, 'GRAPHQL_VALIDATION_FAILED', query)
    // For a field without a selection the hint repeats the name that the caller wrote.
    assert.doesNotMatch(
      text.replace(/Did you mean \\"customer \{ \.\.\. \}\\"/, ''),
      /Did you mean/,
      query,
    )
  }
  assert.match(
    (await over(it.url, { query: '{ custmers { id } }', headers: bearer(admin) })).text,
    /Did you mean/,
  )
})

test('rejects a token whose key the issuer does not publish, and accepts it once the key is published', async () => {
  const rotated = await it.issuer.newKey('RS256')
  const token = await it.issuer.sign({ roles: ['reader'] }, {}, rotated)
  await run([
    ['before the issuer publishes it', post({ headers: bearer(token) }), 'UNAUTHENTICATED'],
  ])
  it.issuer.keys.unshift(rotated)
  assert.equal((await over(it.url, { query: customers, headers: bearer(token) })).status, 200)
  assert.equal((await over(it.url, { query: customers, headers: bearer(admin) })).status, 200)
})

const triedMin = aboveDatabase ? 200 : 300
test(`the tests above made at least ${triedMin} attempts`, () => {
  assert.ok(tried >= triedMin, `${tried} attempts`)
})

test('no value of a caller is an internal error, wherever it stands', async () => {
  const [customer] = await it.db.sql<{ id: string }[]>`
    select id from golden where type = 'Customer' and state = 'ACTIVE' order by id limit 1`
  const id = customer?.id ?? ''
  const wrong: string[] = []
  const before = it.logged.length
  let requests = 0
  const attempt = async (place: string, value: unknown, query: string, variables?: object) => {
    // The long run outlives a token.
    if (requests++ % 1_000 === 0) admin = await it.token('admin')
    const { status, text } = await over(it.url, { query, variables, headers: bearer(admin) }).catch(
      (e: Error) => ({ status: 599, text: `${e.message} ${e.cause}` }),
    )
    if (status >= 500 || /"code":"(INTERNAL|INTERNAL_SERVER_ERROR|UNAVAILABLE|TIMEOUT)"/.test(text))
      wrong.push(
        `${place} = ${JSON.stringify(value)?.slice(0, 60)}: ${status} ${text.slice(0, 200)}`,
      )
  }
  // Each second place gets one value by turns: each value stands at many places. All of them
  // everywhere are 30,000 requests.
  const all = process.env.TOUCHSTONE_HOSTILE === 'all'
  const numbers = new Set(['Int', 'Float', 'MinorUnits', 'Position', 'JSON'])
  const literals = ['1e400', '9223372036854775808', '-99999999999999999999', '0']
  for (const [turn, hole] of [...holes(it.schema, id)].entries()) {
    const values = hostileValues(hole.scalar, id)
    for (const [n, v] of values.entries())
      if (all || (isTurn(turn, 2) && n === (turn / 2) % values.length))
        await attempt(hole.place, v, hole.operation('$v'), { v })
    for (const [n, text] of numbers.has(hole.scalar) ? literals.entries() : [])
      if (all || (isTurn(turn, 4) && n === (turn / 4) % literals.length))
        await attempt(hole.place, text, hole.operation(text).replace(/\(\$v: \w+!\) /, ''))
  }
  assert.deepEqual(wrong, [])
  const logged = it.logged.slice(before).filter((line) => JSON.parse(line).level >= 50)
  assert.deepEqual(logged.slice(0, 3), [], 'nothing reaches the database that it cannot take')
  assert.ok(requests > 300, `${requests} requests`)
})

test('no cursor is an internal error, whatever its values are', async () => {
  const values = [
    ...[
      '',
      '0',
      '-1',
      '9'.repeat(18),
      '9'.repeat(19),
      '1e400',
      '1e-400',
      '0x10',
      ' 1',
      'NaN',
      '-0',
    ],
    ...['0000-01-01', '2026-02-30', '9999-99-99', '10000-01-01', '\0', '\ud800', null, 1, {}, []],
    ...['2026-01-01 24:00:00+00', '2026-01-01 00:00:60+00', '2026-02-30 00:00:00+00'],
    ...['0000-01-01 00:00:00+00', '2026-01-01 00:00:00+99:99', 'infinity', 'true', 'x'.repeat(1e4)],
    ...['ffffffff-ffff-ffff-ffff-ffffffffffff', '2026-01-01 00:00:00.000001+15:59:59'],
  ]
  const wrong: string[] = []
  let turn = 0
  for (const field of rootFields(it.schema)) {
    const { name } = field
    const orderBy = field.args.find((a) => a.name === 'orderBy')
    if (!orderBy) continue
    const input = getNamedType(orderBy.type)
    const fields = isInputObjectType(input) ? input.getFields().field : undefined
    const orders = fields && getNamedType(fields.type)
    for (const { name: by } of isEnumType(orders) ? orders.getValues() : []) {
      const list = (after: string) =>
        `{ ${name}(first: 1, orderBy: [{ field: ${by}, direction: ASC }]${after}) { pageInfo { endCursor } } }`
      const first = await over(it.url, { query: list(''), headers: bearer(admin) })
      const cursor = /"endCursor":"([^"]+)"/.exec(first.text)?.[1]
      if (!cursor) continue
      const [signature, ...parts] = JSON.parse(Buffer.from(cursor, 'base64url').toString())
      admin = await it.token('admin')
      for (const value of values)
        for (const at of parts.keys()) {
          if (!isTurn(turn++, 11) && process.env.TOUCHSTONE_HOSTILE !== 'all') continue
          const changed = [signature, ...parts.with(at, value)]
          const after = Buffer.from(JSON.stringify(changed)).toString('base64url')
          const found = await over(it.url, {
            query: list(`, after: "${after}"`),
            headers: bearer(admin),
          })
          if (found.code !== undefined && found.code !== 'BAD_CURSOR')
            wrong.push(`${name} by ${by}, ${JSON.stringify(value)}: ${found.text.slice(0, 200)}`)
        }
    }
  }
  assert.deepEqual(wrong, [])
})

test('no header and no parameter is an internal error', async () => {
  const values = [
    ...[
      '9223372036854775808',
      '-1',
      '1e400',
      '0x10',
      '%00',
      '\x9b2J',
      '\xff',
      "'",
      '\\',
      '{',
      '\t',
    ],
    ...[
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
      'AQAA',
      'x'.repeat(6_000),
      '0,0;q=1e9',
      '00-0-0-99',
    ],
  ]
  const names = [
    ...[
      'last-event-id',
      'x-correlation-id',
      'traceparent',
      'tracestate',
      'accept',
      'idempotency-key',
    ],
    ...[
      'x-touchstone-actor',
      'x-touchstone-roles',
      'apollographql-client-name',
      'origin',
      'cookie',
    ],
    ...[
      'accept-encoding',
      'accept-language',
      'if-none-match',
      'range',
      'x-graphql-event-stream-token',
    ],
  ]
  const wrong: string[] = []
  const judge = (what: string, { status, text }: AttackResult) => {
    if (status >= 500 || /"code":"(INTERNAL|INTERNAL_SERVER_ERROR|UNAVAILABLE|TIMEOUT)"/.test(text))
      wrong.push(`${what}: ${status} ${text.slice(0, 200)}`)
  }
  const before = it.logged.length
  for (const name of names)
    for (const value of values) {
      const headers = { ...bearer(admin), [name]: value }
      judge(`${name}: ${value}`, await over(it.url, { query: customers, headers }))
      if (name !== 'last-event-id') continue
      const stream = { ...headers, accept: 'text/event-stream' }
      judge(`stream ${value}`, await over(it.url, { query: '{ __typename }', headers: stream }))
    }
  for (const value of [...values, '[]', '1', 'null', '{"v":9223372036854775808}', '"\\u0000"'])
    for (const name of [
      'variables',
      'extensions',
      'operationName',
      'query',
      'id',
      'documentId',
      'x',
    ])
      judge(
        `?${name}=${value}`,
        await over(it.url, {
          method: 'GET',
          search: `?query=${encodeURIComponent(customers)}&${name}=${encodeURIComponent(value)}`,
          headers: bearer(admin),
        }),
      )
  assert.deepEqual(wrong, [])
  const logged = it.logged.slice(before).filter((line) => JSON.parse(line).level >= 50)
  assert.deepEqual(logged.slice(0, 3), [])
})
