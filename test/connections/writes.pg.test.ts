import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectionError } from '../../connectors/connection/contract.ts'
import type { Json, PulledRow } from '../../connectors/connection/row.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { empty } from '../fixtures/store.ts'
import { KINDS_THAT_WRITE } from './kindCases.ts'
import { openPulled } from './pulledSystem.ts'

// What a definition writes, judged by the model of its vendor: neither was written with the other.

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(async () => {
  await empty(db.sql)
})
after(async () => await db?.drop())

/** What is written into one object, by path in the record as it is read. */
interface Written {
  object: string
  change: Record<string, Json>
  /** What another one writes meanwhile; without it, the texts of the change with a number. */
  other?: Record<string, Json>
  /** Absent where the kind creates none. */
  create?: Record<string, Json>
}

const WRITES: Readonly<Record<string, readonly Written[]>> = {
  hubspot: [
    {
      object: 'companies',
      change: { 'properties.name': 'Write GmbH', 'properties.city': 'Köln' },
      create: { 'properties.name': 'New GmbH', 'properties.domain': 'new.example' },
    },
    {
      object: 'contacts',
      change: { 'properties.jobtitle': 'CFO', 'properties.phone': null },
      create: { 'properties.lastname': 'Neu', 'properties.email': 'neu@new.example' },
    },
    {
      object: 'products',
      change: { 'properties.description': 'Changed' },
      create: { 'properties.name': 'New product', 'properties.hs_sku': 'NP-1' },
    },
  ],
  salesforce: [
    {
      object: 'Account',
      change: { Name: 'Write GmbH', BillingCity: 'Köln' },
      create: { Name: 'New GmbH', Website: 'new.example' },
    },
    {
      object: 'Contact',
      change: { Title: 'CFO', Phone: null },
      create: { LastName: 'Neu', Email: 'neu@new.example' },
    },
  ],
  stripe: [
    {
      object: 'customer',
      change: { name: 'Write GmbH', 'address.city': 'Köln', phone: null },
      create: { name: 'New GmbH', email: 'neu@new.example' },
    },
    { object: 'product', change: { description: 'Changed' }, create: { name: 'New product' } },
  ],
  chargebee: [
    {
      object: 'customer',
      change: { company: 'Write GmbH', 'billing_address.city': 'Köln' },
      create: { company: 'New GmbH', email: 'neu@new.example' },
    },
  ],
  zuora: [
    { object: 'Account', change: { name: 'Write GmbH' } },
    { object: 'Contact', change: { lastName: 'Neu', city: 'Köln' } },
  ],
  dataverse: [
    {
      object: 'accounts',
      change: { name: 'Write GmbH', address1_city: 'Köln' },
      create: { name: 'New GmbH', websiteurl: 'new.example' },
    },
    { object: 'contacts', change: { jobtitle: 'CFO' }, create: { lastname: 'Neu' } },
  ],
  gainsight: [{ object: 'Company', change: { Name: 'Write GmbH' }, create: { Name: 'New GmbH' } }],
  netsuite: [
    {
      object: 'customer',
      change: { companyname: 'Write GmbH' },
      create: { companyname: 'New GmbH' },
    },
  ],
  finance: [
    {
      object: 'CustomersV3',
      change: { OrganizationName: 'Write GmbH', AddressCity: 'Köln' },
    },
    {
      object: 'ContactPersons',
      change: { EmploymentJobTitle: 'CFO', PrimaryPhoneNumber: null },
    },
    { object: 'ProductsV2', change: { ProductDescription: 'Changed' } },
  ],
  sap: [
    {
      object: 'A_BusinessPartner',
      change: { OrganizationBPName1: 'Write GmbH', OrganizationBPName2: 'und Söhne' },
      create: { OrganizationBPName1: 'New GmbH' },
    },
    { object: 'A_Product', change: { ProductGroup: 'L009', ProductStandardID: '4006381333931' } },
    {
      object: 'A_SalesContract',
      change: { SalesContractValidityEndDate: '/Date(1798675200000)/' },
      other: { SalesContractValidityEndDate: '/Date(1798761600000)/' },
    },
  ],
  oracle: [{ object: 'accounts', change: { OrganizationName: 'Write GmbH' } }],
}

const signal = () => AbortSignal.timeout(60_000)
const only = process.env.TOUCHSTONE_KINDS?.split(',')

for (const kind of KINDS_THAT_WRITE) {
  const name = kind.model.kind
  if (only && !only.includes('all') && !only.includes(name)) continue
  const writes = WRITES[name] ?? []

  for (const { object, change, create, other: given } of writes)
    describe(`${name} ${object}`, () => {
      const open = async (t: TestContext) => {
        const pulled = await openPulled(db.sql, kind)
        t.after(() => pulled.close())
        pulled.system.fill(6, 1)
        const { connection, system } = pulled
        const ability = connection.writing.abilityOf(object)
        assert.ok(ability, `${object} can be written`)
        const live = () =>
          [...system.state(object)].filter(([, row]) => !row.deleted && !kind.isGone?.(row.record))
        const first = async (): Promise<PulledRow> => {
          const [id] = live()[0] ?? []
          assert.ok(id)
          const row = await connection.read(object, id, signal())
          assert.ok(row?.record)
          return row
        }
        const write = (id: string | null, more: Partial<Parameters<typeof send>[0]> = {}) =>
          send({
            object,
            id,
            goldenId: randomUUID(),
            key: randomUUID(),
            values: {},
            expected: null,
            ...more,
          })
        const send = (w: Parameters<typeof connection.writing.write>[0]) =>
          connection.writing.write(w, signal())
        const holds = async (id: string, values: Record<string, Json>) => {
          const row = await connection.read(object, id, signal())
          for (const [path, value] of Object.entries(values))
            assert.deepEqual(emptied(valueAt(row?.record, path)), emptied(value), `${id} ${path}`)
          assert.deepEqual(system.requests().unknown, [])
        }
        return { ...pulled, ability, live, first, write, holds }
      }

      test('an update changes what it names, and nothing else', async (t) => {
        const { first, write, holds, system } = await open(t)
        const before = await first()
        const others = JSON.stringify([...system.state(object)].filter(([id]) => id !== before.id))
        const done = await write(before.id, { values: change, expected: before })
        assert.deepEqual([done.id, done.created], [before.id, false])
        await holds(before.id, change)
        const kept = Object.entries(before.record ?? {}).filter(
          ([field]) => !Object.keys(change).some((path) => path.split('.')[0] === field),
        )
        const record = (await first()).record ?? {}
        for (const [field, value] of kept)
          if (!MOVES.test(field)) assert.deepEqual(record[field], value, field)
        for (const path of Object.keys(change).filter((p) => p.includes('.') && !/^prop/.test(p)))
          assert.deepEqual(
            withoutPart(record, path),
            withoutPart(before.record, path),
            `the other parts of ${path}`,
          )
        assert.equal(
          JSON.stringify([...system.state(object)].filter(([id]) => id !== before.id)),
          others,
          'no other record changes',
        )
      })

      test('a record that changed since it was read is a conflict, and stays', async (t) => {
        const { first, write, holds, system } = await open(t)
        const before = await first()
        // Times have whole seconds at some vendors.
        system.clock.advance(2_000)
        const other =
          given ??
          Object.fromEntries(
            Object.entries(change).map(([path, v]) => [path, typeof v === 'string' ? `${v} 2` : v]),
          )
        await write(before.id, { values: other, expected: before })
        system.clock.advance(2_000)
        await assert.rejects(
          write(before.id, { values: change, expected: before }),
          (e) =>
            e instanceof ConnectionError && e.verdict === 'CONFLICT' && e.outcome === 'NOT_APPLIED',
        )
        await holds(before.id, other)
      })

      test('an update whose answer was lost is done or unknown, and never called not applied', async (t) => {
        for (const fault of [
          { kind: 'afterWrite', status: 503 },
          { kind: 'cut', after: 'execution' },
          { kind: 'cut', after: 'nothing' },
        ] as const) {
          const { first, write, holds, system } = await open(t)
          const before = await first()
          system.clock.advance(2_000)
          system.faults.add(fault, /^(POST|PATCH|PUT) (?!.*(token|search|query))/, 1)
          const listed = system.writes().length
          try {
            await write(before.id, { values: change, expected: before })
            await holds(before.id, change)
          } catch (e) {
            assert.ok(e instanceof ConnectionError, String(e))
            // Only what was not executed may be called not applied.
            const applied = system.writes().length > listed
            assert.ok(
              e.outcome === 'UNKNOWN' || !applied,
              `${fault.kind}: ${e.verdict} ${e.outcome}`,
            )
          }
          assert.ok(system.faults.met().has(fault.kind))
        }
      })

      test('a record that is not there is missing, and none is made', async (t) => {
        const { first, write, live } = await open(t)
        const before = await first()
        const size = live().length
        const id = before.id.replace(/[0-9a-f]/gi, (c) => (c === '0' ? '1' : '0'))
        await assert.rejects(
          write(id, { values: change, expected: { ...before, id } }),
          (e) =>
            e instanceof ConnectionError &&
            /MISSING|PERMANENT|CONFLICT/.test(e.verdict) &&
            e.outcome === 'NOT_APPLIED',
        )
        assert.equal(live().length, size)
      })

      if (create) {
        const values = create
        test('a create makes one record, however often it is sent', async (t) => {
          const { write, holds, live, ability, connection, system } = await open(t)
          assert.ok(ability.create)
          const size = live().length
          const [goldenId, key] = [randomUUID(), randomUUID()]
          const made = await write(null, { values, goldenId, key })
          // An upsert of NetSuite answers the same in both cases.
          assert.equal(made.created, name !== 'netsuite')
          await holds(made.id, values)
          const again = await write(null, { values, goldenId, key })
          assert.equal(again.id, made.id)
          assert.equal(live().length, size + 1)
          system.clock.advance(ability.find?.lagMs ?? 0)
          const found = await connection.writing.find(object, goldenId, signal())
          assert.equal(found?.id, made.id)
          assert.equal(await connection.writing.find(object, randomUUID(), signal()), null)
        })

        test('a create whose answer was lost is unknown, and is found or sent again without a second record', async (t) => {
          for (const fault of [
            { kind: 'afterWrite', status: 500 },
            { kind: 'cut', after: 'half' },
            { kind: 'cut', after: 'nothing' },
          ] as const) {
            const { write, live, system, connection, ability } = await open(t)
            const size = live().length
            const [goldenId, key] = [randomUUID(), randomUUID()]
            system.faults.add(fault, /^(POST|PATCH|PUT) (?!.*(token|search|query))/, 1)
            let id: string | null = null
            try {
              id = (await write(null, { values, goldenId, key })).id
            } catch (e) {
              assert.ok(e instanceof ConnectionError, String(e))
              assert.equal(e.outcome, 'UNKNOWN')
            }
            assert.ok(system.faults.met().has(fault.kind))
            // A search may be behind its records.
            system.clock.advance(ability.find?.lagMs ?? 0)
            await sleep(5)
            const found = await connection.writing.find(object, goldenId, signal())
            if (!found) assert.equal(fault.kind === 'cut' && fault.after, 'nothing')
            id ??= found?.id ?? (await write(null, { values, goldenId, key: randomUUID() })).id
            assert.equal(live().length, size + 1, `${fault.kind}: one record`)
            assert.ok(live().some(([of]) => of === id))
          }
        })
      }
    })
}

describe('what a system wants of a write besides its version', () => {
  const opened = async (t: TestContext, name: string, object: string) => {
    const kind = KINDS_THAT_WRITE.find((k) => k.model.kind === name)
    assert.ok(kind)
    const pulled = await openPulled(db.sql, kind)
    t.after(() => pulled.close())
    pulled.system.fill(3, 1)
    const { connection, system } = pulled
    const [id = ''] = [...system.state(object)].find(([, row]) => !row.deleted) ?? []
    const write = async (values: Record<string, Json>, meanwhile = () => {}) => {
      const expected = await connection.read(object, id, signal())
      meanwhile()
      const [goldenId, key] = [randomUUID(), randomUUID()]
      return await connection.writing.write(
        { object, id, goldenId, key, values, expected },
        signal(),
      )
    }
    const held = (field: string) => valueAt(system.state(object).get(id)?.record, field)
    return { system, write, held }
  }

  test('the token of a session at SAP is fetched once, and again when it has ended', async (t) => {
    const { system, write, held } = await opened(t, 'sap', 'A_Product')
    await write({ ProductGroup: 'L010' })
    const requests = system.requests().count
    await write({ ProductGroup: 'L011' })
    assert.equal(system.requests().count, requests + 2, 'a read and a write, and no token')
    system.clock.advance(1_800_000)
    await write({ ProductGroup: 'L012' })
    system.faults.add({ kind: 'expired', what: 'token' }, /^PATCH/)
    await write({ ProductGroup: 'L013' })
    assert.equal(held('ProductGroup'), 'L013')
    assert.equal(system.writes().length, 4, 'each write once')
    assert.deepEqual(system.requests().unknown, [])
  })

  test('an address of a partner at SAP is changed at its own version, beside the name', async (t) => {
    const { system, write, held } = await opened(t, 'sap', 'A_BusinessPartner')
    const partner = held('BusinessPartner')
    const cities = () =>
      [...system.state('A_BusinessPartnerAddress').values()].map(({ record }) =>
        record.BusinessPartner === partner ? record.CityName : 'of another',
      )
    const place =
      'to_BusinessPartnerAddress.results[to_AddressUsage.results.AddressUsage=XXDEFAULT]'
    await write({ OrganizationBPName1: 'Write GmbH', [`${place}.CityName`]: 'Köln' })
    assert.equal(held('OrganizationBPName1'), 'Write GmbH')
    assert.deepEqual(cities(), ['Köln', 'of another', 'of another'])
    assert.deepEqual(
      system.writes().map((w) => w.object),
      ['A_BusinessPartner', 'A_BusinessPartnerAddress'],
    )
    // A user changes the address between the read and the write.
    const id = [...system.state('A_BusinessPartnerAddress')][0]?.[0] ?? ''
    await assert.rejects(
      write({ [`${place}.CityName`]: 'Bonn' }, () => {
        system.put('A_BusinessPartnerAddress', { id, CityName: 'Kiel' })
      }),
      (e) =>
        e instanceof ConnectionError && e.verdict === 'CONFLICT' && e.outcome === 'NOT_APPLIED',
    )
    assert.deepEqual(cities(), ['Kiel', 'of another', 'of another'])
    assert.deepEqual(system.requests().unknown, [])
  })

  test('a record that a user of SAP has locked is written when the lock ends', async (t) => {
    const { system, write, held } = await opened(t, 'sap', 'A_Product')
    system.faults.add({ kind: 'status', status: 400 }, /^PATCH/, 2)
    await write({ ProductGroup: 'L010' })
    assert.equal(held('ProductGroup'), 'L010')
    assert.equal(system.writes().length, 1)
  })

  test('an update conflict within Finance is a conflict, and names what happened', async (t) => {
    const { system, write } = await opened(t, 'finance', 'CustomersV3')
    system.faults.add({ kind: 'status', status: 400 }, /^PATCH/)
    await assert.rejects(
      write({ OrganizationName: 'Write GmbH' }),
      (e) =>
        e instanceof ConnectionError &&
        e.verdict === 'CONFLICT' &&
        e.outcome === 'NOT_APPLIED' &&
        /update conflict occurred/.test(e.message),
    )
    assert.equal(system.writes().length, 0)
  })
})

/** Fields of a record that move with each write. */
const MOVES =
  /time|date|modif|__metadata|ChangedBy|stamp|version|etag|updated|properties|_by|history|resource|^Name$|FullName|Address$|UniqueName|expand/i

/** Returns the group of a path without the part that it names. */
function withoutPart(record: unknown, path: string): Record<string, unknown> {
  const [group = '', part = ''] = path.split('.')
  const { [part]: _, ...others } = (valueAt(record, group) ?? {}) as Record<string, unknown>
  return others
}

function emptied(value: unknown): unknown {
  return value === undefined || value === '' ? null : value
}

function valueAt(record: unknown, path: string): unknown {
  let value = record
  for (const step of path.split('.'))
    value =
      value !== null && typeof value === 'object'
        ? (value as Record<string, unknown>)[step]
        : undefined
  return value
}
