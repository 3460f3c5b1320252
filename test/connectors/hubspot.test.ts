import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { recordKey } from '../../schema/recordKey.ts'
import { codeOf, deliver, ofKind, readOne, root } from './fixture.ts'

const address = 'https://hooks.example.com/ingest/hubspot'
const hubspot = ofKind('hubspot', address)
const now = Date.UTC(2026, 10, 30, 6)
const key = (object: string, id: string) => recordKey('hubspot', object, id)
const samples = join(root, '../shared/samples/hubspot')
const skip = existsSync(samples) ? false : 'no ../shared/samples here'

function sign(body: string, at = now, url = address) {
  const text = `POST${url}${body}${at}`
  return {
    'x-hubspot-signature-v3': createHmac('sha256', 'first-secret').update(text).digest('base64'),
    'x-hubspot-request-timestamp': String(at),
  }
}

const company = {
  id: '7086461639',
  properties: {
    hs_object_id: '7086461639',
    name: 'Blue Fen GmbH',
    domain: 'blue-fen.example',
    website: 'https://www.blue-fen.example/about',
    hs_additional_domains: 'bluefen.example;blue-fen-shop.example',
    phone: '030 1234567',
    address: 'Hafenweg 3',
    address2: 'Tor B',
    city: 'Berlin',
    state: 'BE',
    zip: '10115',
    country: 'Germany',
    lifecyclestage: 'customer',
    hs_parent_company_id: '55',
    hs_merged_object_ids: '71;72',
    hs_lastmodifieddate: '2026-11-29T10:00:00.123Z',
  },
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-11-29T10:00:00.123Z',
  archived: false,
}

const micros = (iso: string) => BigInt(Date.parse(iso)) * 1000n

describe('HubSpot', () => {
  test('maps a company; empty texts are no values', () => {
    const { change, canonical } = readOne(hubspot, 'row', company, 'companies')
    assert.deepEqual(
      [change.sourceId, change.version, change.deleted],
      ['7086461639', micros('2026-11-29T10:00:00.123Z'), false],
    )
    assert.deepEqual(canonical, {
      type: 'Customer',
      complete: true,
      issues: [],
      fields: {
        kind: 'ORGANISATION',
        lifecycle: 'CUSTOMER',
        name: 'Blue Fen GmbH',
        domains: ['blue-fen.example', 'bluefen.example', 'blue-fen-shop.example'],
        phones: ['+49301234567'],
        billingAddress: {
          street: 'Hafenweg 3, Tor B',
          city: 'Berlin',
          region: 'BE',
          postcode: '10115',
          country: 'DE',
        },
        parent: key('companies', '55'),
      },
    })
    const bare = { ...company, properties: { domain: 'x.example', name: '', phone: '' } }
    assert.deepEqual(readOne(hubspot, 'row', bare, 'companies').canonical.fields, {
      kind: 'ORGANISATION',
      name: 'x.example',
      domains: ['x.example'],
    })
  })

  test('an archived record is deleted at the time of its archiving', () => {
    const archived = { ...company, archived: true, archivedAt: '2026-11-30T00:00:00.000Z' }
    const { change } = readOne(hubspot, 'row', archived, 'companies')
    assert.deepEqual([change.deleted, change.version], [true, micros('2026-11-30T00:00:00.000Z')])
  })

  test('a deal has the company with the label Primary; a contact its own property first', () => {
    const companies = [
      {
        from: { id: '1' },
        to: [
          {
            toObjectId: 8,
            associationTypes: [{ category: 'HUBSPOT_DEFINED', typeId: 341, label: null }],
          },
          {
            toObjectId: 9,
            associationTypes: [
              { category: 'HUBSPOT_DEFINED', typeId: 341, label: null },
              { category: 'HUBSPOT_DEFINED', typeId: 5, label: 'Primary' },
            ],
          },
        ],
      },
    ]
    const deal = {
      id: '1',
      properties: {
        dealname: 'Renewal 2027',
        dealstage: 'qualifiedtobuy',
        amount: '1200.50',
        deal_currency_code: 'EUR',
        closedate: '2026-12-31T22:59:59.000Z',
        hs_is_closed: 'false',
        hs_is_closed_won: 'false',
        hs_lastmodifieddate: '2026-11-29T10:00:00Z',
      },
      companies,
    }
    const { canonical } = readOne(hubspot, 'row', deal, 'deals')
    assert.deepEqual(canonical.issues, [])
    assert.deepEqual(canonical.fields, {
      customer: key('companies', '9'),
      name: 'Renewal 2027',
      stage: 'qualifiedtobuy',
      amount: 120_050,
      currency: 'EUR',
      closeDate: '2026-12-31',
      isClosed: false,
      isWon: false,
    })
    const contact = (properties: object) =>
      readOne(hubspot, 'row', { id: '2', properties, companies }, 'contacts').canonical.fields
    assert.equal(
      contact({ email: 'a@x.example', associatedcompanyid: '5' }).customer,
      key('companies', '5'),
    )
    assert.equal(contact({ email: 'a@x.example' }).customer, key('companies', '9'))
  })

  test('maps what Commerce has', () => {
    const companies = [{ from: { id: '1' }, to: [{ toObjectId: '9', associationTypes: [] }] }]
    const map = (object: string, properties: object, more: object = {}) =>
      readOne(hubspot, 'row', { id: '1', properties, companies, ...more }, object).canonical
    assert.deepEqual(
      map('subscriptions', {
        hs_status: 'active',
        hs_next_payment_amount: '99.00',
        hs_currency_code: 'EUR',
        hs_recurring_billing_frequency: 'per_six_months',
        hs_recurring_billing_start_date: '2026-06-01',
        hs_next_payment_due_date: '2026-12-01',
      }).fields,
      {
        customer: key('companies', '9'),
        status: 'active',
        amount: 9900,
        currency: 'EUR',
        interval: 'month',
        intervalCount: 6,
        startDate: '2026-06-01',
        currentPeriodEnd: '2026-12-01',
      },
    )
    assert.deepEqual(
      map('invoices', {
        hs_number: 'INV-1003',
        hs_invoice_status: 'open',
        hs_amount_billed: '150.5',
        hs_balance_due: '50.5',
        hs_currency: 'USD',
        hs_invoice_date: '2026-11-01',
        hs_due_date: '2026-12-01',
      }).fields,
      {
        customer: key('companies', '9'),
        number: 'INV-1003',
        status: 'open',
        issueDate: '2026-11-01',
        dueDate: '2026-12-01',
        total: 15_050,
        balance: 5_050,
        currency: 'USD',
      },
    )
    assert.deepEqual(
      map(
        'commerce_payments',
        {
          hs_latest_status: 'succeeded',
          hs_initial_amount: '100',
          hs_currency_code: 'USD',
          hs_initiated_date: '2026-11-15T18:04:11.823Z',
          hs_payment_method_type: 'card',
        },
        { invoices: [{ from: { id: '1' }, to: [{ toObjectId: '77', associationTypes: [] }] }] },
      ).fields,
      {
        customer: key('companies', '9'),
        invoice: key('invoices', '77'),
        status: 'succeeded',
        paidOn: '2026-11-15',
        amount: 10_000,
        currency: 'USD',
        method: 'card',
      },
    )
  })

  const event = (subscriptionType: string, more: object = {}) => ({
    eventId: 100,
    subscriptionId: 12,
    portalId: 62515,
    appId: 54321,
    occurredAt: now - 1000,
    subscriptionType,
    attemptNumber: 0,
    objectId: 7086461639,
    changeSource: 'CRM',
    ...more,
  })

  test('an event replaces one property of the record, and an empty value removes it', () => {
    const body = JSON.stringify([
      event('company.propertyChange', { propertyName: 'name', propertyValue: 'Blue Fen SE' }),
      event('company.propertyChange', { propertyName: 'phone', propertyValue: '' }),
      event('object.propertyChange', {
        objectTypeId: '0-3',
        propertyName: 'amount',
        propertyValue: '7',
      }),
      event('contact.privacyDeletion'),
      event('company.merge', { primaryObjectId: 1, mergedObjectIds: [1, 2], newObjectId: 3 }),
    ])
    const messages = deliver(hubspot, body, sign(body), now)
    assert.equal(new Set(messages.map((m) => m.id)).size, 5)
    assert.deepEqual(
      messages.flatMap((m) => m.changes.map((c) => [c.object, c.deleted, c.partial, c.raw])),
      [
        ['companies', false, true, { 'properties.name': 'Blue Fen SE' }],
        ['companies', false, true, { 'properties.phone': null }],
        ['deals', false, true, { 'properties.amount': '7' }],
        ['contacts', true, true, {}],
      ],
    )
    const [change] = messages[0]?.changes ?? []
    assert.equal(change?.version, BigInt(now - 1000) * 1000n)
    // As the record stands after both: what the events state counts before what was read.
    const merged = { ...company, 'properties.name': 'Blue Fen SE', 'properties.phone': null }
    const { fields } = hubspot.map('companies', merged)
    assert.equal(fields.name, 'Blue Fen SE')
    assert.equal(fields.phones, undefined)
  })

  test('an event of an object that the mapping lacks is an exception', () => {
    const body = JSON.stringify([event('conversation.creation')])
    assert.equal(
      codeOf(() => deliver(hubspot, body, sign(body), now)),
      'NO_OBJECT',
    )
  })

  test('the signature covers the address, and its timestamp is near', () => {
    const body = '[]'
    const code = (headers: Record<string, string>) => {
      const verdict = hubspot.verify(headers, Buffer.from(body), now)
      return verdict.ok ? 'ok' : verdict.code
    }
    assert.equal(code(sign(body)), 'ok')
    assert.equal(code(sign(body, now, 'https://other.example/ingest/hubspot')), 'WRONG_SIGNATURE')
    assert.equal(code(sign(body, now - 301_000)), 'STALE_TIMESTAMP')
    assert.equal(code(sign(body, now + 301_000)), 'FUTURE_TIMESTAMP')
    const unset = ofKind('hubspot').verify(sign(body), Buffer.from(body), now)
    assert.equal(unset.ok ? '' : unset.code, 'NO_SECRET')
  })

  test('no signature of an earlier version passes: the vectors of the vendor', { skip }, () => {
    const file = join(samples, 'HubSpot__hubspot-api-nodejs/signature-vectors.json')
    const vectors = JSON.parse(readFileSync(file, 'utf8')) as {
      signature: string
      requestBody: string
    }[]
    assert.ok(vectors.length >= 4)
    for (const { signature, requestBody } of vectors) {
      const code = (headers: Record<string, string>) => {
        const verdict = hubspot.verify(headers, Buffer.from(requestBody), now)
        return verdict.ok ? 'ok' : verdict.code
      }
      const version3 = { ...sign(requestBody), 'x-hubspot-signature-v3': signature }
      assert.equal(code({ 'x-hubspot-signature': signature }), 'NO_SIGNATURE')
      assert.equal(code(version3), signature === '' ? 'NO_SIGNATURE' : 'WRONG_SIGNATURE')
      assert.equal(code(sign(requestBody)), 'ok')
    }
  })

  test('reads recorded records of the API', { skip }, () => {
    for (const [file, object] of [
      ['companies_data', 'companies'],
      ['contacts_data', 'contacts'],
      ['deals_data', 'deals'],
      ['products_data', 'products'],
      ['quotes_data', 'quotes'],
      ['contacts_with_history', 'contacts'],
    ] as const) {
      const text = readFileSync(join(samples, `dlt-hub__verified-sources/${file}.json`), 'utf8')
      const { results } = JSON.parse(text) as { results: Record<string, unknown>[] }
      assert.ok(results.length > 0)
      for (const record of results) {
        const { change, canonical } = readOne(hubspot, 'row', record, object)
        assert.equal(change.sourceId, record.id)
        assert.equal(typeof change.version, 'bigint')
        assert.ok(canonical.complete, `${file} ${String(record.id)}`)
      }
    }
  })
})
