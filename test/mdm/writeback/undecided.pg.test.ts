import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { expireProposals } from '../../../mdm/stewardship/actions.ts'
import { DEFAULT_RULES } from '../../../mdm/tasks/rules.ts'
import { taskId } from '../../../mdm/tasks/tasks.ts'
import { workOnTasks } from '../../../mdm/tasks/taskWork.ts'
import { diffTarget } from '../../../mdm/writeback/diff.ts'
import { planDue } from '../../../mdm/writeback/planDue.ts'
import { readIntents } from '../../../mdm/writeback/read.ts'
import { registerTargets, scanTargets } from '../../../mdm/writeback/registerTargets.ts'
import type { Target } from '../../../mdm/writeback/target.ts'
import { TargetWriter } from '../../../mdm/writeback/writer.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { attempt, done, key, person, withoutApprovals } from '../../fixtures/steward.ts'
import { drain, policy, send } from '../../fixtures/store.ts'
import { directTarget } from './directTarget.ts'
import { openHttpTarget, shop, shopTarget, startHttpTarget } from './httpTarget.ts'
import { markLoaded } from './loadedObject.ts'
import { emptyAll, runShop, shopPipeline } from './shopRun.ts'

// A golden record that may be one that the target holds gets no second record there.

let db: TestDatabase
let pipeline: Pipeline
before(async () => {
  db = await testDatabase()
  pipeline = shopPipeline(db.sql)
})
beforeEach(async () => {
  await emptyAll(db.sql)
  await markLoaded(db.sql, 'success', 'Customer')
})
after(async () => await db?.drop())

let version = 0
async function state(source: string, id: string, fields: Record<string, unknown>): Promise<void> {
  const message = { type: 'Customer', id, version: ++version * 1e6, fields }
  await send(db.sql, [{ source, message }])
  await drain(pipeline)
}

const [phone, other] = ['+442079460018', '+442079460055']
const customer = { lifecycle: 'CUSTOMER' }
/** `trading` is like `travel`, which is like `transport`; the first and the last share nothing. */
const trading = { name: 'Tamarind Trading', phones: [phone] }
const travel = { name: 'Tamarind Travel', phones: [phone, other] }
const transport = { name: 'Tamarind Transport', phones: [other] }
const quince = { name: 'Quince Harbour Ltd', taxIds: ['DE136695976'] }

const billing = directTarget('billing', 'BILLING')
const steward = () => ({ ...pipeline, policy: withoutApprovals(policy) })
const eve = person('eve', 'steward')
const contextOf = (targets: readonly Target[]) => ({
  ...{ sql: db.sql, policy, systems: pipeline.systems },
  targets: new Map(targets.map((t) => [t.source, t])),
})

/** Plans what is due; returns what is to be created, by the id of the record in the CRM or ERP. */
async function plan(...targets: Target[]): Promise<Record<string, string>> {
  const context = contextOf(targets.length === 0 ? [billing] : targets)
  await registerTargets(db.sql, context.targets)
  for (;;) {
    const more = (await planDue(context)) || (await scanTargets(db.sql, context.targets))
    const [open] = await db.sql`select 1 from write_target where scanned_at is null`
    if (!more && !open) break
  }
  const rows = await db.sql<{ source: string; id: string; state: string; code: string | null }[]>`
    select i.source, r.source_id as id, i.state, i.code from write_intent i join source_record r on r.key = i.golden_id
    where i.operation = 'CREATE' order by r.source_id, i.source`
  return Object.fromEntries(
    rows.map((r) => [
      targets.length > 1 ? `${r.id} in ${r.source}` : r.id,
      [r.state, r.code].filter((x) => x !== null).join(' '),
    ]),
  )
}
const WAITS = 'WAITING POSSIBLE_MATCH'
const notAMatch = (...ids: string[]) => done(steward(), eve, { kind: 'NOT_A_MATCH', ids })
const merge = (...ids: string[]) => done(steward(), eve, { kind: 'MERGE', ids, choices: [] })

describe('a create waits while a task asks whether the target has the thing already', () => {
  test('names the task, shows as waiting, and is made once people decide that it is another thing', async () => {
    await state('crm', 'A', { ...trading, ...customer })
    await state('billing', 'B', travel)
    assert.deepEqual(await plan(), { A: WAITS })
    const [a, b] = [key('crm', 'A'), key('billing', 'B')]
    const task = taskId('POSSIBLE_MATCH', [a, b])
    const [waiting] = await readIntents(db.sql, { needsPerson: true }, 10, null)
    assert.equal(
      waiting?.detail,
      `this Customer may be ${b}, which has Customer B in billing: decide task ${task}`,
    )
    const counts = await diffTarget(db.sql, contextOf([billing]), billing, () => {})
    assert.deepEqual([counts.creates, counts.waiting, counts.refused], [0, 1, 0])
    assert.deepEqual(counts.fields.find((f) => f.field === '')?.codes, ['POSSIBLE_MATCH'])
    const until = new Date(Date.now() + 3_600_000).toISOString()
    const work = { kind: 'DEFER', until } as const
    const [deferred] = await workOnTasks(db.sql, DEFAULT_RULES, eve, [task], work)
    assert.equal(deferred?.code, 'DONE')
    await state('crm', 'A', { ...trading, ...customer, accountOwner: 'Eve' })
    assert.deepEqual(await plan(), { A: WAITS }, 'a deferred task is open')
    await notAMatch(a, b)
    assert.deepEqual(await plan(), { A: 'PLANNED' })
  })

  test('is none but an update once they decide that it is the same', async () => {
    await state('crm', 'A', { ...trading, ...customer })
    await state('billing', 'B', travel)
    assert.deepEqual(await plan(), { A: WAITS })
    await merge(key('crm', 'A'), key('billing', 'B'))
    assert.deepEqual(await plan(), {})
    const updates = await db.sql`select operation, source_id, state from write_intent`
    assert.deepEqual(
      updates.map((u) => [u.operation, u.sourceId ?? u.source_id, u.state]),
      [['UPDATE', 'B', 'PLANNED']],
    )
  })

  for (const decided of ['the first', 'the second'] as const)
    test(`follows a chain of golden records, until ${decided} of two tasks is decided`, async () => {
      await state('crm', 'A', { ...trading, ...customer })
      await state('erp', 'B', travel)
      await state('billing', 'C', transport)
      const [a, b, c] = [key('crm', 'A'), key('erp', 'B'), key('billing', 'C')]
      const open = await db.sql`select 1 from task where state = 'OPEN' and kind = 'POSSIBLE_MATCH'`
      assert.equal(open.length, 2)
      assert.deepEqual(await plan(), { A: WAITS })
      const [intent] = await readIntents(db.sql, {}, 10, null)
      assert.ok(intent?.detail?.endsWith(`decide task ${taskId('POSSIBLE_MATCH', [a, b])}`))
      await notAMatch(...(decided === 'the first' ? [a, b] : [b, c]))
      assert.deepEqual(await plan(), { A: 'PLANNED' })
    })

  test('waits again when a task opens in the middle of a chain, or the other one gets a record', async () => {
    await state('crm', 'A', { ...trading, ...customer })
    await state('erp', 'B', travel)
    assert.deepEqual(await plan(), { A: 'PLANNED' }, 'nobody has a record there')
    await state('billing', 'C', transport)
    assert.deepEqual(await plan(), { A: WAITS })
    const gone = { type: 'Customer', id: 'C', version: ++version * 1e6, deleted: true, fields: {} }
    await send(db.sql, [{ source: 'billing', message: gone }])
    await drain(pipeline)
    assert.deepEqual(await plan(), { A: 'PLANNED' })
    await merge(key('erp', 'B'), key('crm', 'A'))
    await state('billing', 'D', transport)
    assert.deepEqual(await plan(), { A: WAITS })
  })

  test('is made for one of two that may be one thing; the other waits', async () => {
    await state('crm', 'A', { ...trading, ...customer })
    assert.deepEqual(await plan(), { A: 'PLANNED' })
    await state('erp', 'B', { ...travel, ...customer })
    const [a, b] = [key('crm', 'A'), key('erp', 'B')]
    const first = a < b ? { A: 'PLANNED', B: WAITS } : { A: WAITS, B: 'PLANNED' }
    assert.deepEqual(await plan(), first)
    await notAMatch(a, b)
    assert.deepEqual(await plan(), { A: 'PLANNED', B: 'PLANNED' })
  })

  test('waits in the target that has the other one alone', async () => {
    await state('crm', 'A', { ...trading, ...customer })
    await state('billing', 'B', travel)
    assert.deepEqual(await plan(billing, directTarget('success', 'SUCCESS')), {
      'A in billing': WAITS,
      'A in success': 'PLANNED',
    })
  })

  test('asks for approval only after the decision', async () => {
    const target = directTarget('billing', 'BILLING', { mode: 'APPROVE' })
    await state('crm', 'A', { ...trading, ...customer })
    assert.deepEqual(await plan(target), { A: 'WAITING_APPROVAL' })
    await state('billing', 'B', travel)
    assert.deepEqual(await plan(target), { A: WAITS })
    await notAMatch(key('crm', 'A'), key('billing', 'B'))
    assert.deepEqual(await plan(target), { A: 'WAITING_APPROVAL' })
  })

  test('waits for the proposal of a merge, until it expires or is declined', async () => {
    const rules = {
      ...DEFAULT_RULES,
      approval: { ...DEFAULT_RULES.approval, mergeValueMin: 0 },
    }
    await state('crm', 'A', { ...trading, ...customer })
    await state('billing', 'Q', quince)
    const [a, q] = [key('crm', 'A'), key('billing', 'Q')]
    assert.deepEqual(await plan(), { A: 'PLANNED' })
    const proposal = { kind: 'MERGE' as const, ids: [a, q], choices: [] }
    const outcome = await attempt({ ...steward(), rules }, eve, proposal)
    assert.equal(outcome.code, 'NEEDS_APPROVAL')
    assert.deepEqual(await plan(), { A: WAITS })
    await db.sql`update action set expires_at = now() - interval '1 second'`
    assert.equal(await expireProposals(db.sql), 1)
    assert.deepEqual(await plan(), { A: 'PLANNED' })
  })

  test('waits for the confirmation that a record left its golden record', async () => {
    await state('billing', 'B', quince)
    await state('crm', 'A', { ...quince, ...customer })
    assert.deepEqual(await plan(), {})
    await state('crm', 'A', { name: 'Zircon Bridge SE', taxIds: ['DE811115368'], ...customer })
    const tasks = await db.sql<{ kind: string; subject: string[] }[]>`
      select kind, subject from task where state = 'OPEN'`
    assert.deepEqual(
      tasks.map((t) => t.kind),
      ['SPLIT'],
    )
    assert.deepEqual(await plan(), { A: WAITS })
    await notAMatch(...(tasks[0]?.subject ?? []))
    assert.deepEqual(await plan(), { A: 'PLANNED' })
  })

  test('does not wait for its parent, which is kin and no possible match', async () => {
    await state('billing', 'B', travel)
    await state('crm', 'A', { ...trading, ...customer, parent: key('billing', 'B') })
    assert.deepEqual(await plan(), { A: 'PLANNED' })
  })
})

describe('the writer looks again before it creates a record', () => {
  test('and sends nothing where a task was opened since the plan', async (t) => {
    const system = await startHttpTarget('KEY')
    t.after(() => system.close())
    const connection = openHttpTarget(system.url, 'KEY')
    const target = shopTarget(connection)
    await state('crm', 'A', { ...trading, ...customer })
    assert.deepEqual(await plan(target), { A: 'PLANNED' })
    await state('billing', 'B', travel)
    // The record of the shop bears the tax number of billing's.
    await state('billing', 'B', { ...travel, taxIds: quince.taxIds })
    const row = { id: 'S1', name: travel.name, tax: quince.taxIds[0] }
    system.rows.set('S1', { ...row, modified: '2026-01-01T00:00:00Z' })
    const body = JSON.stringify(system.rows.get('S1'))
    await db.sql`
      with added as (
        insert into inbox (source, message_id, object, format, body, correlation_id)
        values ('shop', ${randomUUID()}, 'customers', 'row', ${body}, ${randomUUID()}) returning id)
      insert into pending (inbox_id) select id from added`
    await drain(pipeline)
    // As if the plan had been made before the task was there.
    await db.sql`delete from write_due`
    const errors: unknown[] = []
    const writer = new TargetWriter({
      ...{ sql: db.sql, holder: randomUUID() },
      sources: new Map([['shop', { connection, target: () => target, reader: () => shop }]]),
      onError: (e) => errors.push(e),
    })
    writer.start()
    try {
      for (let n = 0; (await db.sql`select 1 from write_due`).length === 0; n++) {
        assert.ok(n < 1_000, 'it is planned again')
        await sleep(20)
      }
    } finally {
      await writer.stop()
    }
    assert.deepEqual([errors, system.writes], [[], 0])
    assert.deepEqual(await plan(target), { A: WAITS })
    await notAMatch(key('crm', 'A'), key('billing', 'B'))
    await runShop(pipeline, system, 'KEY')
    const names = [...system.rows.values()].map((r) => r.name).sort()
    assert.deepEqual(names, [trading.name, travel.name])
  })

  test('and does not repeat a create of unknown outcome', async (t) => {
    const system = await startHttpTarget('KEY')
    t.after(() => system.close())
    // Both attempts of one write are lost before they are applied.
    let faults = 2
    system.fault = () => (faults-- > 0 ? 'NEVER' : null)
    await state('crm', 'A', { ...trading, ...customer })
    system.hold = async () => {
      system.hold = null
      const row = { id: 'S1', name: travel.name, tax: quince.taxIds[0] }
      system.rows.set('S1', { ...row, modified: '2026-01-01T00:00:00Z' })
      await state('billing', 'B', { ...travel, taxIds: quince.taxIds })
      const body = JSON.stringify(system.rows.get('S1'))
      await db.sql`
        with added as (
          insert into inbox (source, message_id, object, format, body, correlation_id)
          values ('shop', ${randomUUID()}, 'customers', 'row', ${body}, ${randomUUID()}) returning id)
        insert into pending (inbox_id) select id from added`
      await drain(pipeline)
    }
    await runShop(pipeline, system, 'KEY')
    assert.equal(system.rows.size, 1)
    const [intent] = await readIntents(db.sql, {}, 10, null)
    assert.deepEqual([intent?.state, intent?.code], ['WAITING', 'POSSIBLE_MATCH'])
  })
})
