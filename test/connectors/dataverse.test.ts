import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { recordKey } from '../../schema/recordKey.ts'
import { codeOf, deliver, ofKind, readOne, root } from './fixture.ts'

const dataverse = ofKind('dataverse')
const now = Date.UTC(2026, 10, 30, 6)
const key = (object: string, id: string) => recordKey('dataverse', object, id)
const token = { 'x-webhook-key': 'first-secret' }
const shown = 'OData.Community.Display.V1.FormattedValue'
const logical = 'Microsoft.Dynamics.CRM.lookuplogicalname'

const acme = '60c4e274-0d87-e711-80e5-00155db19e6d'
const group = '7a1d0f3c-0d87-e711-80e5-00155db19e6d'

const account = {
  '@odata.etag': 'W/"915244"',
  accountid: acme,
  name: 'Blue Fen GmbH',
  accountnumber: 'A-1001',
  websiteurl: 'https://blue-fen.example',
  emailaddress1: 'info@blue-fen.example',
  telephone1: '030 1234567',
  address1_line1: 'Hafenweg 3',
  address1_line2: 'Tor B',
  address1_city: 'Berlin',
  address1_postalcode: '10115',
  address1_country: 'Germany',
  customertypecode: 3,
  paymenttermscode: 1,
  statecode: 0,
  merged: false,
  _parentaccountid_value: group,
  _transactioncurrencyid_value: 'c0000000-0000-0000-0000-000000000001',
  [`_transactioncurrencyid_value@${shown}`]: 'Euro',
  _ownerid_value: 'd0000000-0000-0000-0000-000000000001',
  [`_ownerid_value@${shown}`]: 'Ada Reyes',
  modifiedon: '2026-11-29T10:00:00Z',
}

describe('Dataverse', () => {
  test('maps an account with its lookups; any spelling of a GUID is one id', () => {
    const { change, canonical } = readOne(dataverse, 'row', account, 'account')
    assert.deepEqual([change.object, change.sourceId, change.deleted], ['accounts', acme, false])
    assert.deepEqual(canonical, {
      type: 'Customer',
      complete: true,
      issues: [],
      fields: {
        kind: 'ORGANISATION',
        lifecycle: 'CUSTOMER',
        name: 'Blue Fen GmbH',
        emails: ['info@blue-fen.example'],
        phones: ['+49301234567'],
        domains: ['blue-fen.example'],
        billingAddress: {
          street: 'Hafenweg 3, Tor B',
          city: 'Berlin',
          postcode: '10115',
          country: 'DE',
        },
        parent: key('accounts', group),
        currency: 'EUR',
        paymentTerms: 'Net 30',
        accountOwner: 'Ada Reyes',
      },
    })
    const braced = { ...account, accountid: `{${acme.toUpperCase()}}` }
    assert.equal(readOne(dataverse, 'row', braced, 'accounts').change.sourceId, acme)
    assert.equal(
      readOne(dataverse, 'row', { ...account, merged: true }, 'accounts').change.deleted,
      true,
    )
  })

  test('a customer or parent counts where it is an account', () => {
    const customer = (object: string, record: object) =>
      readOne(dataverse, 'row', { ...record, modifiedon: '2026-11-29T10:00:00Z' }, object).canonical
        .fields.customer
    const contact = { contactid: group, lastname: 'Ode', _parentcustomerid_value: acme }
    const ofType = (type: string) => ({ [`_parentcustomerid_value@${logical}`]: type })
    assert.equal(customer('contacts', { ...contact, ...ofType('account') }), key('accounts', acme))
    assert.equal(customer('contacts', { ...contact, ...ofType('contact') }), undefined)
    assert.equal(customer('contacts', contact), key('accounts', acme))
    const opportunity = { opportunityid: group, _customerid_value: acme }
    assert.equal(customer('opportunities', opportunity), key('accounts', acme))
    assert.equal(
      customer('opportunities', { ...opportunity, _parentaccountid_value: group }),
      key('accounts', group),
    )
  })

  test('maps an opportunity; won ones count what they brought', () => {
    const opportunity = {
      opportunityid: acme,
      name: 'Renewal',
      _parentaccountid_value: group,
      estimatedvalue: 1200.5,
      actualvalue: 1100,
      closeprobability: 40,
      estimatedclosedate: '2026-12-31',
      stepname: '2-Develop',
      statecode: 0,
      [`_transactioncurrencyid_value@${shown}`]: 'US Dollar',
      modifiedon: '2026-11-29T10:00:00Z',
    }
    const map = (more: object = {}) =>
      readOne(dataverse, 'row', { ...opportunity, ...more }, 'opportunities').canonical
    assert.deepEqual(map().fields, {
      customer: key('accounts', group),
      name: 'Renewal',
      stage: '2-Develop',
      amount: 120_050,
      currency: 'USD',
      probability: 40,
      closeDate: '2026-12-31',
      isClosed: false,
      isWon: false,
    })
    const won = map({ statecode: 1, actualclosedate: '2026-11-28' }).fields
    assert.deepEqual(
      [won.amount, won.isWon, won.isClosed, won.closeDate],
      [110_000, true, true, '2026-11-28'],
    )
    const other = map({ [`_transactioncurrencyid_value@${shown}`]: 'Own money' })
    assert.equal(other.fields.amount, undefined)
    assert.deepEqual(
      other.issues.map((i) => i.code),
      ['INVALID_CURRENCY'],
    )
  })

  test('maps products, contracts and invoices', () => {
    const money = {
      [`_transactioncurrencyid_value@${shown}`]: 'Euro',
      modifiedon: '2026-11-29T10:00:00Z',
    }
    const map = (object: string, record: object) =>
      readOne(dataverse, 'row', { ...record, ...money }, object).canonical.fields
    assert.deepEqual(
      map('products', {
        productid: acme,
        name: 'Panel',
        productnumber: 'P-1',
        price: 12.5,
        statecode: 1,
        [`_defaultuomid_value@${shown}`]: 'Primary Unit',
      }),
      {
        name: 'Panel',
        sku: 'P-1',
        unit: 'Primary Unit',
        listPrice: { minorUnits: 1250, currency: 'EUR' },
        status: 'INACTIVE',
      },
    )
    assert.deepEqual(
      map('contracts', {
        contractid: acme,
        contractnumber: 'CNR-01001',
        _customerid_value: group,
        activeon: '2026-01-01',
        expireson: '2026-12-31',
        netprice: 5000,
        statecode: 2,
      }),
      {
        number: 'CNR-01001',
        customer: key('accounts', group),
        startDate: '2026-01-01',
        endDate: '2026-12-31',
        value: { minorUnits: 500_000, currency: 'EUR' },
        currency: 'EUR',
        status: 'ACTIVE',
      },
    )
    assert.deepEqual(
      map('invoices', {
        invoiceid: acme,
        invoicenumber: 'INV-01',
        _customerid_value: group,
        totalamount: 99.9,
        duedate: '2026-12-01',
        createdon: '2026-11-01T08:00:00Z',
        statecode: 2,
      }),
      {
        customer: key('accounts', group),
        number: 'INV-01',
        status: 'paid',
        issueDate: '2026-11-01',
        dueDate: '2026-12-01',
        total: 9990,
        currency: 'EUR',
      },
    )
  })

  const context = (MessageName: string, attributes: [string, unknown][], more: object = {}) => ({
    MessageName,
    PrimaryEntityName: 'account',
    PrimaryEntityId: acme,
    OperationId: 'e0000000-0000-0000-0000-000000000001',
    OperationCreatedOn: `/Date(${now - 500})/`,
    InputParameters: [
      {
        key: 'Target',
        value: {
          __type: 'Entity:http://schemas.microsoft.com/xrm/2011/Contracts',
          Attributes: attributes.map(([name, value]) => ({ key: name, value })),
          Id: acme,
          LogicalName: 'account',
        },
      },
    ],
    ...more,
  })

  test('an event has the columns that were set, in the form of the Web API', () => {
    const typed = (type: string, value: object) => ({
      __type: `${type}:http://schemas.microsoft.com/xrm/2011/Contracts`,
      ...value,
    })
    const update = context('Update', [
      ['name', 'Blue Fen SE'],
      ['paymenttermscode', typed('OptionSetValue', { Value: 3 })],
      ['revenue', typed('Money', { Value: 12.5 })],
      ['parentaccountid', typed('EntityReference', { Id: group, LogicalName: 'account' })],
      ['ownerid', null],
      ['modifiedon', `/Date(${now - 1000})/`],
    ])
    const [message] = deliver(dataverse, update, token, now)
    const [change] = message?.changes ?? []
    assert.deepEqual(
      [change?.object, change?.sourceId, change?.partial, change?.version],
      ['accounts', acme, true, BigInt(now - 1000) * 1000n],
    )
    assert.deepEqual(change?.raw, {
      name: 'Blue Fen SE',
      paymenttermscode: 3,
      revenue: 12.5,
      _parentaccountid_value: group,
      _ownerid_value: null,
      modifiedon: `/Date(${now - 1000})/`,
    })
    assert.equal(change?.canonical.fields.paymentTerms, 'Net 45')
    assert.equal(change?.canonical.fields.parent, key('accounts', group))
  })

  test('a deletion is a tombstone; a changed owner or state is read by the next pull', () => {
    const gone = context('Delete', [], {
      InputParameters: [{ key: 'Target', value: { Id: acme, LogicalName: 'account' } }],
    })
    assert.deepEqual(
      deliver(dataverse, gone, token, now)[0]?.changes.map((c) => [
        c.sourceId,
        c.deleted,
        c.version,
      ]),
      [[acme, true, BigInt(now - 500) * 1000n]],
    )
    assert.deepEqual(deliver(dataverse, context('Assign', []), token, now)[0]?.changes, [])
    const large = context('Update', [], { InputParameters: [] })
    assert.equal(
      codeOf(() => deliver(dataverse, large, token, now)),
      'NO_DATA',
    )
    const wrong = dataverse.verify({ 'x-webhook-key': 'other' }, Buffer.from('{}'), now)
    assert.equal(wrong.ok ? '' : wrong.code, 'WRONG_SIGNATURE')
  })

  const samples = join(root, '../shared/samples/dynamics365/microsoft__CDM/applicationCommon')
  test('its columns are in the published model of the tables', {
    skip: existsSync(samples) ? false : 'no ../shared/samples here',
  }, () => {
    const sales = join(samples, 'foundationCommon/crmCommon/sales')
    const published: [string, string[]][] = [
      [
        join(sales, 'Opportunity.cdm.json'),
        ['estimatedvalue', 'actualvalue', 'closeprobability', 'stepname', 'salesstagecode'],
      ],
      [join(sales, 'Invoice.cdm.json'), ['invoicenumber', 'duedate', 'totalamount', 'statecode']],
      [
        join(samples, 'foundationCommon/Product.cdm.json'),
        ['productnumber', 'price', 'vendorpartnumber', 'productstructure', 'statecode'],
      ],
    ]
    for (const [file, columns] of published) {
      const text = readFileSync(file, 'utf8').toLowerCase()
      for (const column of columns) assert.ok(text.includes(`"${column}"`), `${file}: ${column}`)
    }
  })
})
