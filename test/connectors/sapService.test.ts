import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import {
  type Connection,
  ConnectionError,
  type PulledRow,
} from '../../connectors/connection/contract.ts'
import { readDefinition } from '../../connectors/connection/definition.ts'
import { openConnection } from '../../connectors/connection/openConnection.ts'
import type { RecordWrite } from '../../connectors/connection/writing.ts'
import { readSources } from '../../connectors/sources.ts'
import { ofKind, root } from './fixture.ts'
import { metadataText, openSapServer, type SapServer, skip } from './sapServer.ts'

type Row = Record<string, unknown>

const date = (iso: string) => `/Date(${Date.parse(iso)})/`

/** The server compares no Edm.Time (PT09H30M00S), so its data hold times of the first day. */
function time(text: string): string {
  return date(`1970-01-01T${text.slice(11)}Z`)
}

/** A partner that was created in January, and changed at this time or never. */
const partner = (id: string, changed: string | null, created = '2026-01-05 08:00:00'): Row => ({
  BusinessPartner: id,
  Customer: id,
  BusinessPartnerCategory: '2',
  OrganizationBPName1: `Muster ${id}`,
  CreationDate: date(created.slice(0, 10)),
  CreationTime: time(created),
  LastChangeDate: changed === null ? null : date(changed.slice(0, 10)),
  LastChangeTime: changed === null ? null : time(changed),
  IsMarkedForArchiving: false,
})

const changing = [
  partner('0000000001', '2026-03-01 09:29:59'),
  partner('0000000002', '2026-03-01 09:30:00'),
  partner('0000000003', '2026-03-01 23:59:59'),
  partner('0000000004', '2026-03-02 07:00:00'),
  partner('0000000005', '2026-03-02 07:00:01'),
  partner('0000000006', null),
  partner('0000000007', null, '2026-03-01 10:00:00'),
  { ...partner('0000000008', null), BusinessPartnerCategory: '1', FirstName: 'Ada', Customer: '' },
]
/** A page has 100 rows. */
const quiet = Array.from({ length: 130 }, (_, i) =>
  partner(String(100 + i).padStart(10, '0'), null),
)
const ids = [...changing, ...quiet].map((p) => String(p.BusinessPartner))

const data = {
  A_BusinessPartner: [...quiet, ...changing],
  A_BusinessPartnerAddress: [
    { BusinessPartner: '0000000001', AddressID: '11', CityName: 'Dresden', Country: 'DE' },
  ],
  A_BuPaAddressUsage: [
    {
      BusinessPartner: '0000000001',
      AddressID: '11',
      AddressUsage: 'XXDEFAULT',
      ValidityEndDate: date('9999-12-31'),
    },
  ],
  A_BusinessPartnerTaxNumber: [
    { BusinessPartner: '0000000001', BPTaxType: 'DE0', BPTaxNumber: 'DE123456789' },
  ],
  A_BPContactToFuncAndDept: [
    {
      RelationshipNumber: '1',
      BusinessPartnerCompany: '0000000001',
      BusinessPartnerPerson: '0000000008',
      ValidityEndDate: date('9999-12-31'),
    },
  ],
}

const object = 'A_BusinessPartner'
const { signal } = new AbortController()
// The server reads dates in the zone of the process.
process.env.TZ = 'UTC'

function connect(server: SapServer, now: () => number = Date.now): Connection {
  const path = join(server.folder, 'sources.yaml')
  writeFileSync(
    path,
    `sources:
  - name: s4
    kind: sap
    role: ERP
    trust: 0.9
    connection:
      host: my1-api.s4hana.cloud.sap
      base: ${server.url}
      user: TOUCHSTONE
      password: { env: S4_PASSWORD }
      goldenIdType: ZTOUCH
      perSecond: 1000
      privateAddresses: true
`,
  )
  const [source] = readSources(path, {})
  assert.ok(source?.connection)
  return openConnection('s4', source.connection, {
    env: { S4_PASSWORD: 'pass' },
    now,
    retry: { attemptsMax: 1 },
  })
}
const user = { name: 'TOUCHSTONE', password: 'pass' }

describe('the OData server of SAP, on the metadata that SAP publishes', { skip }, () => {
  let server: SapServer
  let sap: Connection
  let now = Date.parse('2026-03-01T09:45:00Z')

  before(async () => {
    server = await openSapServer(data, user)
    sap = connect(server, () => now)
  })
  after(() => server?.close())

  const recordOf = (rows: PulledRow[], id: string) => rows.find((r) => r.id === id)?.record ?? {}

  test('gives all partners in pages, then those that were changed or created since, to the second', async () => {
    const full: PulledRow[] = []
    let position = null
    let pages = 0
    for await (const page of sap.pull(object, null, signal)) {
      if (pages === 0) assert.equal(page.total, ids.length)
      full.push(...page.rows)
      position = page.position
      pages++
    }
    assert.equal(pages, 2)
    assert.deepEqual(
      full.map((r) => r.id),
      ids.toSorted(),
    )
    const { fields } = ofKind('sap').map(object, recordOf(full, '0000000001'))
    assert.deepEqual(fields.billingAddress, { city: 'Dresden', country: 'DE' })
    assert.deepEqual(fields.taxIds, ['DE123456789'])
    const contact = recordOf(full, '0000000008')
    assert.equal((contact.contactOf as Row[])[0]?.BusinessPartnerCompany, '0000000001')

    now = Date.parse('2026-03-02T07:01:00Z')
    const changed: string[] = []
    for await (const page of sap.pull(object, position, signal))
      changed.push(...page.rows.map((r) => r.id))
    assert.deepEqual(changed, ['0000000002', '0000000003', '0000000004', '0000000007'])
  })

  test('gives the keys alone for a census, and one partner for a read', async () => {
    const listed: string[] = []
    for await (const page of sap.census(object, signal)) listed.push(...page)
    assert.deepEqual(listed, ids.toSorted())
    const row = await sap.read(object, '0000000001', signal)
    assert.equal(row?.record?.OrganizationBPName1, 'Muster 0000000001')
    assert.equal(await sap.read(object, '0000000099', signal), null)
  })

  test('a service without a communication arrangement is the state of its objects alone', async () => {
    const checks = await sap.check(signal)
    assert.deepEqual(
      checks.map((c) => [c.object, c.count, c.problem?.verdict]),
      [
        [object, ids.length, undefined],
        ['A_Product', null, 'MISSING'],
        ['A_SalesContract', null, 'MISSING'],
        ['A_SalesOrder', null, 'MISSING'],
        ['A_SalesQuotation', null, 'MISSING'],
        ['A_BillingDocument', null, 'MISSING'],
      ],
    )
  })

  test('knows each name that the requests use', () => {
    const { full, read, write } =
      readDefinition(join(root, 'connectors/sap/connection.yaml')).objects.get(object) ?? {}
    const known = new Set([...metadataText().matchAll(/Name="(\w+)"/g)].map(([, name]) => name))
    const texts = [full?.request, read?.request, write?.find?.request].flatMap((r) =>
      r ? [...r.query.values()].flat().map((t) => t.text) : [],
    )
    const names = texts.join(' ').match(/\b(?:to_\w+|[A-Z][a-z]+[A-Z]\w+)/g) ?? []
    assert.ok(names.length > 15)
    assert.deepEqual(
      names.filter((name) => !known.has(name)),
      [],
    )
  })
})

describe('writes to the OData server of SAP', { skip }, () => {
  const goldenId = '0193a5c0-7f00-8abc-9def-000000000001'
  const open = async (t: TestContext) => {
    const server = await openSapServer(
      {
        [object]: [partner('0000000001', null)],
        A_BuPaIdentification: [],
        A_BusinessPartnerRole: [],
        A_BusinessPartnerAddress: [
          {
            ...{ BusinessPartner: '0000000001', AddressID: '11', Person: '1' },
            ...{ CityName: 'Ulm', Country: 'DE' },
          },
        ],
        A_BusinessPartnerTaxNumber: [
          { BusinessPartner: '0000000001', BPTaxType: 'DE0', BPTaxNumber: 'DE811115368' },
        ],
        A_AddressEmailAddress: [
          {
            ...{ AddressID: '11', Person: '1', OrdinalNumber: '1' },
            EmailAddress: 'alt@muster.example',
          },
        ],
        A_AddressPhoneNumber: [],
      },
      user,
      { validateETag: true },
    )
    t.after(() => server.close())
    const sap = connect(server)
    const write = async (more: Partial<RecordWrite>) =>
      await sap.writing.write(
        {
          ...{ object, id: null, goldenId, key: 'k', values: {}, expected: null },
          ...more,
        },
        signal,
      )
    const read = async (id: string) => {
      const row = await sap.read(object, id, signal)
      assert.ok(row?.record)
      return row
    }
    return { server, sap, write, read }
  }
  const values = {
    OrganizationBPName1: 'Muster Maschinenbau und Anlagentechnik',
    OrganizationBPName2: 'Gesellschaft mbH',
  }

  test('a partner is created with its role and golden id, and found by it in capitals', async (t) => {
    const { server, sap, write, read } = await open(t)
    const address = 'to_BusinessPartnerAddress.results[0]'
    const made = await write({
      values: { ...values, [`${address}.CityName`]: 'Bonn', [`${address}.Country`]: 'DE' },
    })
    assert.deepEqual([made.created, made.written], [true, true])
    assert.deepEqual(server.problems, [])
    assert.deepEqual(server.changes, ['GET /', 'POST /A_BusinessPartner'])
    const { record = null } = await read(made.id)
    assert.ok(record)
    const of = ofKind('sap').map(object, record).fields
    assert.equal(of.name, 'Muster Maschinenbau und Anlagentechnik Gesellschaft mbH')
    assert.deepEqual(of.billingAddress, { city: 'Bonn', country: 'DE' })
    assert.deepEqual([of.kind, of.lifecycle, of.legalName], ['ORGANISATION', 'CUSTOMER', of.name])
    const { results } = record.to_BuPaIdentification as { results: Row[] }
    assert.equal(results[0]?.BPIdentificationNumber, goldenId.toUpperCase())
    assert.equal((await sap.writing.find(object, goldenId, signal))?.id, made.id)
    assert.equal(await sap.writing.find(object, goldenId.replace('1', '2'), signal), null)
    const again = await write({ values })
    assert.deepEqual([again.id, again.created], [made.id, false])
  })

  test('a partner is changed at its version, and one that a user changed meanwhile is a conflict', async (t) => {
    const { server, write, read } = await open(t)
    const expected = await read('0000000001')
    await write({ id: '0000000001', values, expected })
    assert.equal((await read('0000000001')).record?.OrganizationBPName2, 'Gesellschaft mbH')
    const before = await read('0000000001')
    await server.change("A_BusinessPartner('0000000001')", { OrganizationBPName1: 'Von Hand' })
    await assert.rejects(
      write({ id: '0000000001', values, expected: before }),
      (e) =>
        e instanceof ConnectionError && e.verdict === 'CONFLICT' && e.outcome === 'NOT_APPLIED',
    )
    assert.equal((await read('0000000001')).record?.OrganizationBPName1, 'Von Hand')
    assert.deepEqual(server.problems, [])
  })

  const address = 'to_BusinessPartnerAddress.results[]'
  const at = {
    email: (text: string) =>
      `${address}.to_EmailAddress.results[EmailAddress=${text}].EmailAddress`,
    phone: (text: string) =>
      `${address}.to_PhoneNumber.results[InternationalPhoneNumber=${text}].InternationalPhoneNumber`,
    tax: (text: string) => `to_BusinessPartnerTax.results[BPTaxNumber=${text}].BPTaxNumber`,
  }
  const listsOf = (record: Row | null | undefined) => {
    const { emails, phones, taxIds } = ofKind('sap').map(object, record ?? {}).fields
    return { emails, phones, taxIds }
  }
  const [email, phone, tax] = ['neu@muster.example', '+49731123456', 'FR40303265045']
  const added = { [at.email(email)]: email, [at.phone(phone)]: phone, [at.tax(tax)]: tax }

  test('emails, phones and tax numbers are created with their partner', async (t) => {
    const { server, write, read } = await open(t)
    const place = 'to_BusinessPartnerAddress.results[0]'
    const made = await write({
      values: { ...values, [`${place}.CityName`]: 'Bonn', [`${place}.Country`]: 'DE', ...added },
    })
    assert.deepEqual(server.problems, [])
    assert.deepEqual(server.changes, ['GET /', 'POST /A_BusinessPartner'])
    const { record } = await read(made.id)
    assert.deepEqual(listsOf(record), { emails: [email], phones: [phone], taxIds: [tax] })
  })

  test('emails, phones and tax numbers of a partner are added once, and replaced at their own versions', async (t) => {
    const { server, write, read } = await open(t)
    const id = '0000000001'
    await write({ id, values: added, expected: await read(id) })
    assert.deepEqual(server.problems, [])
    const nested = "A_BusinessPartnerAddress(BusinessPartner='0000000001',AddressID='11')"
    assert.deepEqual(
      server.changes.map((change) => decodeURIComponent(change)),
      [
        'GET /',
        `POST /${nested}/to_EmailAddress`,
        `POST /${nested}/to_PhoneNumber`,
        'POST /A_BusinessPartnerTaxNumber',
      ],
    )
    const now = await read(id)
    const old = 'alt@muster.example'
    const first = 'DE811115368'
    assert.deepEqual(listsOf(now.record), {
      ...{ emails: [old, email], phones: [phone], taxIds: [first, tax] },
    })
    // Sent again, each is there already.
    const again = await write({ id, values: added, expected: now })
    assert.deepEqual([again.written, server.changes.length], [false, 4])
    const other = 'DE129273398'
    const replacing = {
      ...{ [at.email(old)]: null, [at.email('dritte@muster.example')]: 'dritte@muster.example' },
      ...{ [at.tax(first)]: null, [at.tax(other)]: other },
    }
    await write({ id, values: replacing, expected: now })
    assert.deepEqual(
      server.changes.slice(4).map((change) => decodeURIComponent(change)),
      [
        "PATCH /A_AddressEmailAddress(AddressID='11',Person='1',OrdinalNumber='1')",
        "PATCH /A_BusinessPartnerTaxNumber(BusinessPartner='0000000001',BPTaxType='DE0')",
      ],
    )
    assert.deepEqual(listsOf((await read(id)).record), {
      ...{ emails: ['dritte@muster.example', email], phones: [phone], taxIds: [other, tax] },
    })
    // Another country has a number of another type, so the first one would be left over.
    const foreign = { [at.tax(other)]: null, [at.tax('ATU12345678')]: 'ATU12345678' }
    await assert.rejects(
      write({ id, values: foreign, expected: await read(id) }),
      (e) => e instanceof ConnectionError && e.code === 'ELEMENT_LEFT',
    )
    // A person changed the email meanwhile.
    const before = await read(id)
    await server.change("A_AddressEmailAddress(AddressID='11',Person='1',OrdinalNumber='1')", {
      EmailAddress: 'hand@muster.example',
    })
    const third = {
      [at.email('dritte@muster.example')]: null,
      [at.email('v@w.example')]: 'v@w.example',
    }
    await assert.rejects(
      write({ id, values: third, expected: before }),
      (e) => e instanceof ConnectionError && e.verdict === 'CONFLICT',
    )
    assert.deepEqual(server.problems, [])
  })

  test('a token that has ended is fetched again, and the change is sent once more', async (t) => {
    const { server, write, read } = await open(t)
    await write({ id: '0000000001', values, expected: await read('0000000001') })
    server.endSession()
    const other = { OrganizationBPName1: 'Andere AG' }
    await write({ id: '0000000001', values: other, expected: await read('0000000001') })
    const patch = "PATCH /A_BusinessPartner('0000000001')"
    assert.deepEqual(server.changes, ['GET /', patch, patch, 'GET /', patch])
    assert.equal((await read('0000000001')).record?.OrganizationBPName1, 'Andere AG')
  })
})
