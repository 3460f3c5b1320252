import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { pullFigures } from '../../mdm/connections/metrics.ts'
import { readOnlyTransaction } from '../../mdm/db/readOnlyTransaction.ts'
import { remap } from '../../mdm/ingest/remap.ts'
import {
  forgetOtherPlaces,
  goldenIdPlaces,
  syncForeignGoldenIds,
} from '../../mdm/tasks/foreignGoldenIds.ts'
import { DEFAULT_RULES } from '../../mdm/tasks/rules.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { empty } from '../fixtures/store.ts'
import { KINDS_WITH_MODELS } from './kindCases.ts'
import { openPulled } from './pulledSystem.ts'

// Texts that others put into the field of the golden id, in the models of all vendors that have one.

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`truncate sync_state, sync_run, census_seen, read_hint`
})
after(async () => await db?.drop())

interface GoldenField {
  object: string
  /** The field in which `put` finds the id of a record. */
  id: string
  /** The field of the golden id with a text, in the form of `put`. */
  holding(text: string | null): Record<string, unknown>
  settings?: Record<string, string>
}

const inField = (field: string) => (text: string | null) => ({ [field]: text })

const FIELDS: Readonly<Record<string, GoldenField | null>> = {
  // The golden id is the id of the customer, and customers that others make have ids of their own.
  chargebee: null,
  // No field for golden ids.
  finance: null,
  dataverse: { object: 'accounts', id: 'accountid', holding: inField('touchstone_id') },
  gainsight: { object: 'Company', id: 'Gsid', holding: inField('Touchstone_Id__gc') },
  hubspot: { object: 'companies', id: 'id', holding: inField('touchstone_id') },
  netsuite: { object: 'customer', id: 'id', holding: inField('externalid') },
  oracle: {
    ...{ object: 'accounts', id: 'PartyId', holding: inField('TouchstoneId_c') },
    settings: { accountGoldenIdField: 'TouchstoneId_c' },
  },
  salesforce: { object: 'Account', id: 'Id', holding: inField('Touchstone_Id__c') },
  stripe: {
    ...{ object: 'customer', id: 'id' },
    holding: (text) => ({ metadata: { touchstone_id: text ?? '' } }),
  },
  zuora: { object: 'Account', id: 'id', holding: inField('touchstoneId__c') },
}
const only = process.env.TOUCHSTONE_KINDS?.split(',')
const rules = { ...DEFAULT_RULES, owners: [{ type: 'Customer', owner: 'data office' }] }

const tasks = async () =>
  (
    await db.sql<{ state: string; reason: string; owner: string }[]>`
      select state, reason, owner from task where kind = 'UNKNOWN_GOLDEN_ID' order by created_at, id`
  ).map((t) => ({ ...t }))

test('each kind with a model is one of them', () => {
  assert.deepEqual(Object.keys(FIELDS).sort(), KINDS_WITH_MODELS.map((k) => k.model.kind).sort())
})

for (const kind of KINDS_WITH_MODELS) {
  const name = kind.model.kind
  if (only && !only.includes('all') && !only.includes(name)) continue
  const field = FIELDS[name]

  describe(`${name}: a text in the field of the golden id`, () => {
    test(field ? 'is counted and one task while it is there' : 'is none', async (t) => {
      const pulled = await openPulled(db.sql, kind, {
        ...(field ? { objects: [field.object], settings: field.settings ?? {} } : {}),
      })
      t.after(() => pulled.close())
      const { system, connector } = pulled
      const places = goldenIdPlaces(new Map([[name, connector]]))
      const sync = () => syncForeignGoldenIds(db.sql, rules, places)
      const counted = async () =>
        (await readOnlyTransaction(db.sql, (tx) => pullFigures(tx)))
          .filter((f) => f.foreignGoldenIds > 0)
          .map((f) => [f.source, f.object, f.foreignGoldenIds])
      system.fill(6, 1)
      await pulled.pull()
      await sync()
      if (!field) {
        assert.deepEqual(await counted(), [])
        assert.deepEqual(await tasks(), [])
        return
      }
      const { object } = field
      const before = await counted()
      const ids = [...system.state(object)]
        .filter(([, row]) => !row.deleted && !kind.isGone?.(row.record))
        .map(([id]) => id)
        .slice(0, 2)
        .toSorted()
      const put = async (id: string, text: string | null) => {
        system.put(object, { [field.id]: id, ...field.holding(text) })
        system.clock.advance(1_200_000)
        await pulled.pull()
        await sync()
      }
      assert.deepEqual(before, [], 'the model fills no field of ours')
      await put(ids[0] ?? '', 'ACME-1')
      await put(ids[1] ?? '', '0b6f2f3e-2a5d-4c1b-9d51-2f7f1d1f0c11')
      const [task, ...others] = await tasks()
      assert.deepEqual(others, [], 'one for all records')
      assert.deepEqual([task?.state, task?.owner], ['OPEN', 'data office'])
      assert.match(
        task?.reason ?? '',
        new RegExp(`^2 records of ${object} in ${name} hold a text in \\S+ that is no golden id`),
      )
      for (const id of ids) assert.ok(task?.reason.includes(id), task?.reason)
      assert.deepEqual(await counted(), [[name, object, 2]])
      // What is stored of a place that is none any more goes; a remap finds what is there again.
      await forgetOtherPlaces(db.sql, [])
      await sync()
      assert.equal((await tasks())[0]?.state, 'CLOSED')
      await remap(pulled.pipeline, name)
      await sync()
      assert.match((await tasks())[0]?.reason ?? '', /^2 records/)
      // A golden id, whether one was issued or not, is no such text: it is a task of its record.
      await put(ids[0] ?? '', '11111111-1111-8111-a111-111111111111')
      assert.match((await tasks())[0]?.reason ?? '', /^1 record /)
      const [record] = (await tasks()).slice(1)
      assert.match(record?.reason ?? '', /bears the golden id 11111111-.*names no Customer/)
      await put(ids[1] ?? '', null)
      await put(ids[0] ?? '', null)
      assert.deepEqual(
        (await tasks()).map((x) => x.state),
        ['CLOSED', 'CLOSED'],
      )
      assert.deepEqual(await counted(), [])
    })
  })
}
