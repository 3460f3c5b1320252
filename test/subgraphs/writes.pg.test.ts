import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { JudgedTarget } from '../../connectors/writeTarget.ts'
import { verifyAudit } from '../../mdm/audit/verifyAudit.ts'
import { type PlannerContext, planDue } from '../../mdm/writeback/planDue.ts'
import { registerTargets, scanTargets } from '../../mdm/writeback/registerTargets.ts'
import type { Target } from '../../mdm/writeback/target.ts'
import { type Installation, startInstallation } from '../access/installation.ts'
import { policy, systems } from '../fixtures/store.ts'
import { directMapping, directTarget } from '../mdm/writeback/directTarget.ts'
import { type GraphQLResponse, key } from './world.ts'

let it: Installation
/** What config/sources.yaml would have in `write:`. */
const judged = new Map<string, JudgedTarget>()
const tokens = new Map<string, string>()
before(async () => {
  it = await startInstallation({
    rights: { legalEntities: true },
    targets: judged,
    records: [
      {
        source: 'billing',
        type: 'Contact',
        id: 'P9',
        fields: {
          name: 'A. Weber',
          emails: ['anna@nordwind.example'],
          customer: key('billing', 'Customer', 'B1'),
        },
      },
    ],
  })
  for (const role of ['reader', 'steward', 'integrator', 'approver', 'blind'])
    tokens.set(role, await it.bound({ legal_entities: ['*'] }, role))
  tokens.set('bound', await it.bound({ legal_entities: ['DE01'] }, 'integrator'))
})
beforeEach(async () => {
  judged.clear()
  await it.db.sql`truncate write_due, write_intent, write_target, write_request, task cascade`
})
after(async () => await it?.close())

/** Writes the name of contacts, which is sensitive, and that of customers, which is not. */
const billing = (more: Partial<Target> = {}): Target =>
  directTarget('billing', 'BILLING', {
    mapping: directMapping('billing', { customer: 'Customer' }),
    ...more,
  })

async function plan(target = billing()): Promise<void> {
  const targets = new Map([[target.source, target]])
  const context: PlannerContext = {
    ...{ sql: it.db.sql, policy, targets },
    systems: new Map(systems.map((s) => [s.name, s])),
  }
  await registerTargets(it.db.sql, targets)
  for (;;) {
    const more = (await planDue(context)) || (await scanTargets(it.db.sql, targets))
    // A transaction of another process may have begun before the targets were stored.
    const [open] = await it.db.sql`select 1 from write_target where scanned_at is null`
    if (!more && !open) return
  }
}

async function tryToAsk(text: string, role: string, variables = {}): Promise<GraphQLResponse> {
  const res = await fetch(it.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${tokens.get(role)}`,
    },
    body: JSON.stringify({ query: text, variables }),
  })
  return (await res.json()) as GraphQLResponse
}

async function ask(text: string, role = 'integrator', variables = {}) {
  const { data, errors } = await tryToAsk(text, role, variables)
  assert.equal(errors, undefined, JSON.stringify(errors))
  return data
}

const LIST = `query ($filter: WriteIntentFilter, $first: Int, $after: String) {
  writeIntents(filter: $filter, first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor }
    nodes { id source object recordId type goldenId operation state goldenVersion changes { field before after paths }
      refused { field code detail } position correlationId policyVersion code detail attempts actor owner plannedAt } } }`
const list = async (filter: object = {}, role = 'steward') =>
  (await ask(LIST, role, { filter })).writeIntents.nodes

const request = (name: string, args: string, idempotencyKey: string = crypto.randomUUID()) =>
  `mutation { it: ${name}(source: "billing", ${args} reason: "a test", idempotencyKey: "${idempotencyKey}") {
    __typename ... on WriteDone { writes unchanged } ... on WriteRefused { rule detail } } }`

const nordwind = key('crm', 'Customer', 'C1')
const anna = key('crm', 'Contact', 'P1')

describe('the list of writes', () => {
  test('shows what is planned, with its cause, and pages from the latest on', async () => {
    await plan()
    const all = await list()
    const ids = all.map((w: { id: string }) => Number(w.id))
    assert.ok(all.length >= 3, 'the world has several differences')
    assert.deepEqual(
      ids,
      ids.toSorted((a: number, b: number) => b - a),
    )
    const [name] = await list({ goldenId: nordwind, states: ['PLANNED'] })
    const { id: _, plannedAt, correlationId, ...rest } = name
    assert.ok(Date.parse(plannedAt) > 0 && correlationId.length === 36)
    const [golden] = await it.db
      .sql`select version, position, policy_version from golden where id = ${nordwind}`
    assert.deepEqual(rest, {
      ...{ source: 'billing', object: 'Customer', recordId: 'B1', type: 'Customer' },
      ...{ goldenId: nordwind, operation: 'UPDATE', state: 'PLANNED' },
      goldenVersion: golden?.version,
      changes: rest.changes,
      refused: rest.refused,
      position: golden?.position,
      policyVersion: golden?.policy_version,
      ...{ code: rest.code, detail: rest.detail, attempts: 0, actor: null, owner: 'integration' },
    })
    assert.deepEqual(
      rest.changes.find((c: { field: string }) => c.field === 'name'),
      {
        field: 'name',
        before: 'Nordwind Logistik',
        after: 'Nordwind Logistik GmbH',
        paths: ['name'],
      },
    )
    const [refused] = await list({ goldenId: nordwind, states: ['REFUSED'] })
    assert.deepEqual(
      [refused.code, refused.changes, refused.refused],
      ['NO_INVERSE', [], [{ field: 'kind', code: 'NO_INVERSE', detail: 'it is a constant' }]],
    )
    const first = (await ask(LIST, 'steward', { first: 1 })).writeIntents
    assert.deepEqual([first.totalCount, first.nodes.length], [all.length, 1])
    const after = first.pageInfo.endCursor
    const second = (await ask(LIST, 'steward', { first: 1, after })).writeIntents
    assert.deepEqual([first.nodes[0].id, second.nodes[0].id], [all[0].id, all[1].id])
  })

  test('is filtered by each part', async () => {
    await plan()
    const all = await list()
    const count = async (filter: object) => (await list(filter)).length
    assert.equal(await count({ sources: ['billing'] }), all.length)
    assert.equal(await count({ sources: ['crm'] }), 0)
    assert.equal(await count({ objects: [] }), 0)
    const contacts = all.filter((w: { type: string }) => w.type === 'Contact').length
    assert.equal(await count({ types: ['Contact'] }), contacts)
    assert.equal(await count({ objects: ['Contact'] }), contacts)
    assert.equal(await count({ states: ['DONE'] }), 0)
    assert.equal(await count({ states: ['PLANNED', 'REFUSED'] }), all.length)
    assert.equal(await count({ goldenId: 'x' }), 0)
    assert.equal(await count({ since: '2020-01-01T00:00:00Z' }), all.length)
    assert.equal(await count({ since: '2999-01-01T00:00:00Z' }), 0)
    const refused = await count({ states: ['REFUSED'] })
    assert.equal(await count({ needsPerson: true }), refused)
    assert.equal(await count({ needsPerson: false }), all.length - refused)
  })

  test('is reached from the golden record, from the source system and from an object', async () => {
    await plan()
    await it.db.sql`
      insert into sync_state (source, object) values ('billing', 'Customer') on conflict do nothing`
    const [own] = await list({ goldenId: nordwind, states: ['PLANNED'] })
    const found = await ask(
      `{ customer(id: "${nordwind}") { writeIntents(filter: { states: [PLANNED] }) { totalCount nodes { id state } } }
        writeTargets { totalCount nodes { source pausedUntil failures code owner scanned scannedAt counts { state count }
          writeIntents(first: 1, filter: { types: ["Customer"], states: [PLANNED] }) { totalCount nodes { object } } } }
        connections { nodes { object writeIntents(first: 0) { totalCount } } }
        writeIntent(id: "${own.id}") { id state }
        none: writeIntent(id: "0") { id } }`,
      'steward',
    )
    assert.deepEqual(found.customer.writeIntents, {
      totalCount: 1,
      nodes: [{ id: own.id, state: 'PLANNED' }],
    })
    assert.deepEqual([found.writeIntent, found.none], [{ id: own.id, state: 'PLANNED' }, null])
    const [target] = found.writeTargets.nodes
    const all = await list()
    const planned = all.filter((w: { state: string }) => w.state === 'PLANNED')
    assert.deepEqual(
      [target.source, target.pausedUntil, target.failures, target.code, target.owner],
      ['billing', null, 0, null, 'integration'],
    )
    assert.equal(
      target.counts.find((c: { state: string }) => c.state === 'PLANNED').count,
      planned.length,
    )
    const customers = planned.filter((w: { type: string }) => w.type === 'Customer').length
    assert.deepEqual(target.writeIntents, {
      totalCount: customers,
      nodes: [{ object: 'Customer' }],
    })
    const [object] = found.connections.nodes
    const toCustomers = all.filter((w: { object: string }) => w.object === 'Customer').length
    assert.deepEqual(object, { object: 'Customer', writeIntents: { totalCount: toCustomers } })
  })
})

test('source systems with write: show their mode, and the mistake that holds them', async () => {
  const mistake = 'sources.yaml:9: write.Customer: crm writes no field "size"'
  judged.set('shop', { source: 'shop', mode: 'OFF', target: billing(), held: null })
  judged.set('crm', { source: 'crm', mode: 'ON', target: null, held: mistake })
  const target = billing()
  judged.set('billing', { source: 'billing', mode: 'APPROVE', target, held: null })
  await plan(target)
  await it.db.sql`
    insert into sync_state (source, object) values ('crm', 'Account'), ('erp', 'Partner') on conflict do nothing`
  const names = async (args: string) => {
    const { writeTargets } = await ask(
      `{ writeTargets${args} { totalCount pageInfo { hasNextPage endCursor } nodes { source } } }`,
    )
    return { ...writeTargets, nodes: writeTargets.nodes.map((n: { source: string }) => n.source) }
  }
  const { writeTargets, connections } = await ask(
    `{ writeTargets { nodes { source mode held scanned counts { state } } }
      connections(filter: { objects: ["Account", "Partner"] }) { nodes { object writeTarget { source mode held } } } }`,
    'steward',
  )
  assert.deepEqual(
    writeTargets.nodes.map((n: Record<string, unknown>) => [n.source, n.mode, n.held]),
    [
      ['billing', 'APPROVE', null],
      ['crm', 'ON', mistake],
      ['shop', 'OFF', null],
    ],
  )
  assert.ok(writeTargets.nodes[0].scanned > 0 && writeTargets.nodes[0].counts.length > 0)
  assert.deepEqual([writeTargets.nodes[2].scanned, writeTargets.nodes[2].counts], [0, []])
  assert.deepEqual(connections.nodes, [
    { object: 'Account', writeTarget: { source: 'crm', mode: 'ON', held: mistake } },
    { object: 'Partner', writeTarget: null },
  ])
  assert.deepEqual((await names('(filter: { modes: [ON, OFF] })')).nodes, ['crm', 'shop'])
  assert.deepEqual((await names('(filter: { held: true })')).nodes, ['crm'])
  assert.deepEqual((await names('(filter: { sources: [] })')).nodes, [])
  const first = await names('(first: 2)')
  assert.deepEqual([first.totalCount, first.nodes], [3, ['billing', 'crm']])
  const next = await names(`(first: 2, after: ${JSON.stringify(first.pageInfo.endCursor)})`)
  assert.deepEqual([next.nodes, next.pageInfo.hasNextPage], [['shop'], false])
  assert.match(
    JSON.stringify(await tryToAsk('{ writeTargets { nodes { mode held } } }', 'reader')),
    /source:read/,
  )
  assert.equal((await ask('{ writeTargets { totalCount } }', 'bound')).writeTargets.totalCount, 0)
})

test('what was refused is a task with an owner, which callers with row rights do not see', async () => {
  await plan()
  const text = `{ tasks(filter: { kinds: [WRITE] }) { totalCount nodes { kind type owner reason records { id } } } }`
  const { nodes, totalCount } = (await ask(text, 'steward')).tasks
  assert.equal(totalCount, (await list({ needsPerson: true })).length)
  const own = nodes.find((t: { records: { id: string }[] }) => t.records[0]?.id === nordwind)
  assert.deepEqual([own.kind, own.type, own.owner], ['WRITE', 'Customer', 'integration'])
  assert.match(
    own.reason,
    /^billing: a write to Customer B1 was refused \(write \d+\): NO_INVERSE: /,
  )
  assert.equal((await ask(text, 'bound')).tasks.totalCount, 0)
})

describe('rights', () => {
  test('a reader is refused, also below a golden record', async () => {
    await plan()
    for (const text of [
      '{ writeIntents { nodes { id } } }',
      '{ writeTargets { nodes { source } } }',
      '{ writeIntent(id: "1") { id } }',
      `{ customer(id: "${nordwind}") { writeIntents { totalCount } } }`,
      request('approveWrites', ''),
    ]) {
      const { errors } = await tryToAsk(text, 'reader')
      assert.equal(errors?.[0]?.extensions.code, 'FORBIDDEN', text)
    }
  })

  test('a field that the caller may not see is in no change, code or reason', async () => {
    await plan()
    const [seen] = await list({ goldenId: anna })
    assert.deepEqual(
      seen.changes.find((c: { field: string }) => c.field === 'name'),
      { field: 'name', before: 'A. Weber', after: 'Anna Weber', paths: ['name'] },
    )
    await it.db.sql`
      update write_intent set state = 'REFUSED', code = 'CHANGED_BACK', detail = 'Anna Weber was changed back',
        refused = '[{"field": "name", "code": "CHANGED_BACK", "detail": "Anna Weber was changed back"}]'
      where golden_id = ${anna}`
    const [hidden] = await list({ goldenId: anna }, 'blind')
    assert.equal(
      hidden.changes.find((c: { field: string }) => c.field === 'name'),
      undefined,
    )
    assert.deepEqual(
      [hidden.refused, hidden.code, hidden.detail],
      [[], null, 'not shown without the scope pii:read'],
    )
    assert.doesNotMatch(JSON.stringify(await list({}, 'blind')), /Weber/)
    const [shown] = await list({ goldenId: anna })
    assert.equal(shown.code, 'CHANGED_BACK')
    assert.match(shown.detail, /Anna Weber/)
    const code = 'TOO_MANY_RECORDS'
    await it.db
      .sql`update write_intent set state = 'HELD', code = ${code} where golden_id = ${anna}`
    assert.equal((await list({ goldenId: anna }, 'blind'))[0].code, code, 'no fact about the name')
  })

  test('callers with row rights see no write and control none', async () => {
    await plan()
    const found = await ask(
      `{ writeIntents { totalCount nodes { id } } writeTargets { totalCount }
        customers { nodes { writeIntents { totalCount } } } }`,
      'bound',
    )
    assert.deepEqual(found.writeIntents, { totalCount: 0, nodes: [] })
    assert.equal(found.writeTargets.totalCount, 0)
    for (const c of found.customers.nodes) assert.equal(c.writeIntents.totalCount, 0)
    assert.equal((await ask(request('holdWrites', ''), 'bound')).it.rule, 'MISSING_ROLE')
  })
})

describe('a person', () => {
  const states = async () =>
    (await list()).map((w: { id: string; state: string }) => [w.id, w.state])

  test('approves some writes, and no others', async () => {
    await plan(billing({ mode: 'APPROVE' }))
    const waiting = await list({ states: ['WAITING_APPROVAL'] })
    assert.ok(waiting.length >= 2)
    const [{ id }] = waiting
    const approve = request('approveWrites', `ids: ["${id}", "999999"],`, 'a1')
    const done = { __typename: 'WriteDone', writes: 1, unchanged: ['999999'] }
    assert.deepEqual((await ask(approve)).it, done)
    assert.deepEqual(
      (await list({ states: ['PLANNED'] })).map((w: { id: string }) => w.id),
      [id],
    )
    const [audit] = await it.db.sql<{ body: Record<string, unknown> }[]>`
      select body from audit order by id desc limit 1`
    const { event, reason, source, writes, ids } = audit?.body ?? {}
    assert.deepEqual(
      [event, reason, source, writes, ids],
      ['APPROVE_WRITES', 'a test', 'billing', 1, [Number(id)]],
    )
    assert.notEqual((await list({ states: ['PLANNED'] }))[0].actor, null)
    await plan(billing({ mode: 'APPROVE' }))
    assert.deepEqual(
      (await list({ states: ['PLANNED'] })).map((w: { id: string }) => w.id),
      [id],
    )
    await verifyAudit(it.db.sql)
  })

  test('holds and releases all; a request that is repeated changes nothing', async () => {
    await plan()
    const before = await states()
    const planned = before.filter(([, s]: string[]) => s === 'PLANNED').length
    const hold = request('holdWrites', '', 'h1')
    const held = (await ask(hold)).it
    assert.deepEqual(held, { __typename: 'WriteDone', writes: planned, unchanged: [] })
    const [one] = await list({ states: ['HELD'] })
    assert.deepEqual([one.code, one.detail], ['HELD_BY_PERSON', 'a test'])
    const released = (await ask(request('releaseWrites', `ids: ["${one.id}"],`))).it
    assert.equal(released.writes, 1)
    const between = await states()
    assert.deepEqual((await ask(hold)).it, held, 'the repeated request returns the same')
    assert.deepEqual(await states(), between, 'and has no second effect')
    const other = request('holdWrites', `ids: ["${one.id}"],`, 'h1')
    assert.equal((await ask(other)).it.rule, 'IDEMPOTENCY_KEY_REUSED')
  })

  test('is refused with a code, and nothing changes', async () => {
    await plan()
    const before = await states()
    const rule = async (text: string, role = 'integrator') => (await ask(text, role)).it.rule
    assert.equal(await rule(request('holdWrites', 'ids: ["x"],')), 'UNKNOWN_WRITE')
    const many = `ids: [${Array.from({ length: 1_001 }, (_, n) => `"${n + 1}"`).join()}],`
    assert.equal(await rule(request('holdWrites', many)), 'TOO_MANY_IDS')
    assert.equal(await rule(request('holdWrites', '', ' ')), 'BAD_IDEMPOTENCY_KEY')
    assert.equal(await rule(request('holdWrites', '').replace('a test', ' ')), 'MISSING_REASON')
    assert.equal(
      await rule(request('holdWrites', '').replace('source: "billing"', 'source: "crm"')),
      'UNKNOWN_SOURCE',
    )
    assert.equal(await rule(request('holdWrites', ''), 'blind'), 'MISSING_ROLE')
    assert.deepEqual(await states(), before)
  })
})
