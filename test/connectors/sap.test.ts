import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { recordKey } from '../../schema/recordKey.ts'
import { codeOf, ofKind, readOne } from './fixture.ts'

const sap = ofKind('sap')

const deferred = (set: string) => ({ __deferred: { uri: `https://s4.example/${set}` } })
const results = (...rows: object[]) => ({ results: rows })

const address = (id: string, city: string, ...usages: string[]) => ({
  BusinessPartner: '0000004711',
  AddressID: id,
  StreetName: 'Hauptstr.',
  HouseNumber: '5',
  CityName: city,
  PostalCode: '01099',
  Region: 'SN',
  Country: 'DE',
  to_AddressUsage: results(...usages.map((AddressUsage) => ({ AddressUsage }))),
  to_EmailAddress: results({ EmailAddress: `${city}@muster.example` }),
  to_PhoneNumber: results({ PhoneNumber: '351 12', InternationalPhoneNumber: '+493511234567' }),
  to_MobilePhoneNumber: results(),
  to_URLAddress: results({ WebsiteURL: 'https://www.muster.example' }),
})

const partner = (more: object = {}) => ({
  __metadata: { type: 'API_BUSINESS_PARTNER.A_BusinessPartnerType', etag: 'W/"1"' },
  BusinessPartner: '0000004711',
  Customer: '0000004711',
  Supplier: '',
  BusinessPartnerCategory: '2',
  BusinessPartnerFullName: 'Muster Maschinenbau',
  OrganizationBPName1: 'Muster Maschinenbau',
  OrganizationBPName2: 'und Anlagen AG',
  OrganizationBPName3: '',
  OrganizationBPName4: '',
  FirstName: '',
  LastName: '',
  CreationDate: '/Date(1527206400000)/',
  CreationTime: 'PT14H04M56S',
  LastChangeDate: '/Date(1772323200000)/',
  LastChangeTime: 'PT09H30M05S',
  IsMarkedForArchiving: false,
  to_BusinessPartnerRole: results({ BusinessPartnerRole: 'FLCU01' }),
  to_BusinessPartnerTax: results({
    BPTaxType: 'DE0',
    BPTaxNumber: 'DE123456789',
    BPTaxLongNumber: '',
  }),
  to_BuPaIdentification: results(
    { BPIdentificationType: 'BUP002', BPIdentificationNumber: 'HRB 12345' },
    { BPIdentificationType: 'FS0001', BPIdentificationNumber: 'PASSPORT' },
  ),
  to_BusinessPartnerAddress: results(
    address('1', 'Bonn', 'HOME'),
    address('2', 'Dresden', 'XXDEFAULT', 'BILL_TO'),
    address('3', 'Berlin', 'SHIP_TO'),
  ),
  to_Customer: {
    Customer: '0000004711',
    DeletionIndicator: false,
    VATRegistration: 'DE123456789',
    to_CustomerCompany: results({ CompanyCode: '1010', PaymentTerms: '0004' }),
    to_CustomerSalesArea: results({ Currency: 'EUR', CustomerPaymentTerms: '0001' }),
  },
  ...more,
})

const row = (record: object) => readOne(sap, 'row', record, 'A_BusinessPartner')

describe('a business partner of SAP', () => {
  test('is a customer with the parts that the request expands', () => {
    const { change, canonical } = row(partner())
    assert.deepEqual(
      [change.object, change.sourceId, change.version, change.deleted],
      ['A_BusinessPartner', '0000004711', 1_772_357_405_000_000n, false],
    )
    assert.deepEqual(canonical.issues, [])
    assert.deepEqual(canonical.fields, {
      kind: 'ORGANISATION',
      lifecycle: 'CUSTOMER',
      name: 'Muster Maschinenbau und Anlagen AG',
      legalName: 'Muster Maschinenbau und Anlagen AG',
      taxIds: ['DE123456789'],
      registrationIds: ['HRB 12345'],
      emails: ['bonn@muster.example', 'dresden@muster.example', 'berlin@muster.example'],
      phones: ['+493511234567'],
      domains: ['muster.example'],
      billingAddress: {
        street: 'Hauptstr. 5',
        city: 'Dresden',
        region: 'SN',
        postcode: '01099',
        country: 'DE',
      },
      shippingAddress: {
        street: 'Hauptstr. 5',
        city: 'Berlin',
        region: 'SN',
        postcode: '01099',
        country: 'DE',
      },
      currency: 'EUR',
      paymentTerms: '0004',
      legalEntities: ['1010'],
    })
  })

  test('has the time of its creation where it was never changed', () => {
    const { change } = row(partner({ LastChangeDate: null, LastChangeTime: 'PT00H00M00S' }))
    assert.equal(change.version, BigInt(Date.parse('2018-05-25T14:04:56Z')) * 1000n)
  })

  test('is a group, or a person, by its category', () => {
    const group = row(
      partner({
        BusinessPartnerCategory: '3',
        OrganizationBPName1: '',
        OrganizationBPName2: '',
        GroupBusinessPartnerName1: 'Erben Muster',
      }),
    )
    assert.equal(group.canonical.fields.name, 'Erben Muster')
    assert.equal(group.canonical.fields.legalName, undefined)
    const named = {
      FirstName: 'Ada',
      LastName: 'Lovelace',
      OrganizationBPName1: '',
      OrganizationBPName2: '',
    }
    const person = row(partner({ BusinessPartnerCategory: '1', ...named }))
    assert.deepEqual(
      [person.canonical.fields.kind, person.canonical.fields.name],
      ['PERSON', 'Ada Lovelace'],
    )
  })

  test('counts as deleted unless it is a customer or a prospect, and where SAP marks it', () => {
    const roles = (...names: string[]) => ({
      to_BusinessPartnerRole: results(
        ...names.map((BusinessPartnerRole) => ({ BusinessPartnerRole })),
      ),
    })
    const deleted = (more: object) => row(partner(more)).change.deleted
    assert.equal(deleted({ Customer: '', Supplier: '1', ...roles('BUP000', 'FLVN01') }), true)
    assert.equal(deleted({ Customer: '', to_BusinessPartnerRole: deferred('roles') }), true)
    const prospect = row(partner({ Customer: '', to_Customer: null, ...roles('BUP000', 'BUP002') }))
    assert.equal(prospect.change.deleted, false)
    assert.equal(prospect.canonical.fields.lifecycle, 'PROSPECT')
    assert.equal(deleted({ IsMarkedForArchiving: true }), true)
    assert.equal(deleted({ to_Customer: { DeletionIndicator: true } }), true)
    assert.equal(deleted({ BusinessPartnerIsBlocked: true }), false)
  })

  test('that is a person is a contact of the company of its relationship', () => {
    const person = partner({
      BusinessPartner: '0000000012',
      Customer: '',
      BusinessPartnerCategory: '1',
      FirstName: 'Ada',
      LastName: 'Lovelace',
      to_BusinessPartnerRole: results({ BusinessPartnerRole: 'BUP001' }),
      contactOf: [{ BusinessPartnerCompany: '0000004711', EmailAddress: 'ada@muster.example' }],
    })
    const changes = sap.read('row', JSON.stringify(person), 'A_BusinessPartner')
    assert.deepEqual(
      changes.map((c) => [c.object, c.sourceId, c.deleted]),
      [
        ['A_BusinessPartner', '0000000012', true],
        ['ContactPerson', '0000000012', false],
      ],
    )
    const { fields } = sap.map('ContactPerson', person)
    assert.equal(fields.customer, recordKey('sap', 'A_BusinessPartner', '0000004711'))
    assert.deepEqual([fields.name, fields.surname], ['Ada Lovelace', 'Lovelace'])
    assert.ok((fields.emails as string[]).includes('ada@muster.example'))
    const consumer = { ...person, Customer: '0000000012', to_BusinessPartnerRole: results() }
    assert.deepEqual(
      sap.read('row', JSON.stringify(consumer), 'A_BusinessPartner').map((c) => c.deleted),
      [false, true],
    )
  })

  test('that is gone deletes its contact too', () => {
    const gone = { object: 'A_BusinessPartner', type: 'delete', id: '0000000012' }
    assert.deepEqual(
      sap.read('event', JSON.stringify(gone), null).map((c) => [c.object, c.sourceId, c.deleted]),
      [
        ['A_BusinessPartner', '0000000012', true],
        ['ContactPerson', '0000000012', true],
      ],
    )
  })
})

describe('what is written to a business partner of SAP', () => {
  const write = (field: string, value: unknown, raw: Record<string, unknown>) => {
    const made = sap.invert('A_BusinessPartner', field, value, raw, () => [])
    return 'refused' in made ? made.refused.code : Object.fromEntries(made.values)
  }

  test('is a name divided over its fields, of an organisation or a group and no person', () => {
    const long = 'Vereinigte Maschinen- und Anlagenbaugesellschaft Dresden-Übigau und Söhne'
    assert.deepEqual(write('name', long, partner()), {
      OrganizationBPName1: 'Vereinigte Maschinen- und',
      OrganizationBPName2: 'Anlagenbaugesellschaft Dresden-Übigau',
      OrganizationBPName3: 'und Söhne',
    })
    assert.equal(write('name', 'x'.repeat(41), partner()), 'TOO_LONG')
    const group = { BusinessPartnerCategory: '3', GroupBusinessPartnerName1: 'Alt' }
    assert.deepEqual(write('name', 'Ehepaar Berg', partner(group)), {
      GroupBusinessPartnerName1: 'Ehepaar Berg',
    })
    const person = { BusinessPartnerCategory: '1', FirstName: 'Anna', LastName: 'Berg' }
    assert.equal(write('name', 'Anna Maria Berg', partner(person)), 'NO_INVERSE')
  })

  test('is the address with the usage, of which a house number stays beside its street', () => {
    const place = 'to_BusinessPartnerAddress.results[to_AddressUsage.results.AddressUsage=BILL_TO]'
    const now = sap.map('A_BusinessPartner', partner()).fields.billingAddress as object
    assert.deepEqual(write('billingAddress', { ...now, street: 'Hauptstr. 7' }, partner()), {
      [`${place}.HouseNumber`]: '7',
    })
    assert.deepEqual(
      write('billingAddress', { ...now, street: 'Allee 7', city: 'Ulm' }, partner()),
      {
        [`${place}.StreetName`]: 'Allee 7',
        [`${place}.HouseNumber`]: null,
        [`${place}.CityName`]: 'Ulm',
      },
    )
    // A new partner has none yet: its first one is made.
    const first = 'to_BusinessPartnerAddress.results[0]'
    assert.deepEqual(
      write(
        'billingAddress',
        { street: 'Allee 7', country: 'DE' },
        { BusinessPartnerCategory: '2' },
      ),
      { [`${first}.StreetName`]: 'Allee 7', [`${first}.Country`]: 'DE' },
    )
    assert.equal(write('shippingAddress', { city: 'Ulm' }, {}), 'NO_ELEMENT')
  })
})

describe('other objects of SAP', () => {
  test('a product has the English description as its name', () => {
    const { canonical, change } = readOne(
      sap,
      'row',
      {
        Product: 'TG12',
        BaseUnit: 'PC',
        ProductGroup: 'L001',
        ProductStandardID: '4006381333931',
        IsMarkedForDeletion: false,
        LastChangeDate: '/Date(1772323200000)/',
        LastChangeDateTime: '/Date(1772357405000+0000)/',
        to_Description: results(
          { Language: 'DE', ProductDescription: 'Handelsware 12' },
          { Language: 'EN', ProductDescription: 'Trading Good 12' },
        ),
      },
      'A_Product',
    )
    assert.equal(change.version, 1_772_357_405_000_000n)
    assert.deepEqual(canonical.fields, {
      name: 'Trading Good 12',
      sku: 'TG12',
      gtin: '4006381333931',
      unit: 'PC',
      category: 'L001',
      status: 'ACTIVE',
    })
  })

  test('a sales contract has its items, its term and its value', () => {
    const { canonical } = readOne(
      sap,
      'row',
      {
        SalesContract: '40000000',
        SoldToParty: '0000004711',
        TotalNetAmount: '1755.00',
        TransactionCurrency: 'EUR',
        SalesContractDate: '/Date(1498176000000)/',
        SalesContractValidityStartDate: '/Date(1498176000000)/',
        SalesContractValidityEndDate: '/Date(1501459200000)/',
        OverallSDProcessStatus: 'B',
        OverallSDDocumentRejectionSts: 'A',
        to_Item: results({ SalesContractItem: '10', Material: 'TG12', RequestedQuantity: '100' }),
      },
      'A_SalesContract',
    )
    assert.deepEqual(canonical.fields, {
      number: '40000000',
      customer: recordKey('sap', 'A_BusinessPartner', '0000004711'),
      lines: [{ product: recordKey('sap', 'A_Product', 'TG12'), quantity: 100 }],
      startDate: '2017-06-23',
      endDate: '2017-07-31',
      value: { minorUnits: 175_500, currency: 'EUR' },
      currency: 'EUR',
      status: 'ACTIVE',
    })
  })

  test('a billing document is an invoice, and a credit memo is none', () => {
    const document = (SDDocumentCategory: string, more: object = {}) =>
      readOne(
        sap,
        'row',
        {
          BillingDocument: '90000000',
          SDDocumentCategory,
          SoldToParty: '0000004711',
          TotalGrossAmount: '1190.00',
          TransactionCurrency: 'EUR',
          BillingDocumentDate: '/Date(1772323200000)/',
          AccountingTransferStatus: 'C',
          BillingDocumentIsCancelled: false,
          ...more,
        },
        'A_BillingDocument',
      )
    assert.deepEqual(document('M').canonical.fields, {
      customer: recordKey('sap', 'A_BusinessPartner', '0000004711'),
      number: '90000000',
      status: 'Posted',
      issueDate: '2026-03-01',
      total: 119_000,
      currency: 'EUR',
    })
    assert.equal(
      document('M', { BillingDocumentIsCancelled: true }).canonical.fields.status,
      'Cancelled',
    )
    assert.deepEqual(
      ['M', 'P', 'N', 'O', 'S', 'U', '5', '6'].map((c) => document(c).change.deleted),
      [false, false, true, true, true, true, true, true],
    )
    const memo = { BillingDocument: '90000001', SDDocumentCategory: 'O' }
    assert.deepEqual(
      sap.read('row', JSON.stringify(memo), 'A_BillingDocument').map((c) => [c.object, c.deleted]),
      [
        ['A_BillingDocument', true],
        ['CreditMemo', false],
      ],
    )
  })

  test('an event with a key alone is refused, because it would lose the record', () => {
    const event = {
      specversion: '1.0',
      type: 'sap.s4.beh.businesspartner.v1.BusinessPartner.Changed.v1',
      source: '/default/sap.s4.beh/244572008',
      id: '194780e0-b5db-1ede-b58a-4550178dff9e',
      time: '2026-03-01T09:30:00Z',
      data: { BusinessPartner: '0000004711' },
    }
    const [message] = sap.split(JSON.stringify(event), null, 'd1')
    assert.equal(message?.object, 'A_BusinessPartner')
    assert.equal(
      codeOf(() => sap.read(message?.format ?? 'row', message?.body ?? '', null)),
      'NO_DATA',
    )
  })
})

const samples = fileURLToPath(new URL('../../../shared/samples/sap-s4hana/', import.meta.url))

/** The set that the answers in a file of the samples are of, by the folder and the end of its name. */
const SETS: [RegExp, string][] = [
  [/business-partner.*-(general|bpname)-01-sample/, 'A_BusinessPartner'],
  [/product-master-general-01-sample/, 'A_Product'],
  [/sales-contract-header-01-sample/, 'A_SalesContract'],
  [/sales-contract-item-01-sample/, 'A_SalesContractItem'],
  [/sales-order-header-01-sample/, 'A_SalesOrder'],
  [/billing-document-header-01-sample/, 'A_BillingDocument'],
]

test('published answers of SAP are mapped without a fault', {
  skip: existsSync(samples) ? false : 'no ../shared/samples here',
}, () => {
  let read = 0
  for (const file of readdirSync(samples, { recursive: true, encoding: 'utf8' })) {
    const set = SETS.find(([name]) => name.test(file))?.[1]
    if (!set || !file.includes('Outputs')) continue
    const { message } = JSON.parse(readFileSync(samples + file, 'utf8')) as { message: object[] }
    for (const record of message) {
      const { change, canonical } = readOne(sap, 'row', record, set)
      assert.equal(canonical.complete, true, file)
      if (canonical.type !== 'Kept') assert.notEqual(change.version, null, file)
      assert.deepEqual(canonical.issues, [], file)
      read++
    }
  }
  assert.ok(read > 10, `${read} records`)
})
