import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Json } from '../../../connectors/connection/row.ts'
import { confirmWritten, saveWritten } from '../../../mdm/echo/writtenValues.ts'
import type { Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { type DiffWrite, diffTarget } from '../../../mdm/writeback/diff.ts'
import { markLoadedDue } from '../../../mdm/writeback/loaded.ts'
import { type PlannerContext, planDue } from '../../../mdm/writeback/planDue.ts'
import { registerTargets, scanTargets } from '../../../mdm/writeback/registerTargets.ts'
import type { Target } from '../../../mdm/writeback/target.ts'
import { recordKey } from '../../../schema/recordKey.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { directPipeline, drain, empty, policy, send } from '../../fixtures/store.ts'
import { directTarget } from './directTarget.ts'
import { markLoaded } from './loadedObject.ts'

let db: TestDatabase
let pipeline: Pipeline
before(async () => {
  db = await testDatabase()
  pipeline = directPipeline(db.sql)
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`truncate write_due, write_intent, write_target, written_value, written_record, task, sync_state, sync_run cascade`
  for (const object of ['Customer', 'Contact']) await markLoaded(db.sql, 'billing', object)
})
after(async () => await db?.drop())

let version = 0
/** States a customer in a source system; its tax number makes records of one match. */
async function state(source: string, id: string, fields: Record<string, unknown>): Promise<void> {
  const message = { type: 'Customer', id, version: ++version * 1_000_000, fields }
  await send(db.sql, [{ source, message }])
  await drain(pipeline)
}

const ada = { name: 'Ada Lovelace Ltd', taxIds: ['DE129273398'] }

async function writeTo(source: string): Promise<void> {
  await db.sql`insert into write_target (source, version, registered_by) values (${source}, 'v1', 0)`
}

async function due(): Promise<number> {
  const [row] = await db.sql<{ n: number }[]>`
    with taken as (delete from write_due returning golden_id)
    select count(distinct golden_id)::int as n from taken`
  return row?.n ?? 0
}

describe('a golden record is due', () => {
  test('for no write where no source system is written to', async () => {
    await state('erp', '1', ada)
    assert.equal(await due(), 0)
  })

  test('after a change of its own, and of its record in a target', async () => {
    await writeTo('billing')
    await state('erp', '1', ada)
    await state('billing', '1', { ...ada, name: 'Ada Lovelace Limited' })
    assert.equal(await due(), 1)
    await state('billing', '1', { ...ada, name: 'Ada Lovelace' })
    assert.equal(await due(), 1, 'the name is owned by the ERP, so the golden record is the same')
    await state('crm', '1', { ...ada, accountOwner: 'Eve' })
    assert.equal(await due(), 1)
    await state('crm', '1', { ...ada, name: 'Ada', accountOwner: 'Eve' })
    assert.equal(await due(), 0, 'the CRM is not written to')
  })
})

function context(...targets: Target[]): PlannerContext {
  return {
    ...{ sql: db.sql, policy, systems: pipeline.systems },
    targets: new Map(targets.map((t) => [t.source, t])),
  }
}

/** Plans everything that is due. */
async function plan(...targets: Target[]): Promise<void> {
  const planner = context(...targets)
  await registerTargets(db.sql, planner.targets)
  for (;;) {
    const more = (await planDue(planner)) || (await scanTargets(db.sql, planner.targets))
    // A transaction of another test may have begun before the targets were stored.
    const [open] = await db.sql`select 1 from write_target where scanned_at is null`
    if (!more && !open) return
  }
}

interface Intent {
  id: number
  operation: string
  state: string
  sourceId: string | null
  values: Record<string, unknown>
  code: string | null
}

async function intents(): Promise<Intent[]> {
  const rows = await db.sql<Intent[]>`
    select id, operation, state, source_id as "sourceId", values, code from write_intent order by id`
  return [...rows]
}

const billing = directTarget('billing', 'BILLING')

describe('a plan', () => {
  test('is stored as an intent that a newer plan replaces, and that goes when it is not needed', async () => {
    await state('erp', '1', ada)
    await state('billing', '1', { ...ada, name: 'Ada' })
    await plan(billing)
    const [first] = await intents()
    assert.deepEqual(
      [first?.state, first?.operation, first?.sourceId, first?.values],
      ['PLANNED', 'UPDATE', '1', { name: 'Ada Lovelace Ltd' }],
    )
    await state('erp', '1', { ...ada, name: 'Ada Lovelace SE' })
    await plan(billing)
    const second = await intents()
    assert.deepEqual(
      second.map((i) => i.values),
      [{ name: 'Ada Lovelace SE' }],
    )
    await state('crm', '1', { ...ada, accountOwner: 'Eve' })
    await plan(billing)
    assert.deepEqual(await intents(), second, 'the same plan stays in its place')
    await state('billing', '1', { ...ada, name: 'Ada Lovelace SE' })
    await plan(billing)
    assert.deepEqual(await intents(), [])
  })

  test('creates a record where there is none, and one that refers to it afterwards', async () => {
    await state('crm', '1', { ...ada, lifecycle: 'CUSTOMER' })
    const contact = { name: 'Ada Lovelace', emails: ['ada@ada.example'] }
    const customer = recordKey('crm', 'Customer', '1')
    await send(db.sql, [
      {
        source: 'crm',
        message: { type: 'Contact', id: '2', version: 1, fields: { ...contact, customer } },
      },
    ])
    await drain(pipeline)
    await plan(billing)
    const planned = await intents()
    assert.deepEqual(planned.map((i) => [i.operation, i.state, i.code]).sort(), [
      ['CREATE', 'PLANNED', null],
      ['CREATE', 'WAITING', 'WAITS_FOR_REFERENCE'],
    ])
    const create = planned.find((i) => i.state === 'PLANNED')
    await db.sql.begin(async (tx) => {
      const id = create?.id ?? 0
      await saveWritten(tx, {
        intentId: id,
        goldenId: customer,
        source: 'billing',
        object: 'Customer',
        sourceId: null,
        values: (create?.values ?? {}) as Record<string, Json>,
      })
      await tx`update write_intent set state = 'DONE', source_id = 'B1', ended_at = now() where id = ${id}`
      const values = { name: ada.name }
      const at = { goldenId: customer, source: 'billing', object: 'Customer', sourceId: null }
      await saveWritten(tx, { ...at, intentId: id, values })
      await confirmWritten(tx, id, 'B1')
      await tx`insert into write_due (golden_id) select golden_id from write_intent where id = ${id}`
    })
    await plan(billing)
    const after = await intents()
    assert.deepEqual(
      after.filter((i) => i.state !== 'DONE').map((i) => [i.state, i.values]),
      [['PLANNED', { name: 'Ada Lovelace', customer: 'B1' }]],
      'the customer is not created twice',
    )
  })

  test('creates no record before the target was read as a whole and its rows are applied', async () => {
    await db.sql`delete from sync_state`
    await state('crm', '1', { ...ada, lifecycle: 'CUSTOMER' })
    await plan(billing)
    const created = async () => (await intents()).map((i) => [i.operation, i.state, i.code])
    const waits = [['CREATE', 'WAITING', 'NOT_LOADED']]
    assert.deepEqual(await created(), waits)
    const counts = await diffTarget(db.sql, context(billing), billing, () => {})
    assert.deepEqual([counts.waiting, counts.creates, counts.refused], [1, 0, 0])
    // A row of the load waits in the inbox: it may be the very record.
    const late = { type: 'Customer', id: '9', version: 1, fields: { name: 'Casa Lupo S.r.l.' } }
    await send(db.sql, [{ source: 'billing', message: late }])
    await markLoaded(db.sql, 'billing', 'Customer')
    await markLoadedDue(db.sql, [billing])
    await plan(billing)
    assert.deepEqual(await created(), waits)
    await drain(pipeline)
    await db.sql`update sync_state set rescan_since = clock_timestamp()`
    await markLoadedDue(db.sql, [billing])
    await plan(billing)
    assert.deepEqual(await created(), waits, 'it is being read again')
    await db.sql`update sync_state set rescan_since = null`
    // A row of a later run holds nothing back.
    await send(db.sql, [{ source: 'billing', message: { ...late, id: '10' } }])
    await markLoadedDue(db.sql, [billing])
    await plan(billing)
    assert.deepEqual(await created(), [['CREATE', 'PLANNED', null]])
  })

  test('is made again for all golden records when the configuration changes', async () => {
    await state('erp', '1', ada)
    await state('billing', '1', { ...ada, name: 'Ada' })
    await plan(directTarget('billing', 'BILLING', { mode: 'SHADOW' }))
    assert.deepEqual(
      (await intents()).map((i) => i.state),
      ['SHADOW'],
    )
    await plan(directTarget('billing', 'BILLING', { mode: 'APPROVE', version: 'v2' }))
    assert.deepEqual(
      (await intents()).map((i) => i.state),
      ['WAITING_APPROVAL'],
    )
    await plan(directTarget('billing', 'BILLING', { version: 'v3' }))
    assert.deepEqual(
      (await intents()).map((i) => i.state),
      ['PLANNED'],
    )
    const [target] = await db.sql`select scanned, scan_total, scanned_at from write_target`
    assert.deepEqual(
      [target?.scanned, target?.scan_total, target?.scanned_at !== null],
      [1, 1, true],
    )
    await plan()
    assert.deepEqual(await intents(), [], 'nothing waits for a system that is not written to')
  })

  test('beyond the bound of changed records is held', async () => {
    const names = ['Ada Lovelace Ltd', 'Grace Hopper Inc', 'Alan Turing plc']
    for (const [n, name] of names.entries()) {
      const taxIds = [`DE12927339${n}`]
      await state('erp', String(n), { name, taxIds })
      await state('billing', String(n), { name: `${name}.`, taxIds })
    }
    const limits = { perMinute: 60, perDay: 1_000, changedRecordsMax: 2 }
    await plan(directTarget('billing', 'BILLING', { limits }))
    const planned = await intents()
    assert.deepEqual(planned.map((i) => i.state).sort(), ['HELD', 'PLANNED', 'PLANNED'])
    assert.equal(planned.find((i) => i.state === 'HELD')?.code, 'TOO_MANY_RECORDS')
  })

  test('for two records of one thing keeps both in step, and a task names them', async () => {
    await state('erp', '1', ada)
    await state('billing', '1', { ...ada, name: 'Ada' })
    await state('billing', '2', { ...ada, name: 'ADA' })
    await plan(billing)
    assert.deepEqual((await intents()).map((i) => i.sourceId).sort(), ['1', '2'])
    const tasks = () => db.sql`select reason, subject, state from task where kind = 'DUPLICATE'`
    const [task] = await tasks()
    assert.match(task?.reason, /billing holds this Customer 2 times: Customer 1, Customer 2/)
    assert.equal(task?.subject.length, 2)
    const message = {
      type: 'Customer',
      id: '2',
      version: ++version * 1_000_000,
      deleted: true,
      fields: {},
    }
    await send(db.sql, [{ source: 'billing', message }])
    await drain(pipeline)
    await plan(billing)
    assert.deepEqual(
      (await tasks()).map((t) => t.state),
      ['CLOSED'],
    )
  })

  test('is only computed for a difference that is shown', async () => {
    await state('erp', '1', ada)
    await state('billing', '1', { ...ada, name: 'Ada' })
    const found: DiffWrite[] = []
    const counts = await diffTarget(db.sql, context(billing), billing, (w) => found.push(w))
    assert.deepEqual([counts.goldenRecords, counts.updates, counts.creates], [1, 1, 0])
    assert.deepEqual(
      counts.fields.map((f) => [f.type, f.field, f.written]),
      [['Customer', 'name', 1]],
    )
    assert.deepEqual(found[0]?.write.values, { name: 'Ada Lovelace Ltd' })
    assert.deepEqual(await intents(), [])
  })
})
