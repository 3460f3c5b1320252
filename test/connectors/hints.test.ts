import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parse, stringify } from 'yaml'
import type { Connector, DeliveryHeaders, RecordHint } from '../../connectors/contract.ts'
import { openConnectors } from '../../connectors/openConnectors.ts'
import { inFolder, policy, root, withMapping } from './fixture.ts'

/** What `connection:` of each kind needs, as far as nothing is asked. */
const GIVEN: Record<string, Record<string, unknown>> = {
  hubspot: { accessToken: { env: 'K' } },
  stripe: { secretKey: { env: 'K' } },
  chargebee: { site: 'acme', apiKey: { env: 'K' } },
  zuora: { clientId: 'c', clientSecret: { env: 'K' } },
  dataverse: {
    ...{ organizationUrl: 'https://acme.crm4.dynamics.com', tenantId: 't', clientId: 'c' },
    clientSecret: { env: 'K' },
  },
  gainsight: { tenant: 'acme', accessKey: { env: 'K' } },
  oracle: { host: 'acme.fa.em2.oraclecloud.com', user: 'u', password: { env: 'K' } },
  netsuite: { account: '1234567', clientId: 'c', certificateId: 'k', privateKey: { env: 'K' } },
  sap: { host: 'my1-api.s4hana.cloud.sap', user: 'u', password: { env: 'K' } },
  salesforce: { clientId: 'c', username: 'u', privateKey: { env: 'K' } },
}

/** Opens a system of each kind; those of `given` can be asked. */
function open(given: Record<string, Record<string, unknown>>): Map<string, Connector> {
  return inFolder((dir) => {
    const path = join(dir, 'sources.yaml')
    const sources = Object.keys(GIVEN).map((kind) => ({
      ...{ name: kind, kind, role: 'CRM', trust: 0.5, secret: { env: 'SECRET' } },
      address: 'https://golden.acme.example/ingest/hubspot',
      ...(given[kind] ? { connection: given[kind] } : {}),
    }))
    writeFileSync(path, stringify({ sources }))
    return openConnectors(path, policy, { K: 'k', SECRET: 'whsec_c2VjcmV0LXNlY3JldA==' })
  })
}

const asked = open(GIVEN)
const unasked = open({ stripe: { ...GIVEN.stripe, objects: ['product'] } })

/** Deliveries of each kind, and the records that they name. */
const EVENTS: [kind: string, address: string | null, body: unknown, hints: unknown[]][] = [
  [
    'hubspot',
    null,
    [
      {
        ...{ eventId: 1, subscriptionId: 2, occurredAt: 1_772_357_400_000, objectId: 4711 },
        ...{ subscriptionType: 'company.propertyChange', propertyName: 'name' },
        ...{ propertyValue: 'Muster AG', changeSource: 'IMPORT' },
      },
      { subscriptionType: 'contact.creation', eventId: 2, objectId: 12, occurredAt: 1 },
      { subscriptionType: 'deal.associationChange', eventId: 3, fromObjectId: 13, toObjectId: 1 },
      { subscriptionType: 'company.deletion', eventId: 4, objectId: 14, occurredAt: 1 },
    ],
    [
      { object: 'companies', id: '4711', gone: false },
      { object: 'contacts', id: '12', gone: false },
      { object: 'deals', id: '13', gone: false },
      { object: 'companies', id: '14', gone: true },
    ],
  ],
  [
    'stripe',
    null,
    {
      ...{ id: 'evt_1', object: 'event', created: 1_772_357_400, type: 'customer.deleted' },
      data: { object: { id: 'cus_1', object: 'customer', deleted: true } },
    },
    [{ object: 'customer', id: 'cus_1', gone: true }],
  ],
  [
    'chargebee',
    null,
    {
      ...{ id: 'ev_1', event_type: 'subscription_renewed' },
      content: { subscription: { id: 's1', resource_version: 1 }, customer: { id: 'c1' } },
    },
    [{ object: 'subscription', id: 's1', gone: false }],
  ],
  [
    'zuora',
    'Account',
    { event: 'AccountEdited', id: '8ad0' },
    [{ object: 'Account', id: '8ad0', gone: false }],
  ],
  [
    'zuora',
    'Account',
    { event: 'AccountDeleted', id: '8ad0' },
    [{ object: 'Account', id: '8ad0', gone: true }],
  ],
  [
    'dataverse',
    null,
    {
      ...{ MessageName: 'Assign', PrimaryEntityName: 'account', OperationId: 'o' },
      PrimaryEntityId: '6e0c0e4c-8f1f-4d5e-9d8a-0a7d1c5a0001',
    },
    [{ object: 'accounts', id: '6e0c0e4c-8f1f-4d5e-9d8a-0a7d1c5a0001', gone: false }],
  ],
  [
    'gainsight',
    null,
    { object: 'Company', type: 'upsert', id: '1P02AB' },
    [{ object: 'Company', id: '1P02AB', gone: false }],
  ],
  [
    'oracle',
    null,
    { object: 'hubOrganizations', type: 'upsert', id: 300100012345678 },
    [{ object: 'accounts', id: '300100012345678', gone: false }],
  ],
  [
    'netsuite',
    null,
    { type: 'edit', recordType: 'inventoryItem', id: '77', lastModified: 'x', record: null },
    [{ object: 'item', id: '77', gone: false }],
  ],
  [
    'sap',
    null,
    {
      ...{ type: 'sap.s4.beh.businesspartner.v1.BusinessPartner.Changed.v1', id: 'e1' },
      ...{ source: '/default/sap.s4.beh/1', data: { BusinessPartner: '0001000667' } },
    },
    [{ object: 'A_BusinessPartner', id: '0001000667', gone: false }],
  ],
  [
    'sap',
    null,
    { KEY: [{ BUSINESSPARTNER: '0001000667' }] },
    [{ object: 'A_BusinessPartner', id: '0001000667', gone: false }],
  ],
  [
    'salesforce',
    null,
    gap('GAP_UPDATE', ['0015g00000ABCDE', '0015g00000FGHIJ']),
    [
      { object: 'Account', id: '0015g00000ABCDE', gone: false },
      { object: 'Account', id: '0015g00000FGHIJ', gone: false },
    ],
  ],
  [
    'salesforce',
    null,
    gap('GAP_OVERFLOW', ['000000000000000AAA']),
    [{ object: 'Account', id: null, gone: false }],
  ],
]

/** The last three characters of an id of Salesforce are a checksum of the others. */
function shortId(hint: RecordHint): RecordHint {
  return { ...hint, id: hint.id?.slice(0, 15) ?? null }
}

function gap(changeType: string, recordIds: string[]) {
  const header = {
    entityName: 'Account',
    changeType,
    recordIds,
    commitTimestamp: 1_772_357_400_000,
  }
  return { schema: 's', payload: { ChangeEventHeader: header }, event: { EventUuid: 'u' } }
}

function split(
  from: Map<string, Connector>,
  kind: string,
  body: unknown,
  object: string | null = null,
  headers: DeliveryHeaders | undefined = {},
) {
  return from.get(kind)?.split(JSON.stringify(body), object, 'd1', headers) ?? assert.fail(kind)
}

describe('events of systems that can be asked', () => {
  for (const [kind, address, body, hints] of EVENTS)
    test(`${kind} names the records: ${JSON.stringify(body).slice(0, 60)}`, () => {
      const messages = split(asked, kind, body, address)
      const found = messages.flatMap((m) => m.hints ?? [])
      assert.deepEqual(kind === 'salesforce' ? found.map(shortId) : found, hints)
      const plain = split(unasked, kind, body, address)
      assert.equal(plain.length, messages.length)
      assert.deepEqual(
        plain.flatMap((m) => m.hints ?? []),
        [],
        'without a connection they count themselves',
      )
    })

  test('an object that is not read counts itself, and so does an event without an id', () => {
    const event = {
      ...{ id: 'evt_1', object: 'event', created: 1, type: 'customer.updated' },
      data: { object: { id: 'cus_1', object: 'customer' } },
    }
    assert.equal(split(asked, 'stripe', event)[0]?.hints?.length, 1)
    assert.equal(split(unasked, 'stripe', event)[0]?.hints, undefined)
    assert.equal(split(asked, 'stripe', { ...event, data: {} })[0]?.hints, undefined)
    const [ofFile] = asked.get('stripe')?.split(JSON.stringify(event), null, null) ?? []
    assert.equal(ofFile?.hints, undefined, 'an event of a file is no delivery')
  })

  test('that carry the change count themselves with Salesforce', () => {
    const [message] = split(asked, 'salesforce', gap('UPDATE', ['0015g00000ABCDE']))
    assert.equal(message?.hints, undefined)
  })

  test('every kind that has a connection and events says what follows them', () => {
    for (const kind of Object.keys(GIVEN).filter((k) => k !== 'salesforce')) {
      const text = readFileSync(join(root, 'connectors', kind, 'mapping.yaml'), 'utf8')
      assert.equal(parse(text).events?.then, 'read', kind)
    }
  })
})

describe('a definition of events', () => {
  const events = (more: string) =>
    withMapping(`
every: { id: id }
objects:
  customers: { as: Customer, fields: { name: name } }
events: { ${more} }
`)
  const change = (connector: Connector, event: unknown) =>
    connector.read('event', JSON.stringify(event), 'customers')

  test('with partial merges, with read says nothing by itself', () => {
    const partial = events('verify: { standard: true }, id: id, then: partial')
    assert.equal(change(partial, { id: '1', name: 'Ada' })[0]?.partial, true)
    const named = events('verify: { standard: true }, operation: { constant: read }')
    assert.deepEqual(change(named, { id: '1' }), [])
  })

  test('with then: alone leaves the events as they are, and partial is refused', () => {
    const own = events('then: read')
    const event = { object: 'customers', type: 'upsert', record: { id: '1', name: 'Ada' } }
    assert.equal(own.read('event', JSON.stringify(event), null)[0]?.sourceId, '1')
    assert.throws(() => events('then: partial'), /m0\.yaml:5: then: partial needs object:/)
    assert.throws(() => events('then: later'), /events\.then/)
  })

  test('with several ways to verify accepts any of them', () => {
    const own = events(
      'verify: [{ basic: { user: touchstone } }, { token: { header: X-Key } }], then: read',
    )
    const verify = (headers: DeliveryHeaders) => own.verify(headers, new Uint8Array(), 0)
    const none = verify({})
    assert.ok(!none.ok && none.code === 'NO_SECRET')
  })
})
