import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Connection, PulledRow } from '../../connectors/connection/contract.ts'
import { readDefinition } from '../../connectors/connection/definition.ts'
import { openConnection } from '../../connectors/connection/openConnection.ts'
import { readSources } from '../../connectors/sources.ts'
import { ofKind, root } from './fixture.ts'

interface ODataServer {
  isReady: Promise<unknown>
  getRouter(): (request: IncomingMessage, response: ServerResponse, next: () => void) => void
}

/** The metadata that SAP publishes. It is read where it is and not part of the project. */
const metadata = fileURLToPath(
  new URL(
    '../../../shared/samples/sap-s4hana/SAP-samples__cloud-cap-risk-management/API_BUSINESS_PARTNER.edmx',
    import.meta.url,
  ),
)
const skip = existsSync(metadata) ? false : 'no ../shared/samples here'

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

describe('the OData server of SAP, on the metadata that SAP publishes', { skip }, () => {
  const object = 'A_BusinessPartner'
  const { signal } = new AbortController()
  let folder: string
  let server: Server
  let sap: Connection
  let now = Date.parse('2026-03-01T09:45:00Z')

  before(async () => {
    // The server reads dates in the zone of the process.
    process.env.TZ = 'UTC'
    folder = mkdtempSync(join(tmpdir(), 'touchstone-sap-'))
    for (const [set, rows] of Object.entries(data))
      writeFileSync(join(folder, `${set}.json`), JSON.stringify(rows))
    // Loaded here, because a run without the metadata needs none of its hundred files.
    const { default: MockServer } = createRequire(import.meta.url)(
      '@sap-ux/fe-mockserver-core',
    ) as { default: new (config: object) => ODataServer }
    const mock = new MockServer({
      services: [
        {
          urlPath: '/sap/opu/odata/sap/API_BUSINESS_PARTNER',
          metadataPath: metadata,
          mockdataPath: folder,
          generateMockData: false,
        },
      ],
      annotations: [],
      plugins: [],
    })
    await mock.isReady
    const router = mock.getRouter()
    const basic = `Basic ${Buffer.from('TOUCHSTONE:pass').toString('base64')}`
    server = createServer((request, response) => {
      const refuse = (status: number) => {
        response.statusCode = status
        response.end()
      }
      if (request.headers.authorization !== basic) return refuse(401)
      // The server knows no literals of Edm.Time: here they are times of the first day, as in its data.
      request.url = request.url?.replace(
        /time%27PT(\d\d)H(\d\d)M(\d\d)S%27/g,
        'datetime%271970-01-01T$1:$2:$3%27',
      )
      return router(request, response, () => refuse(404))
    }).listen(0, '127.0.0.1')
    await new Promise((listening) => server.once('listening', listening))
    const { port } = server.address() as AddressInfo
    writeFileSync(
      join(folder, 'sources.yaml'),
      `sources:
  - name: s4
    kind: sap
    role: ERP
    trust: 0.9
    connection:
      host: my1-api.s4hana.cloud.sap
      base: http://127.0.0.1:${port}
      user: TOUCHSTONE
      password: { env: S4_PASSWORD }
      perSecond: 1000
      privateAddresses: true
`,
    )
    const [source] = readSources(join(folder, 'sources.yaml'), {})
    assert.ok(source?.connection)
    sap = openConnection('s4', source.connection, {
      env: { S4_PASSWORD: 'pass' },
      now: () => now,
      retry: { attemptsMax: 1 },
    })
  })

  after(() => {
    server.closeAllConnections()
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })

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
    const { full, read } =
      readDefinition(join(root, 'connectors/sap/connection.yaml')).objects.get(object) ?? {}
    const edmx = readFileSync(metadata, 'utf8')
    const known = new Set([...edmx.matchAll(/Name="(\w+)"/g)].map(([, name]) => name))
    const texts = [full?.request, read?.request].flatMap((r) =>
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
