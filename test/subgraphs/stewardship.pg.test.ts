import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import type { Gateway } from '../../gateway/gateway.ts'
import { verifyAudit } from '../../mdm/audit/verifyAudit.ts'
import { createEngine } from '../../mdm/match/engine.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { policy } from '../fixtures/store.ts'
import { type GraphQLResponse, graph, ingestRecords, key, type WorldRecord } from './world.ts'

let db: TestDatabase
let gateway: Gateway

const lupo = key('crm', 'Customer', 'C1')
const payer = key('billing', 'Customer', 'B1')
const fen = key('erp', 'Customer', 'E1')
const customer = (source: string, id: string, fields: object, version = 1): WorldRecord => ({
  source,
  type: 'Customer',
  id,
  version,
  fields: { ...fields },
})

before(async () => {
  db = await testDatabase()
  await ingestRecords(db.sql, [
    customer('crm', 'C1', {
      name: 'Casa Lupo S.r.l.',
      lifecycle: 'CUSTOMER',
      emails: ['info@casalupo.example'],
    }),
    customer('billing', 'B1', {
      name: 'Unknown payer 77',
      currency: 'EUR',
      taxIds: ['IT00743110157'],
    }),
    customer('erp', 'E1', { name: 'Blue Fen Ltd', currency: 'GBP' }),
    {
      source: 'billing',
      type: 'Invoice',
      id: 'N1',
      fields: {
        customer: payer,
        number: 'R-1',
        status: 'open',
        issueDate: '2026-02-01',
        balance: 90_000_00,
        currency: 'EUR',
      },
    },
    {
      source: 'erp',
      type: 'Invoice',
      id: 'N2',
      fields: {
        customer: fen,
        number: 'R-2',
        status: 'open',
        issueDate: '2026-02-01',
        balance: 400_000_00,
        currency: 'EUR',
      },
    },
  ])
  gateway = await graph(db.sql)
})
after(async () => {
  await gateway?.close(0)
  await db?.drop()
})

async function ask(
  text: string,
  variables: object,
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

const RESULT = `__typename
  ... on ActionDone { action { id kind state effect { goldenId op version } } }
  ... on ActionConflict { current { id version state redirect record { id } } }
  ... on ApprovalNeeded { action { id state approval } rules }
  ... on ActionRefused { rule detail inTheWay { id kind } }`
const MERGE = `mutation ($input: MergeInput!, $key: String!) { mergeRecords(input: $input, reason: "the same", idempotencyKey: $key) { ${RESULT} } }`
const UNDO = `mutation ($id: ID!, $key: String!) { undoAction(action: $id, reason: "was wrong", idempotencyKey: $key) { ${RESULT} } }`

/** Returns two customers that are a possible match, whatever the parameters of the model are. */
function alike(word = 'Tamarind'): [object, object] {
  const engine = createEngine(policy.type('Customer'))
  const common = {
    domains: [`${word.toLowerCase()}.example`],
    phones: [word === 'Tamarind' ? '+442079460018' : '+442079460019'],
  }
  const fields = ['domains', 'phones'] as const
  for (const name of [
    `${word} Travel`,
    `${word} Trade`,
    `${word} Holding`,
    `${word}s Trading`,
    word,
  ])
    for (const shared of [[], ['domains'], ['phones'], fields]) {
      const one = { name: `${word} Trading Ltd`, ...common }
      const two = {
        name,
        ...Object.fromEntries(Object.entries(common).filter(([f]) => shared.includes(f as never))),
      }
      const [a, b] = [one, two].map((f, i) =>
        engine.standardise({ key: String(i), source: `s${i}`, fields: f }),
      )
      if (!a || !b || !engine.keys(a).some((k) => engine.keys(b).includes(k))) continue
      const { weight } = engine.compare(a, b)
      if (weight >= engine.linkWeightMin && weight < engine.matchWeightMin) return [one, two]
    }
  throw new Error('no pair of the test is a possible match')
}

async function versionsOf(...ids: string[]) {
  const rows = await db.sql<
    { id: string; version: number }[]
  >`select id, version from golden where id = any(${ids}::uuid[])`
  return ids.map((id) => ({ id, version: rows.find((r) => r.id === id)?.version ?? 0 }))
}
const invoicesOf = async (id: string) =>
  (await ask('query ($id: ID!) { customer(id: $id) { id invoices { nodes { number } } } }', { id }))
    .customer

test('preview, merge, repeated request, stale version and undo: invoices move to the survivor and back', async () => {
  const records = await versionsOf(lupo, payer)
  const { previewAction } = await ask(
    `query ($action: StewardActionInput!) { previewAction(action: $action) { __typename ... on ActionPreview {
      approval records { goldenId op before after changedFields redirect sources } children { type from to count } } } }`,
    { action: { merge: { records, choices: [{ field: 'name', golden: payer }] } } },
  )
  assert.equal(previewAction.__typename, 'ActionPreview')
  assert.deepEqual(previewAction.approval, [])
  assert.deepEqual(previewAction.children, [{ type: 'Invoice', from: payer, to: lupo, count: 1 }])
  const survivor = previewAction.records.find((r: { goldenId: string }) => r.goldenId === lupo)
  assert.equal(survivor.after.name, 'Unknown payer 77')
  assert.deepEqual(survivor.sources.toSorted(), [lupo, payer].sort())
  assert.deepEqual(await versionsOf(lupo, payer), records, 'a preview changes nothing')

  const first = (await ask(MERGE, { input: { records }, key: 'm1' })).mergeRecords
  assert.equal(first.__typename, 'ActionDone', JSON.stringify(first))
  assert.deepEqual(
    (await ask(MERGE, { input: { records }, key: 'm1' })).mergeRecords,
    first,
    'the repeated request returns the same and runs once',
  )
  assert.deepEqual(await invoicesOf(payer), { id: lupo, invoices: { nodes: [{ number: 'R-1' }] } })

  const stale = (await ask(MERGE, { input: { records }, key: 'm2' })).mergeRecords
  assert.equal(stale.__typename, 'ActionConflict')
  assert.deepEqual(
    stale.current.map((c: { id: string; state: string; record: object }) => [
      c.id,
      c.state,
      c.record,
    ]),
    [
      [lupo, 'ACTIVE', { id: lupo }],
      [payer, 'MERGED', { id: lupo }],
    ],
  )
  const wrong = async (choice: object) =>
    (
      await ask(MERGE, {
        input: { records: await versionsOf(lupo, fen), choices: [{ field: 'name', ...choice }] },
        key: 'w',
      })
    ).mergeRecords.rule
  assert.deepEqual(
    await Promise.all(
      [
        {},
        { golden: lupo, value: 'x' },
        { golden: lupo, source: lupo },
        { golden: 'x', source: null, value: null },
      ].map(wrong),
    ),
    ['BAD_CHOICE', 'BAD_CHOICE', 'BAD_CHOICE', 'NOT_A_MEMBER'],
  )
  const reused = (await ask(MERGE, { input: { records: await versionsOf(lupo, fen) }, key: 'm1' }))
    .mergeRecords
  assert.equal(reused.rule, 'IDEMPOTENCY_KEY_REUSED')

  const undone = (await ask(UNDO, { id: first.action.id, key: 'u1' })).undoAction
  assert.equal(undone.__typename, 'ActionDone')
  assert.deepEqual(await invoicesOf(payer), { id: payer, invoices: { nodes: [{ number: 'R-1' }] } })
  assert.deepEqual(await invoicesOf(lupo), { id: lupo, invoices: { nodes: [] } })
  const again = (await ask(UNDO, { id: undone.action.id, key: 'u2' })).undoAction
  assert.equal(again.rule, 'UNDO_OF_AN_UNDO')
})

test('a high value needs a second person with the role, other than the author', async () => {
  const records = await versionsOf(lupo, fen)
  const pending = (await ask(MERGE, { input: { records }, key: 'big' })).mergeRecords
  assert.deepEqual(
    [pending.__typename, pending.rules, pending.action.state],
    ['ApprovalNeeded', ['MERGE_VALUE'], 'PROPOSED'],
  )
  assert.deepEqual(await versionsOf(lupo, fen), records, 'nothing has run yet')
  const waiting = (
    await ask(
      '{ tasks(filter: { kinds: [APPROVAL] }) { nodes { kind stake action { id actor } records { id } } } }',
      {},
    )
  ).tasks.nodes
  assert.equal(waiting.length, 1)
  assert.equal(waiting[0].action.id, pending.action.id)
  assert.equal(waiting[0].stake, 400_000)

  const APPROVE = `mutation ($id: ID!) { approveAction(action: $id, reason: "looks right") { ${RESULT} } }`
  const own = (await ask(APPROVE, { id: pending.action.id }, 'ada', 'steward,approver'))
    .approveAction
  assert.equal(own.rule, 'OWN_PROPOSAL')
  const other = (await ask(APPROVE, { id: pending.action.id }, 'bert', 'steward')).approveAction
  assert.equal(other.rule, 'MISSING_ROLE')
  const done = (await ask(APPROVE, { id: pending.action.id }, 'bert', 'approver')).approveAction
  assert.equal(done.__typename, 'ActionDone', JSON.stringify(done))
  assert.equal(
    (await ask('{ taskCounts(filter: { kinds: [APPROVAL] }) { total } }', {})).taskCounts.total,
    0,
  )
  const twice = (await ask(APPROVE, { id: pending.action.id }, 'cleo', 'approver')).approveAction
  assert.equal(twice.rule, 'NOT_PROPOSED')

  const { stewardAction } = await ask(
    'query ($id: ID!) { stewardAction(id: $id) { state actor decidedBy approval stake } }',
    { id: pending.action.id },
  )
  assert.deepEqual(stewardAction, {
    state: 'DONE',
    actor: 'ada',
    decidedBy: 'bert',
    approval: ['MERGE_VALUE'],
    stake: 400_000,
  })
  const undone = (await ask(UNDO, { id: pending.action.id, key: 'ub' })).undoAction
  assert.equal(undone.__typename, 'ActionDone', 'undoing it needs no second person')
})

test('a proposal of an agent waits for a second person, whatever the rules say, and the audit log names the agent', async () => {
  const PROPOSE = `mutation ($action: StewardActionInput!, $key: String!, $agent: String) {
    proposeAction(action: $action, reason: "the same", idempotencyKey: $key, agent: $agent) { ${RESULT} } }`
  const APPROVE = `mutation ($id: ID!) { approveAction(action: $id, reason: "looks right") { ${RESULT} } }`
  const [record] = await versionsOf(lupo)
  const set = (value: string) => ({ override: { record, field: 'accountOwner', value } })
  const propose = async (key: string, agent: string | null, roles: string, value = 'Ida') =>
    (await ask(PROPOSE, { action: set(value), key, agent }, 'robo', roles)).proposeAction

  const bad = await propose('p0', 'a\u202eb', 'agent')
  assert.deepEqual([bad.__typename, bad.rule], ['ActionRefused', 'BAD_VALUE'])
  assert.equal((await propose('p1', 'tester', 'approver')).rule, 'MISSING_ROLE')
  const direct = `mutation ($input: OverrideInput!) { overrideField(input: $input, reason: "now", idempotencyKey: "p2") { ${RESULT} } }`
  assert.equal(
    (await ask(direct, { input: set('Ida').override }, 'robo', 'agent')).overrideField.rule,
    'MISSING_ROLE',
    'the duty PROPOSE carries out nothing',
  )
  const proposed = await propose('p3', 'tester 1.0', 'agent')
  assert.deepEqual([proposed.__typename, proposed.rules], ['ApprovalNeeded', ['AGENT']])
  assert.deepEqual(await versionsOf(lupo), [record], 'nothing has run yet')
  const [entry] = await db.sql<{ body: { agent: string; actor: string } }[]>`
    select body from audit where body->>'action' = ${proposed.action.id}`
  assert.deepEqual([entry?.body.agent, entry?.body.actor], ['tester 1.0', 'robo'])
  const [task] = (await ask('{ tasks(filter: { kinds: [APPROVAL] }) { nodes { reason } } }', {}))
    .tasks.nodes
  assert.equal(task.reason, 'robo, by the agent tester 1.0, wants OVERRIDE: the same')
  const own = (await ask(APPROVE, { id: proposed.action.id }, 'robo', 'approver')).approveAction
  assert.equal(own.rule, 'OWN_PROPOSAL')
  const done = (await ask(APPROVE, { id: proposed.action.id }, 'bert', 'approver')).approveAction
  assert.equal(done.__typename, 'ActionDone')
  const undone = (await ask(UNDO, { id: proposed.action.id, key: 'p4' })).undoAction
  assert.equal(undone.__typename, 'ActionDone')
})

test('a marked field can be proposed, declined and withdrawn, and the audit log has every step', async () => {
  const OVERRIDE = `mutation ($input: OverrideInput!, $key: String!) { overrideField(input: $input, reason: "as registered", idempotencyKey: $key) { ${RESULT} } }`
  const [record] = await versionsOf(lupo)
  const value = ['IT00743110157']
  const input = { record, field: 'taxIds', value }
  const one = (await ask(OVERRIDE, { input, key: 'o1' })).overrideField
  assert.deepEqual([one.__typename, one.rules], ['ApprovalNeeded', ['FIELD']])
  const declined = (
    await ask(
      `mutation ($id: ID!) { declineAction(action: $id, reason: "no proof") { ${RESULT} } }`,
      { id: one.action.id },
      'bert',
      'approver',
    )
  ).declineAction
  assert.equal(declined.action.state, 'DECLINED')
  const two = (await ask(OVERRIDE, { input, key: 'o2' })).overrideField
  const WITHDRAW = `mutation ($id: ID!) { withdrawAction(action: $id, reason: "never mind") { ${RESULT} } }`
  assert.equal(
    (await ask(WITHDRAW, { id: two.action.id }, 'bert')).withdrawAction.rule,
    'NOT_THE_AUTHOR',
  )
  assert.equal(
    (await ask(WITHDRAW, { id: two.action.id })).withdrawAction.action.state,
    'WITHDRAWN',
  )
  const events = (
    await ask('query ($id: ID!) { auditLog(filter: { action: $id }) { nodes { event actor } } }', {
      id: two.action.id,
    })
  ).auditLog.nodes
  assert.deepEqual(events, [
    { event: 'WITHDRAWN', actor: 'ada' },
    { event: 'PROPOSE', actor: 'ada' },
  ])
  const bad = (await ask(OVERRIDE, { input: { ...input, value: ['none'] }, key: 'o3' }))
    .overrideField
  assert.equal(bad.rule, 'BAD_VALUE')
  const nobody = (await ask(OVERRIDE, { input, key: 'o4' }, 'carl', '')).overrideField
  assert.equal(nobody.rule, 'MISSING_ROLE')
})

test('a bulk action has one preview that the approver sees too, then runs whole; both reject it for one bad item', async () => {
  const [one, two] = await versionsOf(lupo, fen)
  const set = (record: object | undefined, value: string) => ({
    override: { record, field: 'accountOwner', value },
  })
  const SEEN =
    '__typename ... on ActionPreview { approval records { goldenId changedFields } } ... on ActionRefused { rule } ... on ActionConflict { current { id } }'
  const PREVIEW = `query ($items: [StewardActionInput!]!) { previewBulkAction(items: $items) { ${SEEN} } }`
  const BULK = `mutation ($items: [StewardActionInput!]!, $key: String!) { bulkAction(items: $items, reason: "moved", idempotencyKey: $key) { ${RESULT} } }`
  const items = [set(one, 'Ida'), set(two, 'Ida')]
  const seen = (await ask(PREVIEW, { items })).previewBulkAction
  const changes = [lupo, fen]
    .sort()
    .map((goldenId) => ({ goldenId, changedFields: ['accountOwner'] }))
  const sorted = (p: typeof seen) =>
    p.records.toSorted((a: { goldenId: string }, b: { goldenId: string }) =>
      a.goldenId < b.goldenId ? -1 : 1,
    )
  assert.deepEqual(
    [seen.__typename, seen.approval, sorted(seen)],
    ['ActionPreview', ['BULK'], changes],
  )
  for (const [bad, rule] of [
    [[set(one, 'Ida'), set(one, 'Ola')], 'OVERLAPPING_ITEMS'],
    [[set(one, '')], 'BAD_VALUE'],
    [[{ undo: lupo }], 'NOT_ONE_ACTION'],
    [[], 'TOO_FEW_IDS'],
  ] as const) {
    assert.equal((await ask(PREVIEW, { items: bad })).previewBulkAction.rule, rule)
    assert.equal((await ask(BULK, { items: bad, key: rule })).bulkAction.rule, rule)
  }

  const pending = (await ask(BULK, { items, key: 'bulk' })).bulkAction
  assert.deepEqual([pending.__typename, pending.rules], ['ApprovalNeeded', ['BULK']])
  const PROPOSAL = `query ($id: ID!) { previewProposal(proposal: $id) { ${SEEN} } }`
  const id = pending.action.id
  const proposed = (await ask(PROPOSAL, { id }, 'bert', 'approver')).previewProposal
  assert.deepEqual(sorted(proposed), changes)
  assert.deepEqual(await versionsOf(lupo, fen), [one, two], 'nothing has run yet')
  const APPROVE = `mutation ($id: ID!) { approveAction(action: $id, reason: "yes") { ${RESULT} } }`
  assert.equal(
    (await ask(APPROVE, { id }, 'bert', 'approver')).approveAction.__typename,
    'ActionDone',
  )
  assert.equal(
    (await ask(PROPOSAL, { id }, 'bert', 'approver')).previewProposal.rule,
    'NOT_PROPOSED',
  )
  assert.equal((await ask(PROPOSAL, { id: 'x' })).previewProposal.rule, 'UNKNOWN_ACTION')
  for (const customer of [lupo, fen])
    assert.equal(
      (await ask('query ($id: ID!) { customer(id: $id) { accountOwner } }', { id: customer }))
        .customer.accountOwner,
      'Ida',
    )
})

test('a possible match is a task that closes with its reason and reopens with it; stewards claim it and comment', async () => {
  const a = key('crm', 'Customer', 'T1')
  const b = key('success', 'Customer', 'T2')
  const [one, two] = alike()
  await ingestRecords(db.sql, [customer('crm', 'T1', one), customer('success', 'T2', two)])
  const TASKS =
    'query ($id: ID!) { tasks(filter: { about: $id }) { nodes { id kind about records { id } assignee reason } } }'
  const [task] = (await ask(TASKS, { id: a })).tasks.nodes
  assert.ok(task, 'the two are a possible match')
  assert.deepEqual(task.about.toSorted(), [a, b].sort())
  const CLAIM =
    'mutation ($ids: [ID!]!) { claimTasks(ids: $ids) { __typename ... on TaskDone { task { assignee } } ... on TaskRefused { rule } } }'
  assert.deepEqual((await ask(CLAIM, { ids: [task.id] })).claimTasks, [
    { __typename: 'TaskDone', task: { assignee: 'ada' } },
  ])
  assert.deepEqual((await ask(CLAIM, { ids: [task.id] }, 'bert')).claimTasks, [
    { __typename: 'TaskRefused', rule: 'TASK_TAKEN' },
  ])
  const comment = await ask(
    'mutation ($id: ID!) { commentTask(id: $id, body: "asked sales") { ... on TaskDone { task { comments { nodes { actor body } } } } } }',
    { id: task.id },
  )
  assert.deepEqual(comment.commentTask.task.comments.nodes, [{ actor: 'ada', body: 'asked sales' }])

  const merged = (await ask(MERGE, { input: { records: await versionsOf(a, b) }, key: 't1' }))
    .mergeRecords
  assert.equal(merged.__typename, 'ActionDone')
  assert.deepEqual((await ask(TASKS, { id: a })).tasks.nodes, [], 'its reason no longer holds')
  await ask(UNDO, { id: merged.action.id, key: 't2' })
  assert.deepEqual(
    (await ask(TASKS, { id: a })).tasks.nodes,
    [{ ...task, assignee: 'ada' }],
    'the same task is open again',
  )
  const no = await ask(
    `mutation ($input: NotAMatchInput!) { notAMatch(input: $input, reason: "two firms", idempotencyKey: "t3") { ${RESULT} } }`,
    { input: { records: await versionsOf(a, b) } },
  )
  assert.equal(no.notAMatch.__typename, 'ActionDone')
  assert.deepEqual((await ask(TASKS, { id: a })).tasks.nodes, [], 'settled')

  // That decision left the versions as they are: others learn of it by the task that they name.
  const seen = { records: await versionsOf(a, b), task: task.id }
  const late = await ask(
    `mutation ($input: NotAMatchInput!, $merge: MergeInput!) {
      apart: notAMatch(input: $input, reason: "two", idempotencyKey: "t4") { ${RESULT} }
      one: mergeRecords(input: $merge, reason: "one", idempotencyKey: "t5") { ${RESULT} }
      none: mergeRecords(input: { records: [], task: "x" }, reason: "one", idempotencyKey: "t6") { ${RESULT} } }`,
    { input: seen, merge: seen },
    'bert',
  )
  assert.deepEqual(
    [late.apart.rule, late.one.rule, late.none.rule],
    ['TASK_CLOSED', 'TASK_CLOSED', 'UNKNOWN_TASK'],
  )
})

test('rejects text that the database cannot store on write, and finds nothing for it on read', async () => {
  const bad = '\0'
  const half = 'a\ud800'
  for (const text of [bad, half]) {
    const { tasks, taskCounts, stewardActions, auditLog, matchModels, sensitiveAccess } = await ask(
      `query ($t: String!) { tasks(filter: { assignee: $t, types: [$t] }) { nodes { id } } taskCounts(filter: { assignee: $t }) { total }
        stewardActions(filter: { actor: $t, kinds: [$t] }) { nodes { id } } auditLog(filter: { actor: $t, event: $t }) { nodes { id } }
        matchModels(type: $t) { nodes { version } } sensitiveAccess(filter: { actor: $t, fields: [$t] }) { nodes { at } } }`,
      { t: text },
      'bert',
      'steward,approver',
    )
    const found = [
      tasks.nodes,
      stewardActions.nodes,
      auditLog.nodes,
      matchModels.nodes,
      sensitiveAccess.nodes,
      taskCounts.total,
    ]
    assert.deepEqual(found, [[], [], [], [], [], 0])
    const { tasks: some } = await ask(
      '{ tasks(first: 1, filter: { state: CLOSED }) { nodes { id } } }',
      {},
    )
    const COMMENT =
      'mutation ($id: ID!, $t: String!) { commentTask(id: $id, body: $t) { ... on TaskRefused { rule } } }'
    assert.equal(
      (await ask(COMMENT, { id: some.nodes[0].id, t: text })).commentTask.rule,
      'BAD_TEXT',
    )
  }
  const TEXTS = `mutation ($ids: [ID!]!, $id: ID!, $to: String!, $body: String!) {
    assignTasks(ids: $ids, to: $to) { ... on TaskRefused { rule } }
    commentTask(id: $id, body: $body) { ... on TaskRefused { rule } } }`
  for (const hidden of ['\u202e', '\u200b', '\x9b', '\n']) {
    const texts = {
      ids: [lupo],
      id: lupo,
      to: `ada${hidden}x`,
      body: ` ${hidden.replace('\x9b', '')}`,
    }
    const { assignTasks, commentTask } = await ask(TEXTS, texts)
    assert.deepEqual([assignTasks[0], commentTask], Array(2).fill({ rule: 'BAD_TEXT' }), hidden)
  }
  const CLAIM = 'mutation ($ids: [ID!]!) { claimTasks(ids: $ids) { ... on TaskRefused { rule } } }'
  const { claimTasks } = await ask(CLAIM, { ids: Array(501).fill(lupo) })
  assert.deepEqual(claimTasks[0], { rule: 'TOO_MANY_IDS' })
})

test('every kind of work on tasks leaves a row in the audit log, and the log is complete', async () => {
  const due = '2030-01-01T00:00:00.000Z'
  const [one, two] = [key('crm', 'Customer', 'U1'), key('success', 'Customer', 'U2')]
  const [a, b] = alike('Cardamom')
  await ingestRecords(db.sql, [customer('crm', 'U1', a), customer('success', 'U2', b)])
  const { tasks: open } = await ask(
    'query ($id: ID!) { tasks(filter: { about: $id }) { nodes { id about } } }',
    {
      id: one,
    },
  )
  const ids = [open.nodes[0].id]
  assert.deepEqual(open.nodes[0].about.toSorted(), [one, two].sort())
  const DONE =
    '{ __typename ... on TaskDone { task { assignee dueAt deferredUntil } } ... on TaskRefused { rule } }'
  const work = await ask(
    `mutation ($ids: [ID!]!, $id: ID!, $due: DateTime!) { claim: claimTasks(ids: $ids) ${DONE} release: releaseTasks(ids: $ids) ${DONE}
      assign: assignTasks(ids: $ids, to: "cleo") ${DONE} taken: claimTasks(ids: $ids) ${DONE} notYours: releaseTasks(ids: $ids) ${DONE}
      due: setTasksDue(ids: $ids, at: $due) ${DONE} defer: deferTasks(ids: $ids, until: $due) ${DONE}
      comment: commentTask(id: $id, body: "asked") ${DONE} }`,
    { ids, id: ids[0], due },
  )
  const all = [
    work.claim,
    work.release,
    work.assign,
    work.taken,
    work.notYours,
    work.due,
    work.defer,
    [work.comment],
  ].map(([o]) => o.rule ?? o.task)
  const task = (
    assignee: string | null,
    dueAt = all[0].dueAt,
    deferredUntil: string | null = null,
  ) => ({
    assignee,
    dueAt,
    deferredUntil,
  })
  assert.deepEqual(all, [
    task('ada'),
    task(null),
    task('cleo'),
    'TASK_TAKEN',
    'NOT_YOURS',
    task('cleo', due),
    task('cleo', due, due),
    task('cleo', due, due),
  ])
  const { auditLog } = await ask('{ auditLog(first: 6) { nodes { event body } } }', {})
  assert.deepEqual(
    auditLog.nodes.map((e: { event: string; body: { due?: string } }) => [e.event, e.body.due]),
    [
      ['COMMENT', undefined],
      ['DEFER', undefined],
      ['SET_DUE', due],
      ['ASSIGN', undefined],
      ['RELEASE', undefined],
      ['CLAIM', undefined],
    ],
  )
  assert.equal((await verifyAudit(db.sql)).broken, null)
})

test('a subscription receives a task when it changes and when it closes', async () => {
  const client = createClient({
    url: gateway.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  })
  try {
    const [a, b] = [key('crm', 'Customer', 'S1'), key('success', 'Customer', 'S2')]
    const [one, two] = alike('Saffron')
    await ingestRecords(db.sql, [customer('crm', 'S1', one), customer('success', 'S2', two)])
    const { tasks } = await ask(
      'query ($id: ID!) { tasks(filter: { about: $id }) { nodes { id } } }',
      { id: a },
    )
    const id = tasks.nodes[0].id
    const pushed = client.iterate<{
      taskChanged: { id: string; open: boolean; comments: { nodes: object[] } }
    }>({
      query:
        'subscription { taskChanged(types: ["Customer"]) { id open comments { nodes { body } } } }',
    })
    const seen = (async () => {
      const found: unknown[] = []
      for await (const { data } of pushed) {
        if (!data || data.taskChanged.id !== id) continue
        found.push([data.taskChanged.open, data.taskChanged.comments.nodes.length])
        if (!data.taskChanged.open) return found
      }
      return found
    })()
    // Comments before the subscription starts may be missed, so there are several; the close is
    // always seen.
    const COMMENT = 'mutation ($id: ID!) { commentTask(id: $id, body: "hello") { __typename } }'
    let ended = false
    const writing = (async () => {
      for (let i = 0; i < 20 && !ended; i++) {
        await ask(COMMENT, { id })
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      const no = await ask(
        `mutation ($input: NotAMatchInput!) { notAMatch(input: $input, reason: "two", idempotencyKey: "s1") { ${RESULT} } }`,
        { input: { records: await versionsOf(a, b) } },
      )
      assert.equal(no.notAMatch.__typename, 'ActionDone')
    })()
    const found = (await seen) as [boolean, number][]
    ended = true
    await writing
    assert.ok(found.length > 1 && found[0]?.[0] === true, 'seen while open')
    assert.equal(found.at(-1)?.[0], false, 'seen when it closed')
  } finally {
    await client.dispose()
  }
})

test('data quality reports the records, the assertions of stewards, and differences between a system and the golden record', async () => {
  await ingestRecords(db.sql, [
    customer('erp', 'Q1', {
      name: 'Quince & Sons',
      taxIds: ['DE136695976'],
      phones: ['+493098765432'],
      currency: 'EUR',
    }),
    customer('billing', 'Q2', {
      name: 'Quince & Sons',
      taxIds: ['DE136695976'],
      phones: ['+493098765432'],
      currency: 'USD',
    }),
  ])
  const id = key('erp', 'Customer', 'Q1')
  const QUALITY = `{ dataQuality(type: "Customer") { golden records matchRate uniqueness overrideRate fields { field completeness overrides }
    systems { system records validity drift { field held completeness differs } } } queueAges { kind open ageSecondsMax } unknown: dataQuality(type: "Nothing") { golden } }`
  const before = await ask(QUALITY, {})
  const drift = (q: typeof before, system: string) =>
    q.dataQuality.systems
      .find((s: { system: string }) => s.system === system)
      .drift.find((d: { field: string }) => d.field === 'currency')
  assert.equal(before.unknown, null)
  assert.ok(before.dataQuality.matchRate > 0 && before.dataQuality.golden > 0)
  const erp = before.dataQuality.systems.find((s: { system: string }) => s.system === 'erp')
  assert.equal(drift(before, 'erp').completeness, drift(before, 'erp').held / erp.records)
  const legalName = before.dataQuality.fields.find(
    (f: { field: string }) => f.field === 'legalName',
  )
  assert.equal(legalName.completeness, 0, 'includes a field that no record has')
  assert.equal(
    drift(before, 'erp').differs,
    1,
    'billing owns the currency, so the one of erp differs',
  )
  await ask(
    `mutation ($input: OverrideInput!) { overrideField(input: $input, reason: "asked", idempotencyKey: "q1") { ${RESULT} } }`,
    { input: { record: (await versionsOf(id))[0], field: 'currency', value: 'EUR' } },
  )
  const after = await ask(QUALITY, {})
  assert.equal(drift(after, 'erp').differs, 0)
  assert.equal(drift(after, 'billing').differs, drift(before, 'billing').differs + 1)
  assert.ok(after.dataQuality.overrideRate > before.dataQuality.overrideRate)
  assert.equal(
    after.dataQuality.fields.find((f: { field: string }) => f.field === 'currency').overrides,
    1,
  )
})
