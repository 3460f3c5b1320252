import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { checkRebuild } from '../../../mdm/policy/rebuild.ts'
import type { ActionInput, Choice } from '../../../mdm/stewardship/input.ts'
import type { Outcome } from '../../../mdm/stewardship/outcome.ts'
import {
  act,
  approve,
  decide,
  preview,
  type Stewardship,
} from '../../../mdm/stewardship/steward.ts'
import { sweep } from '../../../mdm/stewardship/sweep.ts'
import { countTasks } from '../../../mdm/tasks/queue.ts'
import { DEFAULT_RULES, dueHours } from '../../../mdm/tasks/rules.ts'
import { priorityOf } from '../../../mdm/tasks/tasks.ts'
import { workOnTasks } from '../../../mdm/tasks/taskWork.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import {
  applyRecords,
  attempt,
  done,
  key,
  person,
  versions,
  withoutApprovals,
} from '../../fixtures/steward.ts'
import { directPipeline, empty } from '../../fixtures/store.ts'

let db: TestDatabase
let steward: Stewardship
before(async () => {
  db = await testDatabase()
  steward = directPipeline(db.sql)
})
after(async () => await db?.drop())

const ada = person('ada', 'steward')
const bert = person('bert', 'steward', 'approver')
const a = key('crm', 'A')
const b = key('billing', 'B')
const c = key('erp', 'C')
const product = key('erp', 'P', 'Product')

beforeEach(async () => {
  await empty(db.sql)
  await applyRecords(db.sql, [
    { source: 'crm', id: 'A', fields: { name: 'Casa Lupo S.r.l.', currency: 'EUR' } },
    { source: 'billing', id: 'B', fields: { name: 'Nordwind Logistik GmbH', currency: 'USD' } },
    { source: 'erp', id: 'C', fields: { name: 'Blue Fen Ltd', currency: 'GBP' } },
    { source: 'erp', id: 'P', type: 'Product', fields: { name: 'Cold Store Sensor' } },
  ])
})

async function golden(id: string) {
  const [row] = await db.sql<{ id: string; values: Record<string, unknown>; state: string }[]>`
    select g.id, g.values, g.state from source_record s join golden g on g.id = s.golden_id where s.key = ${id}`
  return row
}

async function untouched(): Promise<unknown> {
  const [head] = await db.sql`select position from feed_head`
  const [rows] = await db.sql`
    select (select count(*)::int from assertion) as assertions, (select count(*)::int from action) as actions,
      (select count(*)::int from audit) as audit, (select count(*)::int from task where state = 'OPEN') as tasks`
  return { head, rows }
}

const nobody = '00000000-0000-8000-8000-000000000000'
const merge = (...ids: string[]): ActionInput => ({ kind: 'MERGE', ids, choices: [] })
const choose = (...choices: Choice[]): ActionInput => ({ kind: 'MERGE', ids: [a, b], choices })
const override = (
  id: string,
  field: string,
  value: unknown,
  expiresAt: string | null = null,
): ActionInput => ({
  kind: 'OVERRIDE',
  id,
  field,
  value,
  expiresAt,
})

const many = Array.from({ length: 10_000 }, () => crypto.randomUUID())
const refused: [what: string, rule: string, input: ActionInput][] = [
  ['an id with itself', 'SAME_ID', merge(a, a)],
  ['an id with itself, in capitals', 'SAME_ID', merge(a, a.toUpperCase())],
  ['one id', 'TOO_FEW_IDS', merge(a)],
  ['across types', 'ACROSS_TYPES', merge(a, product)],
  ['an unknown id', 'UNKNOWN_ID', merge(a, nobody)],
  ['the value of one that is not merged', 'NOT_A_MEMBER', choose({ field: 'currency', golden: c })],
  [
    'the value of a source record that is not',
    'NOT_A_MEMBER',
    choose({ field: 'currency', record: c }),
  ],
  ['a choice of nothing', 'BAD_CHOICE', choose({ field: 'currency' } as never)],
  ['a choice of two', 'BAD_CHOICE', choose({ field: 'currency', golden: a, record: b })],
  [
    'two choices of one field',
    'BAD_CHOICE',
    choose({ field: 'currency', golden: a }, { field: 'currency', value: null }),
  ],
  ['the name of nobody', 'BAD_VALUE', choose({ field: 'name', value: null })],
  ['no id at all', 'UNKNOWN_ID', merge(a, "'; drop table golden; --")],
  ['10,000 ids', 'TOO_MANY_IDS', merge(...many)],
  [
    '10,000 items',
    'TOO_MANY_IDS',
    { kind: 'BULK', items: many.map((id) => ({ kind: 'RETIRE', id })) },
  ],
  ['10,000 records in a group', 'NOT_A_MEMBER', { kind: 'SPLIT', id: a, groups: [many] }],
  ['an unmerge that empties a record', 'EMPTIES_RECORD', { kind: 'UNMERGE', id: a, record: a }],
  ['a record that is no member', 'NOT_A_MEMBER', { kind: 'UNMERGE', id: a, record: b }],
  ['a record in two groups', 'OVERLAPPING_GROUPS', { kind: 'SPLIT', id: a, groups: [[a], [a]] }],
  ['an empty group', 'EMPTIES_RECORD', { kind: 'SPLIT', id: a, groups: [[]] }],
  ['a split of nothing', 'EMPTIES_RECORD', { kind: 'SPLIT', id: a, groups: [] }],
  ['a record to where it is', 'ALREADY_THERE', { kind: 'ATTACH', record: a, to: a }],
  ['the only record of another', 'EMPTIES_RECORD', { kind: 'ATTACH', record: a, to: b }],
  ['a record to another type', 'ACROSS_TYPES', { kind: 'ATTACH', record: a, to: product }],
  ['a value that fails its format', 'BAD_VALUE', override(a, 'currency', 'EURO')],
  ['an e-mail that is none', 'BAD_VALUE', override(a, 'emails', ['not an e-mail'])],
  ['a single value for a list', 'BAD_VALUE', override(a, 'emails', 'a@casalupo.example')],
  ['an unknown value of an enum', 'BAD_VALUE', override(a, 'lifecycle', 'FRIEND')],
  ['an unknown part of a group', 'BAD_VALUE', override(a, 'billingAddress', { planet: 'Mars' })],
  ['a required field emptied', 'BAD_VALUE', override(a, 'name', null)],
  ['a text with a NUL', 'BAD_VALUE', override(a, 'name', 'a\0b')],
  ['half a surrogate pair', 'BAD_VALUE', override(a, 'billingAddress', { city: 'a\ud800' })],
  [
    'a name that cannot be stored',
    'BAD_VALUE',
    { kind: 'SPLIT', id: a, groups: [[a]], names: ['\0'] },
  ],
  [
    'a list with a repeated item',
    'BAD_VALUE',
    override(a, 'emails', ['a@casalupo.example', 'a@casalupo.example']),
  ],
  ['no value at all', 'BAD_VALUE', override(a, 'currency', undefined)],
  ['an unknown field', 'UNKNOWN_FIELD', override(a, 'shoeSize', 44)],
  [
    'a value that has already expired',
    'BAD_EXPIRY',
    override(a, 'currency', 'CHF', '2001-01-01T00:00:00Z'),
  ],
  ['a field that nobody stated', 'NOTHING_TO_LIFT', { kind: 'LIFT', id: a, field: 'currency' }],
  ['itself as its parent', 'CYCLE', { kind: 'SET_PARENT', id: a, parent: a }],
  ['a product under a product', 'NO_HIERARCHY', { kind: 'SET_PARENT', id: product, parent: null }],
  ['a restore of an active record', 'NOT_RETIRED', { kind: 'RESTORE', id: a }],
  ['an unknown action', 'UNKNOWN_ACTION', { kind: 'UNDO', action: nobody }],
  ['an action that is none', 'UNKNOWN_ACTION', { kind: 'UNDO', action: 'yesterday' }],
  ['nothing in bulk', 'TOO_FEW_IDS', { kind: 'BULK', items: [] }],
  [
    'a repeated record in a bulk action',
    'OVERLAPPING_ITEMS',
    {
      kind: 'BULK',
      items: [
        { kind: 'RETIRE', id: a },
        { kind: 'NOT_A_MATCH', ids: [a, b] },
      ],
    },
  ],
]

test('refuses bad input with its rule, in an action and in a preview, and changes nothing', async () => {
  const before = await untouched()
  const expected = await versions(db.sql)
  for (const [what, rule, input] of refused) {
    const outcome = await attempt(steward, ada, input)
    assert.equal(
      outcome.code === 'REFUSED' ? outcome.rule : outcome.code,
      rule,
      `${what}: ${JSON.stringify(outcome)}`,
    )
    const seen = await preview(steward, ada, { input, expected })
    assert.equal(seen.code === 'REFUSED' ? seen.rule : seen.code, rule, `${what}, previewed`)
  }
  const rule = (outcome: Outcome) => (outcome.code === 'REFUSED' ? outcome.rule : outcome.code)
  for (const reason of ['  ', '\u200b\u202e', 'x'.repeat(2_001), 'a\0b', 'a\ud800'])
    assert.equal(rule(await attempt(steward, ada, merge(a, b), { reason })), 'MISSING_REASON')
  for (const idempotencyKey of ['', 'x'.repeat(201), 'a\0b', 'a\ud800', 'a\x9bb', 'a\u202eb'])
    assert.equal(
      rule(await attempt(steward, ada, merge(a, b), { idempotencyKey })),
      'BAD_IDEMPOTENCY_KEY',
    )
  assert.equal(rule(await attempt(steward, ada, merge(a, b), { expected: {} })), 'MISSING_VERSION')
  const carl = await attempt(steward, person('carl'), merge(a, b))
  assert.match(
    carl.code === 'REFUSED' ? `${carl.rule} ${carl.detail}` : '',
    /MISSING_ROLE .*: steward; you have: none/,
  )
  assert.deepEqual(await untouched(), before)
})

test('refuses merged and retired ids, with the reason of each', async () => {
  await done(steward, ada, merge(a, b))
  const merged = await attempt(steward, ada, merge(b, c))
  assert.deepEqual(
    [merged.code, merged.code === 'REFUSED' && merged.rule],
    ['REFUSED', 'RETIRED_ID'],
  )
  assert.match(merged.code === 'REFUSED' ? merged.detail : '', new RegExp(a))
  const retired = await done(steward, ada, { kind: 'RETIRE', id: a })
  assert.equal((await golden(b))?.state, 'DELETED')
  const gone = await attempt(steward, ada, merge(a, c))
  assert.equal(gone.code === 'REFUSED' && gone.rule, 'DELETED_RECORD')
  await done(steward, ada, { kind: 'RESTORE', id: a })
  assert.equal((await golden(b))?.state, 'ACTIVE')
  const blocked = await attempt(steward, ada, { kind: 'UNDO', action: retired })
  assert.equal(blocked.code === 'REFUSED' && blocked.rule, 'LATER_ACTION_IN_THE_WAY')
})

test('I3: a rejected pair stays apart and a merged pair together against the evidence of the sources', async () => {
  const same = { taxIds: ['DE136695976'], phones: ['+493012345678'], domains: ['nordwind.example'] }
  await done(steward, ada, { kind: 'NOT_A_MATCH', ids: [a, b] })
  await done(steward, ada, merge(b, c))
  await applyRecords(db.sql, [
    { source: 'crm', id: 'A', version: 2, fields: { name: 'Nordwind Logistik GmbH', ...same } },
    { source: 'billing', id: 'B', version: 2, fields: { name: 'Nordwind Logistik GmbH', ...same } },
    { source: 'success', id: 'D', fields: { name: 'Nordwind Logistik GmbH', ...same } },
  ])
  assert.equal((await golden(a))?.id, a)
  assert.equal((await golden(c))?.id, b)
  // The assertions about the record still hold after it is deleted and restored.
  await applyRecords(db.sql, [
    { source: 'billing', id: 'B', version: 3, deleted: true, fields: { name: 'x' } },
  ])
  await applyRecords(db.sql, [
    { source: 'billing', id: 'B', version: 4, fields: { name: 'Nordwind Logistik GmbH', ...same } },
  ])
  assert.equal((await golden(a))?.id, a)
  assert.equal((await golden(c))?.id, b)
  assert.deepEqual((await checkRebuild(db.sql, steward)).differences, [])
})

test('I7: undoing a merge after deletions returns every record to its original golden record', async () => {
  await applyRecords(db.sql, [
    { source: 'crm', id: 'B2', fields: { name: 'Fennland Oy', currency: 'EUR' } },
  ])
  const pair = await done(steward, ada, merge(b, key('crm', 'B2')))
  await applyRecords(db.sql, [
    { source: 'billing', id: 'B', version: 2, deleted: true, fields: { name: 'x' } },
  ])
  assert.equal((await golden(b))?.id, b, 'the golden id outlives the record it is named after')
  const all = await done(steward, ada, merge(a, b))
  assert.equal((await golden(b))?.id, a)
  await done(steward, ada, { kind: 'UNDO', action: all })
  assert.equal((await golden(b))?.id, b)
  assert.equal((await golden(key('crm', 'B2')))?.id, b)
  await done(steward, ada, { kind: 'UNDO', action: pair })
  assert.equal((await golden(b))?.id, b, 'alone again, and deleted')
  assert.equal((await golden(b))?.state, 'DELETED')
  assert.equal((await golden(key('crm', 'B2')))?.id, key('crm', 'B2'))
  assert.deepEqual((await checkRebuild(db.sql, steward)).differences, [])
})

test('undo out of order ignores actions on other records and fields, and names a later action on the same pairs', async () => {
  const first = await done(steward, ada, merge(a, b))
  const value = await done(steward, ada, override(a, 'currency', 'CHF'))
  const second = await done(steward, ada, merge(a, c))
  const blocked = await attempt(steward, ada, { kind: 'UNDO', action: first })
  assert.deepEqual(
    [blocked.code, blocked.code === 'REFUSED' && blocked.inTheWay],
    ['REFUSED', second],
  )
  await done(steward, ada, { kind: 'UNDO', action: value })
  assert.equal((await golden(a))?.values.currency, 'USD', 'the billing system again')
  await done(steward, ada, { kind: 'UNDO', action: second })
  await done(steward, ada, { kind: 'UNDO', action: first })
  for (const id of [a, b, c]) assert.equal((await golden(id))?.id, id)
  const twice = await attempt(steward, ada, { kind: 'UNDO', action: first })
  assert.equal(twice.code === 'REFUSED' && twice.rule, 'ALREADY_UNDONE')
})

test('a temporary override expires by an action of the clock', async () => {
  await done(steward, ada, override(a, 'currency', 'CHF', '2999-01-01T00:00:00Z'))
  assert.equal((await golden(a))?.values.currency, 'CHF')
  assert.equal((await sweep(steward)).values, 0)
  await db.sql`update standing set expires_at = now() - interval '1 second'`
  assert.equal((await sweep(steward)).values, 1)
  assert.equal((await golden(a))?.values.currency, 'EUR')
  const [last] = await db.sql`select kind, actor from action order by number desc limit 1`
  assert.deepEqual({ ...last }, { kind: 'EXPIRE', actor: 'clock' })
  assert.deepEqual((await checkRebuild(db.sql, steward)).differences, [])
})

test('a proposal is not executed if the record has changed or the proposal has expired', async () => {
  const expected = await versions(db.sql)
  const again = () =>
    attempt(steward, ada, override(a, 'legalName', 'Casa Lupo'), {
      idempotencyKey: 'one',
      expected,
    })
  const proposed = await again()
  assert.equal(proposed.code, 'NEEDS_APPROVAL')
  assert.deepEqual(await again(), proposed, 'the same request is still pending')
  const id = proposed.code === 'NEEDS_APPROVAL' ? proposed.actionId : ''
  await applyRecords(db.sql, [
    { source: 'crm', id: 'A', version: 2, fields: { name: 'Casa Lupo & Figli', currency: 'EUR' } },
  ])
  for (const decision of [
    approve(steward, bert, id, ' '),
    decide(steward, bert, id, 'DECLINED', 'a\0b'),
  ]) {
    const unexplained = await decision
    assert.equal(unexplained.code === 'REFUSED' && unexplained.rule, 'MISSING_REASON')
  }
  const conflict = await approve(steward, bert, id, 'yes')
  assert.equal(conflict.code, 'CONFLICT')
  assert.deepEqual((await db.sql`select state from action where id = ${id}`)[0]?.state, 'PROPOSED')
  await db.sql`update action set expires_at = now() - interval '1 minute' where id = ${id}`
  const late = await approve(steward, bert, id, 'yes')
  assert.equal(late.code === 'REFUSED' && late.rule, 'EXPIRED')
  const before = await again()
  assert.equal((await sweep(steward)).proposals, 1)
  // The same request returns the outcome of the proposal, before and after the sweep.
  assert.deepEqual(await again(), before)
  assert.equal(before.code === 'REFUSED' && before.rule, 'EXPIRED')
  const [open] =
    await db.sql`select count(*)::int as n from task where kind = 'APPROVAL' and state = 'OPEN'`
  assert.equal(open?.n, 0)
})

test('a repeated request returns DECLINED or WITHDRAWN of its proposal, and a new key proposes it again', async () => {
  for (const [who, state] of [
    [bert, 'DECLINED'],
    [ada, 'WITHDRAWN'],
  ] as const) {
    const propose = (idempotencyKey: string) =>
      attempt(steward, ada, override(a, 'legalName', 'Casa Lupo'), { idempotencyKey })
    const proposed = await propose(state)
    assert.ok(proposed.code === 'NEEDS_APPROVAL')
    assert.equal((await decide(steward, who, proposed.actionId, state, 'not so')).code, 'DONE')
    const again = await propose(state)
    assert.ok(again.code === 'REFUSED' && again.rule === state, JSON.stringify(again))
    assert.match(again.detail, new RegExp(`by ${who.actor}, "not so"`))
    const other = await attempt(steward, ada, override(a, 'legalName', 'Another'), {
      idempotencyKey: state,
    })
    assert.equal(other.code === 'REFUSED' && other.rule, 'IDEMPOTENCY_KEY_REUSED')
    const second = await propose(`${state} 2`)
    assert.ok(second.code === 'NEEDS_APPROVAL' && second.actionId !== proposed.actionId)
    assert.equal((await approve(steward, bert, second.actionId, 'yes')).code, 'DONE')
    const done = await propose(`${state} 2`)
    assert.ok(done.code === 'DONE' && done.actionId === second.actionId, 'done by now')
  }
})

test('a bulk action executes all or none, and needs a second person', async () => {
  const items = [override(a, 'currency', 'CHF'), override(b, 'currency', 'nonsense')] as never[]
  const before = await untouched()
  const bad = await attempt(steward, ada, { kind: 'BULK', items })
  assert.equal(bad.code === 'REFUSED' && bad.rule, 'BAD_VALUE')
  assert.deepEqual(await untouched(), before)
  const good = [override(a, 'currency', 'CHF'), override(b, 'currency', 'CHF')] as never[]
  const proposed = await attempt(steward, ada, { kind: 'BULK', items: good })
  assert.deepEqual(proposed.code === 'NEEDS_APPROVAL' && proposed.rules, ['BULK'])
  const approved = await approve(
    steward,
    bert,
    proposed.code === 'NEEDS_APPROVAL' ? proposed.actionId : '',
    'fine',
  )
  assert.equal(approved.code, 'DONE')
  for (const id of [a, b]) assert.equal((await golden(id))?.values.currency, 'CHF')
  const undo = await attempt(steward, ada, {
    kind: 'UNDO',
    action: approved.code === 'DONE' ? approved.actionId : '',
  })
  assert.deepEqual(
    undo.code === 'NEEDS_APPROVAL' && undo.rules,
    ['BULK'],
    'its undo needs approval as well',
  )
  assert.equal(
    (await approve(steward, bert, undo.code === 'NEEDS_APPROVAL' ? undo.actionId : '', 'fine'))
      .code,
    'DONE',
  )
  assert.deepEqual(
    [(await golden(a))?.values.currency, (await golden(b))?.values.currency],
    ['EUR', 'USD'],
  )
})

test('executes and undoes a bulk action over two golden types', async () => {
  const free = {
    ...steward,
    rules: { ...DEFAULT_RULES, approval: { ...DEFAULT_RULES.approval, bulkItemsMin: 9 } },
  }
  const before = [await golden(a), await golden(product)]
  const bulk = await done(free, ada, {
    kind: 'BULK',
    items: [
      { kind: 'MERGE', ids: [a, b], choices: [] },
      { kind: 'OVERRIDE', id: product, field: 'unit', value: 'PCS', expiresAt: null },
    ],
  })
  assert.equal((await golden(b))?.id, a)
  assert.equal((await golden(product))?.values.unit, 'PCS')
  await done(free, ada, { kind: 'UNDO', action: bulk })
  assert.deepEqual([await golden(a), await golden(product)], before)
  assert.equal((await golden(b))?.id, b)
  assert.deepEqual((await checkRebuild(db.sql, steward)).differences, [])
})

test('refuses a circle over several golden records, and one that a merge would close', async () => {
  const free = { ...steward, policy: withoutApprovals(steward.policy) }
  await done(free, ada, { kind: 'SET_PARENT', id: b, parent: a })
  await done(free, ada, { kind: 'SET_PARENT', id: c, parent: b })
  const circle = await attempt(free, ada, { kind: 'SET_PARENT', id: a, parent: c })
  assert.equal(circle.code === 'REFUSED' && circle.rule, 'CYCLE')
  const merged = await attempt(free, ada, merge(a, c))
  assert.equal(merged.code === 'REFUSED' && merged.rule, 'CYCLE')
})

test('a task is due by its value at risk and is escalated once when overdue; a new due date resets it', async () => {
  assert.deepEqual(
    [0, 9_999, 10_000, 99_999, 100_000, 1e9].map((stake) => dueHours(DEFAULT_RULES, stake)),
    [120, 120, 24, 24, 8, 8],
  )
  const likely = priorityOf(1_000, 8)
  assert.ok(
    priorityOf(10_000, -8) > likely && likely > priorityOf(1_000, -8) && priorityOf(0, null) > 0,
  )
  const proposed = await attempt(steward, ada, override(a, 'legalName', 'Casa Lupo'))
  assert.equal(proposed.code, 'NEEDS_APPROVAL')
  const task = async () =>
    (
      await db.sql<{ id: string; priority: number; escalated: boolean; hours: number }[]>`
      select id, priority, escalated, round(extract(epoch from due_at - created_at) / 3600)::int as hours from task`
    )[0]
  const fresh = await task()
  assert.deepEqual([fresh?.hours, fresh?.escalated], [120, false])
  assert.equal((await sweep(steward)).escalated, 0)
  await db.sql`update task set due_at = now() - interval '1 minute'`
  for (const [filter, total, overdue] of [
    [{}, 1, 1],
    [{ overdue: false }, 0, 0],
    [{ kinds: ['CONFLICT'] as string[] }, 0, 0],
  ] as const) {
    const counts = await countTasks(db.sql, filter)
    assert.deepEqual([counts.total, counts.overdue], [total, overdue])
  }
  assert.equal((await sweep(steward)).escalated, 1)
  const moved = await task()
  assert.ok(
    moved?.escalated && moved.priority > priorityOf(1e15, 20),
    'ranks before all tasks that are not overdue',
  )
  assert.equal((await sweep(steward)).escalated, 0, 'once')
  await workOnTasks(db.sql, DEFAULT_RULES, ada, [fresh?.id ?? ''], {
    kind: 'SET_DUE',
    at: '2999-01-01T00:00:00Z',
  })
  const later = await task()
  assert.deepEqual([later?.escalated, later?.priority], [false, fresh?.priority])
})

test('concurrent copies of a request execute once, and of concurrent decisions on a proposal one succeeds', async () => {
  const expected = await versions(db.sql)
  const request = { input: merge(a, b), reason: 'test', idempotencyKey: 'once', expected }
  const repeated = await Promise.all(Array.from({ length: 6 }, () => act(steward, ada, request)))
  for (const outcome of repeated) assert.deepEqual(outcome, repeated[0])
  assert.equal(repeated[0]?.code, 'DONE')
  const proposed = await attempt(steward, ada, override(a, 'legalName', 'Casa Lupo'))
  assert.ok(proposed.code === 'NEEDS_APPROVAL')
  const outcomes = await Promise.all([
    approve(steward, bert, proposed.actionId, 'yes'),
    approve(steward, person('cleo', 'approver'), proposed.actionId, 'yes'),
    decide(steward, bert, proposed.actionId, 'DECLINED', 'no'),
    decide(steward, ada, proposed.actionId, 'WITHDRAWN', 'no'),
  ])
  const codes = outcomes.map((o) => (o.code === 'REFUSED' ? o.rule : o.code)).sort()
  assert.deepEqual(codes, ['DONE', 'NOT_PROPOSED', 'NOT_PROPOSED', 'NOT_PROPOSED'])
  const [actions] = await db.sql`select count(*)::int as n from action`
  assert.equal(actions?.n, 2)
})

test('of two stewards who move one source record at once, one succeeds and the other gets the current state', async () => {
  const b2 = key('billing', 'B2')
  await applyRecords(db.sql, [
    { source: 'billing', id: 'B2', fields: { name: 'Fennland Oy', currency: 'EUR' } },
  ])
  await done(steward, ada, merge(b, b2))
  const expected = await versions(db.sql)
  const outcomes = await Promise.all(
    [a, c].map((to, i) =>
      act(steward, [ada, bert][i] ?? ada, {
        input: { kind: 'ATTACH', record: b2, from: b, to },
        reason: 'test',
        idempotencyKey: to,
        expected: { [b]: expected[b] ?? 0, [to]: expected[to] ?? 0 },
      }),
    ),
  )
  assert.deepEqual(
    outcomes.map((o) => o.code).sort(),
    ['CONFLICT', 'DONE'],
    JSON.stringify(outcomes),
  )
  const lost = outcomes.find((o) => o.code === 'CONFLICT')
  assert.deepEqual(lost?.code === 'CONFLICT' && lost.current.map((x) => x.id), [b])
  const gone = await attempt(steward, ada, {
    kind: 'ATTACH',
    record: b2,
    from: b,
    to: outcomes[0] === lost ? a : c,
  })
  assert.equal(gone.code === 'REFUSED' && gone.rule, 'NOT_A_MEMBER')
})

const tries = Number(process.env.TOUCHSTONE_TWO_STEWARDS ?? 20)

test(`of two stewards on one record at once, one wins and the other gets the current state; ${tries} times, no update lost`, async () => {
  for (let i = 0; i < tries; i++) {
    const expected = await versions(db.sql)
    const outcomes = await Promise.all(
      [ada, bert].map((who, n) =>
        act(steward, who, {
          input: override(a, 'accountOwner', `${who.actor} ${i}`),
          reason: 'test',
          idempotencyKey: `${i} ${n}`,
          expected,
        }),
      ),
    )
    assert.deepEqual(
      outcomes.map((o) => o.code).sort(),
      ['CONFLICT', 'DONE'],
      JSON.stringify(outcomes),
    )
    const winner = outcomes[0]?.code === 'DONE' ? 'ada' : 'bert'
    assert.equal((await golden(a))?.values.accountOwner, `${winner} ${i}`)
    const lost = outcomes.find((o) => o.code === 'CONFLICT')
    const now = await versions(db.sql)
    assert.deepEqual(lost?.code === 'CONFLICT' && lost.current, [
      { id: a, version: now[a], state: 'ACTIVE', redirect: null },
    ])
  }
})
