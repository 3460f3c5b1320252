import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { RequestTemplate } from '../../connectors/connection/definition/request.ts'
import type { TemplateValue } from '../../connectors/connection/definition/template.ts'
import { readDefinition } from '../../connectors/connection/definition.ts'
import { renderRequest } from '../../connectors/connection/request/render.ts'
import { scopeOf } from '../../connectors/mapping/path.ts'
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

/** The server compares no Edm.Time (PT09H30M00S), so its data hold times of the first day. */
function time(text: string): string {
  return date(`1970-01-01T${text.slice(11)}Z`)
}

const partners = [
  partner('0000000001', '2026-03-01 09:29:59'),
  partner('0000000002', '2026-03-01 09:30:00'),
  partner('0000000003', '2026-03-01 23:59:59'),
  partner('0000000004', '2026-03-02 07:00:00'),
  partner('0000000005', '2026-03-02 07:00:01'),
  partner('0000000006', null),
  partner('0000000007', null, '2026-03-01 10:00:00'),
  partner("00'0000008", '2026-02-01 10:00:00'),
]

const data = {
  A_BusinessPartner: partners,
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
      BusinessPartnerPerson: '0000000009',
      ValidityEndDate: date('9999-12-31'),
    },
  ],
}

const definition = readDefinition(join(root, 'connectors/sap/connection.yaml'))
const object = definition.objects.get('A_BusinessPartner')
assert.ok(object)
const { full, delta, deletes, read, children } = object
const micros = (iso: string) => BigInt(Date.parse(iso)) * 1000n

describe('the OData server of SAP, on the metadata that SAP publishes', { skip }, () => {
  let folder: string
  let server: Server
  let base: string

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
    server = createServer((request, response) => {
      router(request, response, () => {
        response.statusCode = 404
        response.end()
      })
    }).listen(0, '127.0.0.1')
    await new Promise((listening) => server.once('listening', listening))
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sap/opu/odata/sap`
  })

  after(() => {
    server.closeAllConnections()
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const ask = async (template: RequestTemplate, given: Record<string, TemplateValue>) => {
    const values = new Map(Object.entries(given))
    const { url, method, headers } = renderRequest(
      template,
      { base, isPlain: () => false },
      { get: (name) => values.get(name), times: { text: 'iso', zone: 'UTC' } },
    )
    // The server knows no literals of Edm.Time: here they are times of the first day, as in its data.
    const asked = url.href.replace(
      /time%27PT(\d\d)H(\d\d)M(\d\d)S%27/g,
      'datetime%271970-01-01T$1:$2:$3%27',
    )
    const response = await fetch(asked, { method, headers })
    assert.equal(response.status, 200, decodeURIComponent(url.href))
    return (await response.json()) as Row
  }

  /** Reads all pages, each after the last id of the page before, as `pages: { lastId }` says. */
  const list = async (
    template: RequestTemplate,
    size: number,
    given: Record<string, TemplateValue> = {},
  ) => {
    const rows: Row[] = []
    for (let pages = 1; pages < 20; pages++) {
      const last = rows.at(-1)?.BusinessPartner
      const answer = await ask(template, {
        size,
        ...given,
        ...(last ? { lastId: String(last) } : {}),
      })
      const page = full.rows.path.all(scopeOf(answer)) as Row[]
      rows.push(...page)
      if (page.length < size) return rows
    }
    throw new Error('the pages have no end')
  }
  const idsOf = (rows: Row[]) => rows.map((row) => String(row.BusinessPartner))

  test('answers a full run page by page, in the order of the keys', async () => {
    const all = partners.map((p) => String(p.BusinessPartner)).sort()
    for (const size of [3, 4, 100]) assert.deepEqual(idsOf(await list(full.request, size)), all)
    assert.equal(
      Number(full.total?.first(scopeOf(await ask(full.request, { size: 1 })))),
      all.length,
    )
  })

  test('answers a delta with what was changed or created in the interval, to the second', async () => {
    assert.equal(delta?.how, 'window')
    if (delta?.how !== 'window') return
    const since = micros('2026-03-01T09:30:00Z')
    const until = micros('2026-03-02T07:00:00Z')
    for (const size of [1, 2, 100])
      assert.deepEqual(idsOf(await list(delta.listing.request, size, { since, until })), [
        '0000000002',
        '0000000003',
        '0000000004',
        '0000000007',
      ])
  })

  test('answers a census with the keys', async () => {
    assert.ok(deletes.census && deletes.census !== true)
    const rows = await list(deletes.census.request, 1000)
    assert.deepEqual(idsOf(rows), partners.map((p) => String(p.BusinessPartner)).sort())
    assert.equal(rows[0]?.OrganizationBPName1, undefined)
  })

  test('answers the read of one partner with its parts, which the mapping knows', async () => {
    assert.ok(read)
    const row = read.row?.first(scopeOf(await ask(read.request, { id: '0000000001' }))) as Row
    assert.equal(row.BusinessPartner, '0000000001')
    const { fields } = ofKind('sap').map('A_BusinessPartner', row)
    assert.deepEqual(fields.billingAddress, { city: 'Dresden', country: 'DE' })
    assert.deepEqual(fields.taxIds, ['DE123456789'])
  })

  test('answers the relationships of a person', async () => {
    const [child] = children
    assert.ok(child)
    const rows = child.listing.rows.path.all(
      scopeOf(await ask(child.listing.request, { id: '0000000009' })),
    )
    assert.deepEqual(
      (rows as Row[]).map((r) => r.BusinessPartnerCompany),
      ['0000000001'],
    )
  })

  test('knows each name that the requests use', () => {
    const edmx = readFileSync(metadata, 'utf8')
    const known = new Set([...edmx.matchAll(/Name="(\w+)"/g)].map(([, name]) => name))
    const requests = [
      full.request,
      read?.request,
      deletes.census && deletes.census !== true && deletes.census.request,
    ]
    const texts = requests.flatMap((r) =>
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
