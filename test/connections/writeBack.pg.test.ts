import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test'
import type { Fault } from '../../demo/systems/kit/faults.ts'
import { DEFAULT_RULES } from '../../mdm/tasks/rules.ts'
import { recordKey } from '../../schema/recordKey.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { attempt, person, withoutApprovals } from '../fixtures/steward.ts'
import { empty, policy } from '../fixtures/store.ts'
import { KINDS_THAT_WRITE } from './kindCases.ts'
import { type KindCase, openPulled } from './pulledSystem.ts'
import { openWritten } from './writtenSystem.ts'

// From a change of a golden record to the model of a vendor and back: the planner, the writer, the
// connection and the mapping as they are, with Postgres, against a model that knows none of them.

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`truncate sync_state, sync_run, census_seen, read_hint`
  await db.sql`truncate write_due, write_intent, write_target, written_value, written_record, task cascade`
})
after(async () => await db?.drop())

interface WrittenKind {
  /** The object that has customers. */
  object: string
  /** The field of the name in the form of `put`. */
  name: string
  /** The field in which `put` finds the id of a record. */
  id: string
  /** Fields that are read from the same places as the name. */
  named?: readonly string[]
  /** Further fields of a customer that is created. */
  created?: Record<string, unknown>
  /** Fields of a customer that is created of which each one has its own. */
  unique?: readonly string[]
  /** False where the kind creates no customers. */
  creates?: false
  /** Further settings of the connection. */
  settings?: Record<string, string>
}

const WRITTEN: Readonly<Record<string, WrittenKind>> = {
  chargebee: { object: 'customer', name: 'company', id: 'id' },
  dataverse: { object: 'accounts', name: 'name', id: 'accountid' },
  finance: { object: 'CustomersV3', name: 'OrganizationName', id: 'id', creates: false },
  gainsight: { object: 'Company', name: 'Name', id: 'Gsid' },
  hubspot: { object: 'companies', name: 'name', id: 'id' },
  netsuite: { object: 'customer', name: 'companyname', id: 'id' },
  oracle: {
    ...{ object: 'accounts', name: 'OrganizationName', id: 'PartyId' },
    settings: { accountGoldenIdField: 'TouchstoneId_c' },
  },
  salesforce: { object: 'Account', name: 'Name', id: 'Id' },
  sap: {
    ...{ object: 'A_BusinessPartner', name: 'OrganizationBPName1', id: 'id', named: ['legalName'] },
    created: {
      kind: 'ORGANISATION',
      billingAddress: { street: 'Lindenallee 7', city: 'Ulm', postcode: '89073', country: 'DE' },
      emails: ['buero@quarz.example', 'rechnung@quarz.example'],
      phones: ['+49731123456'],
    },
    unique: ['taxIds'],
  },
  stripe: { object: 'customer', name: 'name', id: 'id' },
  zuora: { object: 'Account', name: 'name', id: 'id', creates: false },
}

/** Requests that write: a sign-in, a search and a query are not among them. */
const WRITES = /^(POST|PATCH|PUT) (?!.*(token|search|query|suiteql|read))/i
const FAULTS: readonly Fault[] = [
  { kind: 'afterWrite', status: 500 },
  { kind: 'cut', after: 'nothing' },
  { kind: 'cut', after: 'execution' },
  { kind: 'twice' },
]
/** One person decides about a merge, whatever its value. */
const rules = {
  ...DEFAULT_RULES,
  approval: { ...DEFAULT_RULES.approval, mergeValueMin: Number.MAX_VALUE },
}
const only = process.env.TOUCHSTONE_KINDS?.split(',')

test('each kind with a model is written to', () => {
  assert.deepEqual(Object.keys(WRITTEN).sort(), KINDS_THAT_WRITE.map((k) => k.model.kind).sort())
})

for (const kind of KINDS_THAT_WRITE) {
  const name = kind.model.kind
  const written = WRITTEN[name]
  if (!written || (only && !only.includes('all') && !only.includes(name))) continue
  const { object, named = [], created = {}, unique = [] } = written
  const listed = [...Object.keys(created), ...unique]
  const fields = listed.length > 0 ? { fields: listed } : {}
  const namedAs = (text: string) => Object.fromEntries(['name', ...named].map((f) => [f, text]))

  async function open(t: TestContext) {
    const asked: KindCase = {
      ...kind,
      // So that the ERP owns the names of its customers, whatever the vendor sells.
      role: 'BILLING',
      connection: (system) => ({ ...kind.connection(system), ...written?.settings }),
      write: {
        mode: 'on',
        Customer: {
          ...{ object, update: ['name', ...named] },
          ...(written?.creates === false
            ? {}
            : { create: { when: { lifecycle: ['CUSTOMER'] }, ...fields } }),
        },
        limits: { perMinute: 100_000, perDay: 1_000_000, changedRecordsMax: 100_000 },
      },
    }
    const pulled = await openPulled(db.sql, asked, { objects: [object] })
    t.after(() => pulled.close())
    const { system, connection, connector } = pulled
    system.fill(6, 1)
    await pulled.pull()
    const target = openWritten(db.sql, name, pulled)
    const [first] = await db.sql<{ id: string; key: string; fields: Record<string, unknown> }[]>`
      select source_id as id, key, canonical as fields from source_record
      where source = ${name} and object = ${connector.objectName(object)} and not deleted and complete
        and coalesce(canonical->>'kind', 'ORGANISATION') = 'ORGANISATION'
        and coalesce(canonical->>'lifecycle', 'CUSTOMER') = 'CUSTOMER'
      order by id limit 1`
    assert.ok(first)
    /** A record as the mapping reads it from the vendor. */
    const fieldsOf = async (id: string) => {
      const row = await connection.read(object, id, AbortSignal.timeout(10_000))
      return row?.record ? connector.map(object, row.record).fields : null
    }
    const nameOf = async (id: string) => (await fieldsOf(id))?.name ?? null
    /** The ERP knows the same customer, by all that the vendor states, and names it. */
    const rename = async (text: string) => {
      await target.state('erp', '1', {
        ...{ ...first.fields, lifecycle: 'CUSTOMER', ...namedAs(text) },
      })
      const ids = [recordKey('erp', 'Customer', '1'), first.key]
      const steward = { ...target.pipeline, policy: withoutApprovals(policy), rules }
      const [apart] = await db.sql`
        select 1 from source_record a join source_record b on a.golden_id <> b.golden_id
        where a.key = ${ids[0] ?? ''} and b.key = ${ids[1] ?? ''}`
      if (!apart) return
      // What is alike by name alone is one thing if a person says so.
      const golden = await db.sql<{ id: string }[]>`
        select distinct golden_id as id from source_record where key = any(${ids}::uuid[])`
      const merge = { kind: 'MERGE' as const, ids: golden.map((g) => g.id), choices: [] }
      const outcome = await attempt(steward, person('eve', 'steward'), merge)
      assert.equal(outcome.code, 'DONE', JSON.stringify(outcome))
    }
    /** Writes of ours to customers. */
    const ours = () =>
      system.writes().filter((w) => w.object === object && w.by === 'api' && w.action !== 'deleted')
    /** What was written comes back, and nothing follows. */
    const silence = async () => {
      const before = system.writes().length
      // Beyond the lag and the overlap of each kind.
      system.clock.advance(1_200_000)
      await pulled.pull()
      await target.write()
      const more = system.writes().slice(before)
      assert.deepEqual(more, [], 'an echo is no news')
      assert.deepEqual(system.requests().unknown, [])
    }
    const live = () =>
      [...system.state(object)].filter(([, row]) => !row.deleted && !kind.isGone?.(row.record))
    return { ...pulled, ...target, first, nameOf, fieldsOf, rename, ours, silence, live }
  }

  describe(`${name} ${object}`, () => {
    test('a changed name is written once, whatever happens to the request, and then there is silence', async (t) => {
      const { first, nameOf, rename, write, ours, silence, system, intents } = await open(t)
      await rename('Erste Umbenennung GmbH')
      await write()
      assert.equal(
        await nameOf(first.id),
        'Erste Umbenennung GmbH',
        JSON.stringify(await intents()),
      )
      const once = ours().length
      assert.ok(once >= 1)
      for (const [n, fault] of FAULTS.entries()) {
        system.clock.advance(2_000)
        system.faults.add(fault, WRITES)
        await rename(`Name ${n} nach Störung GmbH`)
        await write()
        assert.equal(await nameOf(first.id), `Name ${n} nach Störung GmbH`, JSON.stringify(fault))
      }
      assert.ok(system.faults.met().has('afterWrite') && system.faults.met().has('cut'))
      // The second of two executions may meet the version of the first.
      const others = (await intents()).filter((i) => i.state !== 'DONE' && i.state !== 'CONFLICT')
      assert.deepEqual(others, [])
      // The record states its own name as before: what was written is none of its statements.
      const [own] =
        await db.sql`select canonical->>'name' as name from source_record where key = ${first.key}`
      assert.equal(own?.name, first.fields.name)
      await silence()
      const [golden] = await db.sql`
        select g.values->>'name' as name from golden g join source_record r on r.golden_id = g.id where r.key = ${first.key}`
      assert.equal(golden?.name, 'Name 3 nach Störung GmbH')
    })

    test('a change by a user meanwhile is a conflict, and is planned again; a record that is gone is refused', async (t) => {
      const { first, nameOf, rename, plan, write, silence, system, intents, live } = await open(t)
      await rename('Von der ERP GmbH')
      await plan()
      system.clock.advance(2_000)
      system.put(object, { [written.id]: first.id, [written.name]: 'Von Hand GmbH' })
      await write()
      assert.ok((await intents()).some((i) => i.state === 'CONFLICT'))
      assert.equal(await nameOf(first.id), 'Von der ERP GmbH')
      await silence()
      const size = live().length
      await rename('Noch einmal GmbH')
      await plan()
      system.clock.advance(2_000)
      try {
        system.remove(object, first.id)
      } catch {
        // The vendor does not permit it, so there is no record that is gone.
        await write()
        return
      }
      await write()
      assert.ok((await intents()).some((i) => i.state === 'REFUSED'))
      assert.equal(live().length, size - 1)
      await silence()
    })

    if (written.creates !== false)
      test('a customer is created once, whatever happens to the request', async (t) => {
        const { state, write, live, nameOf, fieldsOf, silence, system, intents, connection } =
          await open(t)
        // Where nothing makes a create harmless, a proxy that repeats it makes two records.
        const once = connection.writing.abilityOf(object)?.once.by
        const faults = FAULTS.filter((f) => f.kind !== 'twice' || once !== 'NONE')
        await write()
        const before = new Set(live().map(([id]) => id))
        for (const [n, fault] of faults.entries()) {
          system.faults.add(fault, WRITES)
          const text = ['Quarzhafen', 'Lindenbrücke', 'Morgenwerk', 'Kieselfeld'][n] ?? ''
          const taxIds = [['DE136695976', 'DE129273398', 'DE811115368', 'DE811569869'][n]]
          await state('erp', `new ${n}`, {
            ...{ ...namedAs(`${text} AG`), taxIds, lifecycle: 'CUSTOMER', ...created },
          })
          await write()
          const made = live().filter(([id]) => !before.has(id))
          const told = JSON.stringify([fault, await intents()])
          assert.equal(made.length, n + 1, told)
          const names = await Promise.all(made.map(([id]) => nameOf(id)))
          assert.ok(names.includes(`${text} AG`), String(names))
          const own = await fieldsOf(made[names.indexOf(`${text} AG`)]?.[0] ?? '')
          const wished: Record<string, unknown> = { ...created, taxIds }
          for (const field of listed) assert.deepEqual(own?.[field], wished[field], field)
        }
        assert.deepEqual(
          (await intents()).filter((i) => i.operation === 'CREATE').map((i) => i.state),
          faults.map(() => 'DONE'),
        )
        await silence()
        const [apart] = await db.sql<{ n: number }[]>`
          select count(*)::int as n from golden where state = 'ACTIVE' and type = 'Customer' and values->>'name' like '% AG'
            and not exists (select from source_record r where r.golden_id = golden.id and r.source = ${name})`
        assert.equal(apart?.n, 0, 'each created record belongs to its golden record')
      })
  })
}
