import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { execute, parse } from 'graphql'
import type { Gateway } from '../../gateway/gateway.ts'
import { createAuditCheck } from '../../mdm/audit/checkAudit.ts'
import { unbound } from '../../subgraphs/shared/context.ts'
import { createStewardshipSubgraph } from '../../subgraphs/stewardship/subgraph.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { directPipeline } from '../fixtures/store.ts'
import { type GraphQLResponse, graph, ingestRecords, key } from './world.ts'

let db: TestDatabase
let gateway: Gateway
const lupo = key('crm', 'Customer', 'C1')

before(async () => {
  db = await testDatabase()
  const fields = {
    name: 'Casa Lupo S.r.l.',
    accountOwner: 'Ida',
    emails: ['info@casalupo.example'],
  }
  await ingestRecords(db.sql, [{ source: 'crm', type: 'Customer', id: 'C1', version: 1, fields }])
  gateway = await graph(db.sql)
})
after(async () => {
  await gateway?.close(0)
  await db?.drop()
})

async function ask(
  text: string,
  variables: object = {},
  actor = 'ada',
  roles = 'steward',
): Promise<GraphQLResponse['data']> {
  const res = await fetch(gateway.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-touchstone-actor': actor,
      'x-touchstone-roles': roles,
    },
    body: JSON.stringify({ query: text, variables }),
  })
  const { data, errors } = (await res.json()) as GraphQLResponse
  if (errors) throw new Error(JSON.stringify(errors, null, 1))
  return data
}

const PROPOSE = `mutation ($action: StewardActionInput!, $key: String!, $agent: String) {
  proposeAction(action: $action, reason: "as the contract says", idempotencyKey: $key, agent: $agent) {
    ... on ApprovalNeeded { action { id } } ... on ActionRefused { detail } } }`
const OVERRIDE = `mutation ($input: OverrideInput!, $key: String!) {
  overrideField(input: $input, reason: "100 % sure_", idempotencyKey: $key) {
    ... on ActionDone { action { id effect { op version changes { field before after } } } } } }`
const SEEN = `query ($id: ID!) { stewardAction(id: $id) { agent actor
  seen { goldenId type version currentVersion state values changedSince { field before after } } }
  previewProposal(proposal: $id) { __typename } }`
const recordOf = async (id: string) => {
  const [row] = await db.sql<{ version: number }[]>`select version from golden where id = ${id}`
  return { id, version: row?.version ?? 0 }
}
const set = async (field: string, value: unknown) => ({
  record: await recordOf(lupo),
  field,
  value,
})

test('a proposal shows the agent, what its author saw, and what changed since', async () => {
  const record = await recordOf(lupo)
  const action = { override: await set('accountOwner', 'Bo') }
  const { proposeAction: agent } = await ask(
    PROPOSE,
    { action, key: 'a1', agent: 'tester 1.0' },
    'robo',
    'agent',
  )
  const { proposeAction: person } = await ask(PROPOSE, { action, key: 'a2', agent: null })
  const now = await ask(SEEN, { id: agent.action.id })
  assert.equal(now.stewardAction.agent, 'tester 1.0')
  assert.equal((await ask(SEEN, { id: person.action.id })).stewardAction.agent, null)
  const [seen] = now.stewardAction.seen
  assert.equal(seen.values.accountOwner, 'Ida')
  assert.deepEqual(
    [seen.goldenId, seen.version, seen.currentVersion, seen.state, seen.changedSince],
    [lupo, record.version, record.version, 'ACTIVE', []],
  )
  assert.equal(now.previewProposal.__typename, 'ActionPreview')

  const done = (await ask(OVERRIDE, { input: await set('name', 'Casa Lupo SpA'), key: 'a3' }))
    .overrideField.action
  assert.deepEqual(
    done.effect.map((e: { changes: object[] }) => e.changes),
    [[{ field: 'name', before: 'Casa Lupo S.r.l.', after: 'Casa Lupo SpA' }]],
  )
  const stale = await ask(SEEN, { id: agent.action.id })
  assert.equal(stale.previewProposal.__typename, 'ActionConflict')
  assert.equal(stale.stewardAction.seen[0].values.name, 'Casa Lupo S.r.l.', 'as its author saw it')
  assert.equal(stale.stewardAction.seen[0].currentVersion, record.version + 1)
  assert.deepEqual(stale.stewardAction.seen[0].changedSince, done.effect[0].changes)
})

test('what changed is hidden from a caller who may not see the field', async () => {
  const action = { override: await set('emails', ['new@casalupo.example']) }
  const { proposeAction } = await ask(PROPOSE, { action, key: 'h1', agent: null })
  const { overrideField } = await ask(OVERRIDE, {
    input: await set('emails', ['other@casalupo.example']),
    key: 'h2',
  })
  const subgraph = createStewardshipSubgraph(directPipeline(db.sql), unbound(db.sql))
  const shown = async (scopes: string[]) => {
    const { data, errors } = await execute({
      schema: subgraph.schema,
      document: parse(`query ($id: ID!, $done: ID!) {
        proposed: stewardAction(id: $id) { seen { values changedSince { field before } } }
        done: stewardAction(id: $done) { effect { changes { field after } } } }`),
      variableValues: { id: proposeAction.action.id, done: overrideField.action.id },
      contextValue: subgraph.context({ correlationId: 'c', scopes: new Set(scopes) }),
    })
    assert.equal(errors, undefined)
    return JSON.stringify(data)
  }
  assert.doesNotMatch(await shown([]), /@casalupo|"emails"/)
  assert.match(await shown(['pii:read']), /info@casalupo.*"emails".*other@casalupo/)
})

test('actions are found by type, moment and a part of the reason, in which no character is a wildcard', async () => {
  const find = async (filter: object) =>
    (
      await ask(
        'query ($filter: StewardActionFilter) { stewardActions(filter: $filter) { totalCount } }',
        { filter },
      )
    ).stewardActions.totalCount
  const [all] = await db.sql<{ n: number; first: Date }[]>`
    select count(*)::int as n, min(proposed_at) as first from action`
  assert.ok(all && all.n > 3)
  assert.equal(await find({ types: ['Customer'] }), all.n)
  assert.equal(await find({ types: ['Product'] }), 0)
  assert.equal(await find({ reason: 'CONTRACT' }), 3)
  assert.equal(await find({ reason: '0 % s' }), 2)
  assert.equal(await find({ reason: 'a%' }), 0)
  assert.equal(await find({ since: all.first.toISOString() }), all.n)
  assert.equal(await find({ until: all.first.toISOString() }), 0)
})

test('the audit log is verified: intact, altered, and unfinished when the time is over', async () => {
  const CHECK = '{ auditCheck { result entries last detail } }'
  const [rows] = await db.sql<{ n: number }[]>`select count(*)::int as n from audit`
  const { auditCheck } = await ask(CHECK, {}, 'bert', 'approver')
  assert.deepEqual(auditCheck, { result: 'INTACT', entries: rows?.n, last: rows?.n, detail: null })
  assert.equal((await createAuditCheck(db.sql, 0)()).result, 'UNFINISHED')
  await db.sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`update audit set body = (body::jsonb || '{"reason": "another"}')::json where id = 2`
  })
  const { auditCheck: altered } = await ask(CHECK, {}, 'bert', 'approver')
  assert.deepEqual([altered.result, altered.entries], ['BROKEN', 1])
  assert.match(altered.detail, /^entry 2: /)
})
