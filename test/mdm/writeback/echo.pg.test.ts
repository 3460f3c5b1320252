import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { transaction } from '../../../mdm/db/transaction.ts'
import { heldRaw } from '../../../mdm/echo/heldRaw.ts'
import {
  confirmWritten,
  loadWritten,
  saveWritten,
  withdrawWritten,
} from '../../../mdm/echo/writtenValues.ts'
import type { Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { remap } from '../../../mdm/ingest/remap.ts'
import { replay } from '../../../mdm/ingest/replay.ts'
import { checkRebuild } from '../../../mdm/policy/rebuild.ts'
import { recordKey } from '../../../schema/recordKey.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import type { DirectMessage } from '../../fixtures/directSource.ts'
import { directPipeline, drain, empty, send } from '../../fixtures/store.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db.drop())

const key = recordKey('crm', 'Customer', '1')
const name = 'Nordwind Logistik GmbH'

function customer(version: number, fields: Record<string, unknown>, more = {}) {
  const message: DirectMessage = {
    type: 'Customer',
    id: '1',
    version: version * 1e6,
    fields: { name, ...fields },
    ...more,
  }
  return { source: 'crm', message }
}

async function stored() {
  const [row] = await db.sql<{ raw: Record<string, unknown>; version: number; values: object }[]>`
    select r.raw, r.version, g.values from source_record r join golden g on g.id = r.golden_id where r.key = ${key}`
  assert.ok(row)
  return row
}

const changes = async () => (await db.sql`select position from change`).length

test('a value that comes back after a write changes no record, no golden record and no stamp', async () => {
  await empty(db.sql)
  await db.sql`truncate written_value, written_record`
  const pipeline = directPipeline(db.sql)
  await send(db.sql, [customer(10, { paymentTerms: 'NET30' })])
  await drain(pipeline)
  const before = await stored()
  await transaction(db.sql, (tx) =>
    saveWritten(tx, {
      intentId: 7,
      goldenId: key,
      source: 'crm',
      object: 'Customer',
      sourceId: '1',
      values: { paymentTerms: 'NET14', jobTitle: null },
    }),
  )
  await transaction(db.sql, (tx) => confirmWritten(tx, 7, '1'))
  const written = async () =>
    (await transaction(db.sql, (tx) => loadWritten(tx, [key]))).get(key) ?? []
  assert.deepEqual(heldRaw(before.raw, await written()), {
    name,
    paymentTerms: 'NET14',
    jobTitle: null,
  })
  const events = await changes()
  await send(db.sql, [customer(20, { paymentTerms: 'NET14' })])
  assert.deepEqual(await drain(pipeline), { applied: 0, skipped: 1, exceptions: 0 })
  const [outcome] =
    await db.sql`select outcome, code, detail from outcome order by inbox_id desc limit 1`
  assert.deepEqual(
    { ...outcome },
    {
      outcome: 'SKIPPED',
      code: 'ECHO',
      detail: 'it follows from what was written to the system, and nothing else is new',
    },
  )
  assert.deepEqual([await stored(), await changes()], [before, events])
  assert.deepEqual(
    (await written()).map((w) => [w.path, w.state, w.since, typeof w.appliedAt]),
    [
      ['jobTitle', 'SEEN', 10e6, 'number'],
      ['paymentTerms', 'SEEN', 10e6, 'number'],
    ],
  )

  // A late own change between the write and the echo, then replay and remap: the same result.
  await send(db.sql, [customer(15, { paymentTerms: 'NET60' })])
  await drain(pipeline)
  const late = await stored()
  assert.deepEqual([late.raw.paymentTerms, late.version], ['NET60', 15e6])
  const options = { source: 'crm', from: null, to: null, after: 0, actor: 'a', reason: 'r' }
  await replay(db.sql, options)
  await drain(pipeline)
  await remap(pipeline, 'crm')
  assert.deepEqual(await stored(), late)
  assert.deepEqual((await checkRebuild(db.sql, pipeline)).differences, [])

  // Another value is the system's own, and so is the written one when it is typed later.
  await send(db.sql, [customer(30, { paymentTerms: 'NET7' })])
  await drain(pipeline)
  assert.equal((await stored()).raw.paymentTerms, 'NET7')
  await send(db.sql, [customer(40, { paymentTerms: 'NET14' })])
  await drain(pipeline)
  const typed = await stored()
  assert.deepEqual([typed.raw.paymentTerms, typed.version], ['NET14', 40e6])
})

describe('a record that a write created', () => {
  const golden = recordKey('billing', 'Customer', '1')
  const created = recordKey('crm', 'Customer', '9')
  const values = { name, paymentTerms: 'NET30', customFields: null }
  const write = {
    intentId: 9,
    goldenId: golden,
    source: 'crm',
    object: 'Customer',
    sourceId: null,
    values,
  }
  const own = { name, paymentTerms: 'NET30', emails: ['info@nordwind.example'] }
  const states = (version: number, fields: Record<string, unknown>, id = '9') => ({
    source: 'crm',
    message: { type: 'Customer', id, version: version * 1e6, fields },
  })
  const crosswalk = async () =>
    await db.sql<{ id: string; golden: string; complete: boolean }[]>`
      select source || '/' || source_id as id, golden_id as golden, complete from source_record order by id`
  const goldens = async () =>
    await db.sql`select id, version, values, provenance from golden where state = 'ACTIVE' order by id`

  async function begin(): Promise<Pipeline> {
    await empty(db.sql)
    await db.sql`truncate written_value, written_record`
    const pipeline = directPipeline(db.sql)
    await send(db.sql, [
      { source: 'billing', message: { type: 'Customer', id: '1', version: 1e6, fields: own } },
    ])
    await drain(pipeline)
    await transaction(db.sql, (tx) => saveWritten(tx, write))
    return pipeline
  }

  for (const first of ['its response', 'its message'])
    test(`belongs to its golden record and says nothing there, when ${first} comes first`, async () => {
      const pipeline = await begin()
      const before = await goldens()
      const confirm = () => transaction(db.sql, (tx) => confirmWritten(tx, 9, '9'))
      if (first === 'its response') await confirm()
      await send(db.sql, [states(20, { name, paymentTerms: 'NET30' })])
      assert.deepEqual(await drain(pipeline), { applied: 1, skipped: 0, exceptions: 0 })
      if (first === 'its message') await confirm()
      assert.deepEqual(await goldens(), before)
      assert.deepEqual(
        [...(await crosswalk())],
        [
          { id: 'billing/1', golden, complete: true },
          { id: 'crm/9', golden, complete: false },
        ],
      )
      assert.deepEqual((await checkRebuild(db.sql, pipeline)).differences, [])
      await send(db.sql, [states(30, { name, paymentTerms: 'NET30', lifecycle: null })])
      assert.equal((await drain(pipeline)).exceptions, 0)
      assert.deepEqual(await goldens(), before)

      // What the system states itself later counts, as soon as it has a name of its own.
      await send(db.sql, [states(40, { name: 'Nordwind Logistics', paymentTerms: 'NET30' })])
      await drain(pipeline)
      assert.deepEqual(
        (await crosswalk()).map((r) => r.golden),
        [golden, golden],
      )
      assert.deepEqual((await checkRebuild(db.sql, pipeline)).differences, [])

      // A name that speaks against it is a decision for people.
      await send(db.sql, [states(50, { name: 'Casa Lupo S.r.l.', paymentTerms: 'NET30' })])
      await drain(pipeline)
      assert.deepEqual(
        (await crosswalk()).map((r) => r.golden),
        [golden, created],
      )
      const tasks = await db.sql`select kind, reason from task where state = 'OPEN'`
      assert.deepEqual(
        tasks.map((t) => [t.kind, t.reason]).filter(([kind]) => kind === 'CONFLICT'),
        [['CONFLICT', 'it bears the golden id, but its values speak against it']],
      )
      assert.deepEqual((await checkRebuild(db.sql, pipeline)).differences, [])
    })

  test('goes where its golden id leads after a merge and a split', async () => {
    const pipeline = await begin()
    await transaction(db.sql, (tx) => confirmWritten(tx, 9, '9'))
    await send(db.sql, [states(20, { name, paymentTerms: 'NET30' })])
    // An older record of the same thing makes the golden id lead elsewhere, until it changes.
    const erp = (version: number, fields: Record<string, unknown>) => ({
      source: 'erp',
      message: { type: 'Customer', id: '7', version: version * 1e6, fields },
    })
    await send(db.sql, [erp(1, own)])
    await drain(pipeline)
    assert.deepEqual(new Set((await crosswalk()).map((r) => r.golden)), new Set([golden]))
    await send(db.sql, [erp(2, { name: 'Casa Lupo S.r.l.', emails: ['sales@casalupo.example'] })])
    await drain(pipeline)
    assert.deepEqual(
      (await crosswalk()).map((r) => [r.id, r.golden === golden]),
      [
        ['billing/1', true],
        ['crm/9', true],
        ['erp/7', false],
      ],
    )
    assert.deepEqual((await checkRebuild(db.sql, pipeline)).differences, [])
  })

  test('is not taken for another one that looks like it once its response names it', async () => {
    const pipeline = await begin()
    await send(db.sql, [states(20, { name, paymentTerms: 'NET30' }, '8')])
    await drain(pipeline)
    await transaction(db.sql, (tx) => confirmWritten(tx, 9, '9'))
    await drain(pipeline)
    const [other] = await db.sql`
      select raw, complete, stated_golden as stated from source_record where source_id = '8'`
    assert.deepEqual(
      { ...other },
      { raw: { name, paymentTerms: 'NET30' }, complete: true, stated: null },
    )
    await send(db.sql, [states(20, { name, paymentTerms: 'NET30' })])
    await drain(pipeline)
    assert.equal((await crosswalk()).find((r) => r.id === 'crm/9')?.golden, golden)
    assert.deepEqual((await checkRebuild(db.sql, pipeline)).differences, [])
  })
})

describe('a record with a golden id that its system states', () => {
  const golden = recordKey('billing', 'Customer', '1')
  const unknown = recordKey('crm', 'Customer', '77')
  const record = (source: string, id: string, fields: Record<string, unknown>, more = {}) => ({
    source,
    message: { type: 'Customer', id, version: 1e6, fields, ...more },
  })
  let pipeline: Pipeline
  before(() => {
    pipeline = directPipeline(db.sql)
    const crm = pipeline.connectors.get('crm')
    assert.ok(crm)
    const goldenIdOf = (_object: string, raw: Record<string, unknown>) =>
      typeof raw.touchstone === 'string' ? raw.touchstone : null
    const map = (object: string, { touchstone: _, ...raw }: Record<string, unknown>) =>
      crm.map(object, raw)
    pipeline.connectors = new Map([...pipeline.connectors, ['crm', { ...crm, map, goldenIdOf }]])
  })
  beforeEach(async () => {
    await empty(db.sql)
    await db.sql`truncate written_value, written_record`
  })

  const mates = async () =>
    (
      await db.sql`
        select source || '/' || source_id as id, (select count(*)::int from source_record m
          where m.golden_id = s.golden_id and not m.deleted) as mates from source_record s where not deleted order by 1`
    ).map((r) => [r.id, r.mates])
  const tasks = async () =>
    (
      await db.sql`
        select s.source_id as id, t.reason, t.owner from task t join source_record s on s.key = any(t.subject)
        where t.kind = 'UNKNOWN_GOLDEN_ID' and t.state = 'OPEN' order by 1`
    ).map((t) => ({ ...t }))

  test('belongs where the id leads, unless its values speak against it', async () => {
    const all = [
      record('crm', '1', { name: 'Nordwind Logistics', touchstone: golden }),
      record('crm', '2', { name: 'Casa Lupo S.r.l.', touchstone: golden }),
      record('crm', '3', { name: 'Blue Fen Ltd', touchstone: unknown }),
      record('billing', '1', { name }),
    ]
    for (const order of [all, all.toReversed()]) {
      await empty(db.sql)
      await send(db.sql, order)
      await drain(pipeline, 1)
      assert.deepEqual(await mates(), [
        ['billing/1', 2],
        ['crm/1', 2],
        ['crm/2', 1],
        ['crm/3', 1],
      ])
      assert.deepEqual(await tasks(), [
        {
          id: '3',
          reason: `Customer 3 of crm bears the golden id ${unknown}, which names no Customer: it may have been copied or typed. Put the right id there, or empty the field`,
          owner: 'integration',
        },
      ])
      assert.deepEqual((await checkRebuild(db.sql, pipeline)).differences, [])
    }
  })

  test('is a task while the id names nothing of its type', async () => {
    const product = recordKey('erp', 'Product', 'P')
    const bear = (version: number, touchstone: string | null) =>
      send(db.sql, [
        record('crm', '1', { name: 'Blue Fen Ltd', touchstone }, { version: version * 1e6 }),
      ])
    const product1 = { type: 'Product', id: 'P', version: 1e6, fields: { name: 'Sensor' } }
    await send(db.sql, [{ source: 'erp', message: product1 }])
    await drain(pipeline)
    const open: number[] = []
    for (const [n, id] of [product, golden, null, unknown, product].entries()) {
      await bear(n + 1, id)
      if (n === 1) await send(db.sql, [record('billing', '1', { name: 'Blue Fen Limited' })])
      await drain(pipeline)
      open.push((await tasks()).length)
    }
    assert.deepEqual(open, [1, 0, 0, 1, 1])
    await send(db.sql, [record('crm', '1', {}, { version: 9e6, deleted: true })])
    await drain(pipeline)
    assert.deepEqual(await tasks(), [])
  })

  test('belongs to the record that holds the place of the one which the id names', async () => {
    const emails = ['info@nordwind.example']
    await send(db.sql, [record('billing', '1', { name, emails })])
    await send(db.sql, [record('erp', '1', { name, emails })])
    await drain(pipeline)
    await send(db.sql, [record('billing', '1', {}, { version: 2e6, deleted: true })])
    await drain(pipeline)
    await send(db.sql, [record('crm', '1', { name: 'Nordwind Logistics', touchstone: golden })])
    await drain(pipeline)
    assert.deepEqual(await mates(), [
      ['crm/1', 2],
      ['erp/1', 2],
    ])
    assert.deepEqual((await checkRebuild(db.sql, pipeline)).differences, [])
  })

  test('belongs there too when both records arrive at once', async () => {
    for (let n = 0; n < 5; n++) {
      await empty(db.sql)
      await send(db.sql, [
        record('crm', '1', { name: 'Nordwind Logistics', touchstone: golden }),
        record('billing', '1', { name }),
      ])
      await Promise.all([drain(pipeline, 1), drain(pipeline, 1)])
      assert.deepEqual(await mates(), [
        ['billing/1', 2],
        ['crm/1', 2],
      ])
      assert.deepEqual(await tasks(), [])
    }
  })
})

test('a write that was not applied leaves no trace', async () => {
  await empty(db.sql)
  await db.sql`truncate written_value, written_record`
  const pipeline = directPipeline(db.sql)
  await send(db.sql, [customer(10, {})])
  await drain(pipeline)
  const write = {
    intentId: 8,
    goldenId: key,
    source: 'crm',
    object: 'Customer',
    sourceId: '1',
    values: { paymentTerms: 'NET14' },
  }
  await transaction(db.sql, (tx) => saveWritten(tx, write))
  await transaction(db.sql, (tx) => saveWritten(tx, write))
  await transaction(db.sql, (tx) => withdrawWritten(tx, 8))
  await send(db.sql, [customer(20, { paymentTerms: 'NET14' })])
  assert.equal((await drain(pipeline)).applied, 1)
  assert.equal((await stored()).raw.paymentTerms, 'NET14')
})
