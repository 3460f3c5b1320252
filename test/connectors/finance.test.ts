import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readYaml } from '../../connectors/yamlFile.ts'
import { recordKey } from '../../schema/recordKey.ts'
import { ofKind, readOne, root } from './fixture.ts'

const finance = ofKind('finance')

const customer = (dataAreaId: string, more: object = {}) => ({
  '@odata.etag': 'W/"1"',
  dataAreaId,
  CustomerAccount: 'US-001',
  PartyType: 'Organization',
  OrganizationName: 'Muster AG',
  KnownAs: 'Muster',
  PartyNumber: '000000123',
  TaxExemptNumber: 'DE123456789',
  OrganizationNumber: '314159265',
  PrimaryContactEmail: 'info@muster.example',
  PrimaryContactPhone: '0351 1234567',
  PrimaryContactURL: 'www.muster.example',
  AddressStreet: 'Ring 1',
  AddressCity: 'Bonn',
  AddressState: '',
  AddressZipCode: '53111',
  AddressCountryRegionId: 'DEU',
  AddressCountryRegionISOCode: 'DE',
  InvoiceAddressStreet: '',
  InvoiceAddressCity: '',
  InvoiceAddressCountryRegionId: '',
  InvoiceAddressValidFrom: '1900-01-01T00:00:00Z',
  SalesCurrencyCode: 'EUR',
  PaymentTerms: 'Net30',
  ...more,
})

const row = (record: object) => readOne(finance, 'row', record, 'CustomersV3')

describe('Dynamics 365 Finance', () => {
  test('a customer is one record in each legal entity', () => {
    const { change, canonical } = row(customer('usmf'))
    assert.equal(change.sourceId, 'usmf-US-001')
    assert.deepEqual(canonical.issues, [])
    assert.deepEqual(canonical.fields, {
      kind: 'ORGANISATION',
      lifecycle: 'CUSTOMER',
      name: 'Muster AG',
      tradingNames: ['Muster'],
      taxIds: ['DE123456789'],
      registrationIds: ['314159265'],
      emails: ['info@muster.example'],
      phones: ['+493511234567'],
      domains: ['muster.example'],
      billingAddress: { street: 'Ring 1', city: 'Bonn', postcode: '53111', country: 'DE' },
      currency: 'EUR',
      paymentTerms: 'Net30',
      legalEntities: ['usmf'],
    })
    assert.equal(row(customer('demf')).change.sourceId, 'demf-US-001')
  })

  test('an address of invoices counts as a whole, without parts of the primary one', () => {
    const { fields } = row(
      customer('usmf', { InvoiceAddressCity: 'Dresden', InvoiceAddressCountryRegionId: 'DEU' }),
    ).canonical
    assert.deepEqual(fields.billingAddress, { city: 'Dresden', country: 'DE' })
  })

  test('an address is written where it is read, and not into an address of invoices that is not there', () => {
    const raw = { ...customer('usmf', { AddressZipCode: '', InvoiceAddressZipCode: '' }) }
    const address = { street: 'Ring 2', city: 'Bonn', postcode: '53113', country: 'DE' }
    const placesOf = (record: object) => {
      const inverse = finance.invert(
        'CustomersV3',
        'billingAddress',
        address,
        record as never,
        () => [],
      )
      return 'values' in inverse ? [...inverse.values.keys()] : inverse
    }
    assert.deepEqual(placesOf(raw), ['AddressStreet', 'AddressZipCode'])
    assert.deepEqual(
      placesOf({
        ...raw,
        InvoiceAddressCountryRegionId: 'DEU',
        InvoiceAddressCountryRegionISOCode: 'DE',
      }),
      ['InvoiceAddressStreet', 'InvoiceAddressCity', 'InvoiceAddressZipCode'],
    )
  })

  test('a person has the name of a person', () => {
    const { fields } = row(
      customer('usmf', {
        PartyType: 'Person',
        OrganizationName: '',
        PersonFirstName: 'Ludwig',
        PersonLastNamePrefix: 'van',
        PersonLastName: 'Beethoven',
      }),
    ).canonical
    assert.deepEqual([fields.kind, fields.name], ['PERSON', 'Ludwig van Beethoven'])
  })

  test('a released product has the number of its product', () => {
    const { change, canonical } = readOne(
      finance,
      'row',
      {
        dataAreaId: 'usmf',
        ItemNumber: 'D0001',
        ProductNumber: 'D0001',
        ProductSearchName: 'MidRangeSpeaker',
        SalesUnitSymbol: 'ea',
        SalesPrice: 499,
      },
      'ReleasedProductsV2',
    )
    assert.equal(change.sourceId, 'usmf-D0001')
    assert.deepEqual(canonical.fields, { name: 'MidRangeSpeaker', sku: 'D0001', unit: 'ea' })
  })

  test('an invoice refers to the customer of its legal entity', () => {
    const invoice = {
      dataAreaId: 'usmf',
      InvoiceNumber: 'CIV-000667',
      InvoiceDate: '2026-03-01T12:00:00Z',
      LedgerVoucher: 'ARI-000667',
      InvoiceCustomerAccountNumber: 'US-001',
      TotalInvoiceAmount: 119.5,
      CurrencyCode: 'EUR',
    }
    const read = (record: object) => readOne(finance, 'row', record, 'SalesInvoiceHeadersV2')
    assert.equal(read(invoice).change.sourceId, 'usmf|CIV-000667|2026-03-01T12:00:00Z|ARI-000667')
    assert.deepEqual(read(invoice).canonical.fields, {
      customer: recordKey('finance', 'CustomersV3', 'usmf-US-001'),
      number: 'CIV-000667',
      issueDate: '2026-03-01',
      total: 11_950,
      currency: 'EUR',
    })
    const { fields } = read({ ...invoice, InvoiceCustomerAccountNumber: '' }).canonical
    assert.equal(fields.customer, undefined)
  })
})

const published = fileURLToPath(
  new URL(
    '../../../shared/samples/dynamics365/microsoft__CDM/operationsCommon/Entities/Finance/AccountsReceivable/CustCustomerV3Entity.cdm.json',
    import.meta.url,
  ),
)

test('the fields of a customer are those that Microsoft publishes', {
  skip: existsSync(published) ? false : 'no ../shared/samples here',
}, () => {
  const names = new Set(
    [...readFileSync(published, 'utf8').matchAll(/"name":\s*"(\w+)"/g)].map(([, name]) => name),
  )
  const { value } = readYaml(`${root}connectors/finance/mapping.yaml`)
  const { CustomersV3 } = (value as { objects: Record<string, { fields: unknown }> }).objects
  const used = JSON.stringify(CustomersV3?.fields).match(/\b[A-Z]\w*[a-z]\w*\b/g) ?? []
  assert.ok(used.length > 40)
  const unknown = used.filter(
    (name) => !names.has(name) && !['Organization', 'Person'].includes(name),
  )
  assert.deepEqual([...new Set(unknown)], [])
})
