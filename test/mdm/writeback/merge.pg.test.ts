import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { planDue } from '../../../mdm/writeback/planDue.ts'
import { registerTargets } from '../../../mdm/writeback/registerTargets.ts'
import type { TargetMapping } from '../../../mdm/writeback/target.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { done, key, person, withoutApprovals } from '../../fixtures/steward.ts'
import { drain, policy, send } from '../../fixtures/store.ts'
import { directMapping, directTarget } from './directTarget.ts'
import { type Fault, type HttpTarget, type Once, startHttpTarget } from './httpTarget.ts'
import { emptyAll, runShop, shopPipeline } from './shopRun.ts'

let db: TestDatabase
let pipeline: Pipeline
let system: HttpTarget | null = null
before(async () => {
  db = await testDatabase()
  pipeline = shopPipeline(db.sql)
})
beforeEach(async () => await emptyAll(db.sql))
afterEach(async () => {
  await system?.close()
  system = null
})
after(async () => await db?.drop())

let version = 0
async function state(
  source: string,
  id: string,
  fields: Record<string, unknown>,
  type = 'Customer',
): Promise<void> {
  await send(db.sql, [{ source, message: { type, id, version: ++version * 1e6, fields } }])
  await drain(pipeline)
}

const eve = person('eve', 'steward')
type Input = Parameters<typeof done>[2]
async function act(input: Input): Promise<string> {
  return await done({ ...pipeline, policy: withoutApprovals(policy) }, eve, input)
}
const merge = (...ids: string[]) => act({ kind: 'MERGE', ids, choices: [] })

const ada = { name: 'Ada Ltd', taxIds: ['DE129273398'], lifecycle: 'CUSTOMER', currency: 'EUR' }
const grace = { name: 'Grace Inc', taxIds: ['DE811115368'], lifecycle: 'CUSTOMER', currency: 'USD' }

const held = () => [...(system?.rows.values() ?? [])].map(({ name }) => String(name)).sort()
const tasks = async () =>
  (
    await db.sql`select state, cardinality(subject) as records from task where kind = 'DUPLICATE' order by created_at`
  ).map((t) => `${t.state} ${t.records}`)
const open = async () =>
  await db.sql`select operation, state, code from write_intent where state <> 'DONE' and released_at is null`

describe('golden records with a record each in the target', () => {
  test('that merge bring both records to the values of the survivor; undo and split write the earlier ones back', async () => {
    system = await startHttpTarget('KEY')
    await state('erp', '1', ada)
    await state('erp', '2', grace)
    await runShop(pipeline, system, 'KEY')
    assert.deepEqual(held(), ['Ada Ltd', 'Grace Inc'])
    const [one, two] = [key('erp', '1'), key('erp', '2')]
    const values = async () =>
      (
        await db.sql`select values->>'name' as name from golden where state = 'ACTIVE' order by id`
      ).map((g) => g.name)

    const merged = await merge(one, two)
    await runShop(pipeline, system, 'KEY')
    const [survivor] = await values()
    assert.deepEqual(held(), [survivor, survivor])
    assert.deepEqual(await tasks(), ['OPEN 2'])

    await act({ kind: 'UNDO', action: merged })
    await runShop(pipeline, system, 'KEY')
    assert.deepEqual(held(), ['Ada Ltd', 'Grace Inc'])
    assert.deepEqual(await tasks(), ['CLOSED 2'])

    await merge(one, two)
    await runShop(pipeline, system, 'KEY')
    assert.deepEqual(held(), [survivor, survivor])
    const [second] =
      await db.sql`select key from source_record where source = 'shop' and stated_golden = ${two}`
    await act({ kind: 'SPLIT', id: one, groups: [[two, String(second?.key)]] })
    await runShop(pipeline, system, 'KEY')
    assert.deepEqual(held(), ['Ada Ltd', 'Grace Inc'])
    assert.deepEqual([...(await open())], [])
    assert.equal(system.rows.size, 2)
    assert.deepEqual(
      (await tasks()).filter((t) => t.startsWith('OPEN')),
      [],
    )
  })
})

describe('a create that is on its way while its golden record merges', () => {
  for (const once of ['KEY', 'UPSERT', 'NONE'] satisfies Once[])
    for (const fault of ['CUT', 'NEVER'] satisfies Fault[])
      test(`ends as one record, where creates are once by ${once}, after the fault ${fault}`, async () => {
        const shop = await startHttpTarget(once)
        system = shop
        // The older one is no customer yet, so nothing is created for it before they merge.
        await state('erp', '1', { name: ada.name, taxIds: ada.taxIds })
        await state('crm', '2', grace)
        let faults = 2
        shop.fault = () => (faults-- > 0 ? fault : null)
        shop.hold = async () => {
          shop.hold = null
          await merge(key('erp', '1'), key('crm', '2'))
          // The planner knows of the merge while the request is on its way.
          while ((await db.sql`select 1 from write_due`).length > 0) await sleep(10)
        }
        await runShop(pipeline, shop, once)
        const [golden] = await db.sql`
          select id, values->>'name' as name from golden where state = 'ACTIVE' and type = 'Customer'`
        assert.equal(golden?.id, key('erp', '1'))
        assert.deepEqual(held(), [golden?.name])
        assert.deepEqual([...(await open())], [])
        const [record] =
          await db.sql`select golden_id as id from source_record where source = 'shop'`
        assert.equal(record?.id, golden?.id)
      })
})

describe('a reference of another golden record', () => {
  const plain = directMapping('billing')
  /** Billing states the keys of its own customers. */
  const invert: TargetMapping['invert'] = (object, field, value, raw, ownIds) => {
    if (field !== 'customer') return plain.invert(object, field, value, raw, ownIds)
    const [id] = ownIds('billing', 'Customer', String(value))
    assert.ok(id)
    return { values: new Map([[field, key('billing', id)]]), also: [] }
  }
  const billing = directTarget('billing', 'BILLING', { mapping: { ...plain, invert } })
  const targets = new Map([['billing', billing]])
  async function plan(): Promise<unknown[]> {
    await registerTargets(db.sql, targets)
    const context = { sql: db.sql, policy, systems: pipeline.systems, targets }
    while (await planDue(context));
    const rows = await db.sql`
      select state, values from write_intent where type = 'Contact' and state in ('PLANNED', 'WAITING') order by id`
    return rows.map((r) => [r.state, r.values.customer ?? null])
  }
  const ann = { name: 'Ann Byron', emails: ['ann@ada.example'] }

  test('follows the survivor of a merge, also when that has changed since, and undo', async () => {
    await plan()
    await state('erp', '1', { ...grace, lifecycle: 'PROSPECT' })
    await state('billing', 'B1', grace)
    await state('crm', '2', { ...ada, lifecycle: 'PROSPECT' })
    await state('crm', '3', { ...ann, customer: key('crm', '2') }, 'Contact')
    assert.deepEqual(await plan(), [['WAITING', null]])
    const merged = await merge(key('erp', '1'), key('crm', '2'))
    await state('erp', '1', { ...grace, lifecycle: 'PROSPECT', legalName: 'Grace Incorporated' })
    assert.deepEqual(await plan(), [['PLANNED', key('billing', 'B1')]])
    await act({ kind: 'UNDO', action: merged })
    await state('crm', '2', { ...ada, lifecycle: 'PROSPECT', legalName: 'Ada Limited' })
    assert.deepEqual(await plan(), [['WAITING', null]])
  })

  test('waits for the record of the present reference, not of a former one', async () => {
    await plan()
    await state('crm', '1', ada)
    await state('crm', '2', grace)
    await state('crm', '3', { ...ann, customer: key('crm', '1') }, 'Contact')
    await state('billing', 'B3', ann, 'Contact')
    assert.deepEqual(await plan(), [['WAITING', null]])
    await state('crm', '3', { ...ann, customer: key('crm', '2') }, 'Contact')
    assert.deepEqual(await plan(), [['WAITING', null]])
    await state('billing', 'B2', grace)
    assert.deepEqual(await plan(), [['PLANNED', key('billing', 'B2')]])
  })

  test('leaves a record of the target that belongs to another thing since', async () => {
    await plan()
    await state('crm', '1', ada)
    await state('billing', 'B1', ada)
    await state('billing', 'B2', ada)
    await state('crm', '3', { ...ann, customer: key('crm', '1') }, 'Contact')
    await state('billing', 'B3', { ...ann, customer: key('billing', 'B1') }, 'Contact')
    assert.deepEqual(await plan(), [])
    await act({ kind: 'UNMERGE', id: key('crm', '1'), record: key('billing', 'B1') })
    assert.deepEqual(await plan(), [['PLANNED', key('billing', 'B2')]])
  })

  test('is written once its record arrives and joins another golden record', async () => {
    await plan()
    await state('billing', 'B1', ada)
    await state('crm', '3', { ...ann, customer: key('crm', '1') }, 'Contact')
    assert.deepEqual(await plan(), [['WAITING', null]])
    await state('crm', '1', ada)
    assert.deepEqual(await plan(), [['PLANNED', key('billing', 'B1')]])
  })
})
