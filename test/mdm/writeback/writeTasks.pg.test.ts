import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { DEFAULT_RULES, type StewardshipRules } from '../../../mdm/tasks/rules.ts'
import { controlWrites } from '../../../mdm/writeback/control.ts'
import { keepWrites } from '../../../mdm/writeback/keeper.ts'
import { type PlannerContext, planDue } from '../../../mdm/writeback/planDue.ts'
import { registerTargets, scanTargets } from '../../../mdm/writeback/registerTargets.ts'
import type { Target } from '../../../mdm/writeback/target.ts'
import { recordKey } from '../../../schema/recordKey.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { directPipeline, drain, empty, policy, send } from '../../fixtures/store.ts'
import { directMapping, directTarget } from './directTarget.ts'

let db: TestDatabase
let pipeline: Pipeline
before(async () => {
  db = await testDatabase()
  pipeline = directPipeline(db.sql)
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`truncate write_due, write_intent, write_target, write_request, written_value, written_record, task cascade`
})
after(async () => await db?.drop())

const rules: StewardshipRules = {
  ...DEFAULT_RULES,
  owners: [{ system: 'billing', type: 'Customer', owner: 'accounting' }],
}

let version = 0
async function state(source: string, type: string, id: string, fields: object): Promise<void> {
  const message = { type, id, version: ++version * 1_000_000, fields: { ...fields } }
  await send(db.sql, [{ source, message }])
  await drain(pipeline)
}

async function plan(...targets: Target[]): Promise<void> {
  const byName = new Map(targets.map((t) => [t.source, t]))
  const context: PlannerContext = {
    ...{ sql: db.sql, policy, systems: pipeline.systems, rules },
    targets: byName,
  }
  await registerTargets(db.sql, byName)
  for (;;) {
    const more = (await planDue(context)) || (await scanTargets(db.sql, byName))
    const [open] = await db.sql`select 1 from write_target where scanned_at is null`
    if (!more && !open) return
  }
}

/** Plans again what is due, after an outcome. */
async function planAgain(target: Target): Promise<void> {
  await db.sql`insert into write_due (golden_id) select distinct golden_id from write_intent`
  await plan(target)
}

const keep = () =>
  keepWrites({ sql: db.sql, rules, daysMax: 400, onError: (e) => assert.fail(String(e)) })

interface Task {
  state: string
  type: string
  reason: string
  owner: string
  subject: string[]
}
const tasks = async (): Promise<Task[]> => [
  ...(await db.sql<Task[]>`
    select state, type, reason, owner, subject from task where kind = 'WRITE' order by created_at, id`),
]
const open = async () => (await tasks()).filter((t) => t.state === 'OPEN')

const caller = {
  actor: 'ida',
  roles: new Set(['integrator']),
  scopes: new Set<string>(),
  correlationId: crypto.randomUUID(),
}
const control = async (kind: 'APPROVE' | 'HOLD' | 'RELEASE') =>
  await controlWrites(
    { sql: db.sql, rules },
    caller,
    kind,
    { source: 'billing', ids: null },
    { reason: 'a test', idempotencyKey: crypto.randomUUID() },
  )

const ada = { name: 'Ada Lovelace Ltd', taxIds: ['DE129273398'] }
const golden = recordKey('erp', 'Customer', '1')
const billing = directTarget('billing', 'BILLING')

/** The ERP and the billing system disagree about a name. */
async function differ(): Promise<void> {
  await state('erp', 'Customer', '1', ada)
  await state('billing', 'Customer', '1', { ...ada, name: 'Ada' })
}

async function end(outcome: 'REFUSED' | 'CONFLICT', conflicts = 0): Promise<void> {
  await db.sql`
    update write_intent set state = ${outcome}, code = 'HTTP_400', detail = 'the name is too long', conflicts = ${conflicts},
      ended_at = clock_timestamp() where state = 'PLANNED'`
}

describe('a write that a person has to decide about is a task', () => {
  test('where another text stands in the place of the golden id, with record and value', async () => {
    await differ()
    const ability = { goldenId: 'name', given: {}, needs: [], empties: true, refusalOf: () => null }
    await plan(
      directTarget('billing', 'BILLING', {
        mapping: directMapping('billing', {}, { abilityOf: () => ability }),
      }),
    )
    const [task, ...others] = await tasks()
    assert.deepEqual(others, [])
    assert.match(
      task?.reason ?? '',
      /^billing: a write to Customer 1 was refused \(write \d+\): GOLDEN_ID_TAKEN: Customer 1 of billing holds "Ada" in name, /,
    )
    const [sent] = await db.sql`select 1 from write_intent where state = 'PLANNED'`
    assert.equal(sent, undefined)
  })

  test('with its owner, record and reason, once, until it is released', async () => {
    await differ()
    await plan(billing)
    assert.deepEqual(await tasks(), [], 'a planned write is none')
    await end('REFUSED')
    await planAgain(billing)
    await planAgain(billing)
    const [task, ...others] = await tasks()
    assert.deepEqual(others, [])
    assert.deepEqual([task?.state, task?.type, task?.owner], ['OPEN', 'Customer', 'accounting'])
    assert.match(
      task?.reason ?? '',
      /^billing: a write to Customer 1 was refused \(write \d+\): HTTP_400: the name is too long$/,
    )
    assert.ok(task?.subject.includes(golden))
    assert.equal((await control('RELEASE')).code, 'DONE')
    await plan(billing)
    assert.deepEqual(
      (await tasks()).map((t) => t.state),
      ['CLOSED'],
    )
    const [again] = await db.sql`select 1 from write_intent where state = 'PLANNED'`
    assert.ok(again, 'it is planned again')
  })

  test('and closes when something else has to be written, or nothing', async () => {
    await differ()
    await plan(billing)
    await end('REFUSED')
    await planAgain(billing)
    assert.equal((await open()).length, 1)
    await state('erp', 'Customer', '1', { ...ada, name: 'Ada Lovelace SE' })
    await plan(billing)
    assert.deepEqual(await open(), [], 'another value is planned')
    await end('REFUSED')
    await planAgain(billing)
    assert.equal((await open()).length, 1)
    await state('billing', 'Customer', '1', { ...ada, name: 'Ada Lovelace SE' })
    await plan(billing)
    assert.deepEqual(await open(), [], 'the system has the value now')
  })

  test('if it was in conflict three times in a row, and not before', async () => {
    await differ()
    await plan(billing)
    await end('CONFLICT', 2)
    await planAgain(billing)
    assert.deepEqual(await open(), [])
    await end('CONFLICT', 3)
    await planAgain(billing)
    const [task] = await open()
    assert.match(task?.reason ?? '', /^billing: Customer 1 had changed 3 times in a row/)
  })

  test('and not while the mode is shadow, or when the system is not written to any more', async () => {
    await differ()
    await plan(billing)
    await end('REFUSED')
    await planAgain(billing)
    assert.equal((await open()).length, 1)
    await plan(directTarget('billing', 'BILLING', { mode: 'SHADOW', version: 'v2' }))
    assert.deepEqual(await open(), [])
    await plan(directTarget('billing', 'BILLING', { version: 'v3' }))
    assert.equal((await open()).length, 1)
    await plan()
    assert.deepEqual(
      (await tasks()).map((t) => t.state),
      ['CLOSED'],
    )
  })

  test('whose reason quotes nothing of a sensitive field', async () => {
    const emails = ['ada@ada.example']
    await state('crm', 'Contact', '1', { name: 'Ada Lovelace', emails })
    await state('billing', 'Contact', '2', { name: 'Ada L.', emails })
    await plan(billing)
    await end('REFUSED')
    await db.sql`update write_intent set detail = 'Ada Lovelace is too long'`
    await planAgain(billing)
    const [task] = await open()
    assert.match(task?.reason ?? '', /was refused \(write \d+\): HTTP_400$/)
    assert.equal(task?.owner, 'integration')
  })
})

describe('writes that wait for a person are one task for each system, type and reason', () => {
  test('when they wait for approval, until they are approved', async () => {
    await differ()
    const approve = directTarget('billing', 'BILLING', { mode: 'APPROVE' })
    await plan(approve)
    await keep()
    await keep()
    const [task, ...others] = await tasks()
    assert.deepEqual(others, [])
    assert.deepEqual(
      [task?.owner, task?.reason],
      ['accounting', 'writes of Customer to billing wait for approval: approve or hold them'],
    )
    await control('APPROVE')
    await keep()
    assert.deepEqual(
      (await tasks()).map((t) => t.state),
      ['CLOSED'],
    )
  })

  test('when too many records would change, at once', async () => {
    await differ()
    const limits = { perMinute: 60, perDay: 1_000, changedRecordsMax: 0 }
    await plan(directTarget('billing', 'BILLING', { limits }))
    await keep()
    assert.match((await open())[0]?.reason ?? '', /are held \(TOO_MANY_RECORDS\)/)
    await control('RELEASE')
    await keep()
    assert.deepEqual(await open(), [])
  })

  test('when a person holds them for more than a day', async () => {
    await differ()
    await plan(billing)
    await control('HOLD')
    await keep()
    assert.deepEqual(await open(), [])
    await db.sql`update write_intent set planned_at = now() - interval '25 hours'`
    await keep()
    assert.match((await open())[0]?.reason ?? '', /are held by a person/)
  })
})
