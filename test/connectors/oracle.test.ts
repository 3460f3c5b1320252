import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { recordKey } from '../../schema/recordKey.ts'
import { ofKind, readOne } from './fixture.ts'

const oracle = ofKind('oracle')

const organization = {
  PartyId: 300100012345678,
  PartyNumber: 'CDRM_1001',
  OrganizationName: 'Muster AG',
  Type: 'ZCA_CUSTOMER',
  Status: 'A',
  TaxpayerIdentificationNumber: 'DE123456789',
  DUNSNumber: '314159265',
  EmailAddress: 'info@muster.example',
  FormattedPhoneNumber: '+49 (351) 1234567',
  URL: 'www.muster.example',
  CurrencyCode: 'EUR',
  ParentAccountPartyId: 300100012345000,
  OwnerName: 'Ada Lovelace',
  LastUpdateDate: '2026-03-01T09:30:05.000+00:00',
  Address: [
    { PrimaryFlag: false, Address1: 'Ring 1', City: 'Bonn', Country: 'DE' },
    {
      PrimaryFlag: true,
      Address1: 'Hauptstr. 5',
      City: 'Dresden',
      PostalCode: '01099',
      Country: 'DE',
    },
  ],
}

describe('Oracle Fusion', () => {
  test('an organization is a customer by the id of its party, with its primary address', () => {
    const { change, canonical } = readOne(oracle, 'row', organization, 'hubOrganizations')
    assert.deepEqual(
      [change.sourceId, change.version, change.deleted],
      ['300100012345678', 1_772_357_405_000_000n, false],
    )
    assert.deepEqual(canonical.issues, [])
    assert.deepEqual(canonical.fields, {
      kind: 'ORGANISATION',
      lifecycle: 'CUSTOMER',
      name: 'Muster AG',
      taxIds: ['DE123456789'],
      registrationIds: ['314159265'],
      emails: ['info@muster.example'],
      phones: ['+493511234567'],
      domains: ['muster.example'],
      billingAddress: { street: 'Hauptstr. 5', city: 'Dresden', postcode: '01099', country: 'DE' },
      currency: 'EUR',
      parent: recordKey('oracle', 'accounts', '300100012345000'),
      accountOwner: 'Ada Lovelace',
    })
    assert.equal(oracle.objectName('hubOrganizations'), 'accounts')
    const { Address, ...account } = organization
    assert.ok(Address)
    const own = {
      ...account,
      AddressLine1: 'Ring 1',
      AddressLine2: 'Haus B',
      City: 'Bonn',
      Country: 'DE',
    }
    assert.deepEqual(readOne(oracle, 'row', own, 'accounts').canonical.fields.billingAddress, {
      street: 'Ring 1, Haus B',
      city: 'Bonn',
      country: 'DE',
    })
  })

  test('a party that was merged or deleted is deleted', () => {
    for (const [Status, deleted] of [
      ['A', false],
      ['I', false],
      ['M', true],
      ['D', true],
    ] as const)
      assert.equal(
        readOne(oracle, 'row', { ...organization, Status }, 'accounts').change.deleted,
        deleted,
        Status,
      )
  })

  test('a contact acts for the account that it names', () => {
    const record = {
      PartyId: 300100012345999,
      PartyNumber: 'CDRM_2001',
      FirstName: 'Ada',
      LastName: 'Lovelace',
      JobTitle: 'CTO',
      EmailAddress: 'ada@muster.example',
      AccountPartyId: 300100012345678,
      AccountPartyNumber: 'CDRM_1001',
      AddressLine1: 'Hauptstr. 5',
      City: 'Dresden',
      Country: 'DE',
    }
    assert.deepEqual(readOne(oracle, 'row', record, 'contacts').canonical.fields, {
      name: 'Ada Lovelace',
      givenName: 'Ada',
      surname: 'Lovelace',
      jobTitle: 'CTO',
      emails: ['ada@muster.example'],
      customer: recordKey('oracle', 'accounts', '300100012345678'),
      address: { street: 'Hauptstr. 5', city: 'Dresden', country: 'DE' },
    })
  })

  test('an item is one product, whichever organization states it', () => {
    const item = (OrganizationCode: string) =>
      readOne(
        oracle,
        'row',
        {
          ItemId: 100000000123,
          OrganizationCode,
          ItemNumber: 'AS54888',
          ItemDescription: 'Sensor',
          PrimaryUOMValue: 'Each',
          ItemStatusValue: 'Active',
          LastUpdateDateTime: '2026-03-01T09:30:05+00:00',
        },
        'itemsV2',
      )
    assert.deepEqual(
      [item('M1').change.sourceId, item('V1').change.sourceId],
      ['100000000123', '100000000123'],
    )
    assert.equal(item('M1').change.version, 1_772_357_405_000_000n)
    assert.deepEqual(item('M1').canonical.fields, {
      name: 'Sensor',
      sku: 'AS54888',
      description: 'Sensor',
      unit: 'Each',
      status: 'ACTIVE',
    })
  })

  test('an invoice has amounts, and no customer from the number of an account', () => {
    const record = {
      CustomerTransactionId: 300100055501,
      TransactionNumber: '5001',
      BillToCustomerNumber: '1001',
      InvoiceStatus: 'Complete',
      TransactionDate: '2026-03-01',
      DueDate: '2026-03-31',
      EnteredAmount: 119.5,
      InvoiceBalanceAmount: 19.5,
      InvoiceCurrencyCode: 'EUR',
    }
    const { change, canonical } = readOne(oracle, 'row', record, 'receivablesInvoices')
    assert.equal(change.sourceId, '300100055501')
    assert.deepEqual(canonical.fields, {
      number: '5001',
      status: 'Complete',
      issueDate: '2026-03-01',
      dueDate: '2026-03-31',
      total: 11_950,
      balance: 1_950,
      currency: 'EUR',
    })
  })

  test('an opportunity, a contract and a receipt are mapped', () => {
    const opportunity = {
      OptyId: 1,
      Name: 'Rollout',
      TargetPartyId: 300100012345678,
      SalesStage: '04 - Building Vision',
      Revenue: 5000,
      CurrencyCode: 'EUR',
      WinProb: 40,
      EffectiveDate: '2026-06-30',
      StatusCode: 'WON',
    }
    const { fields } = readOne(oracle, 'row', opportunity, 'opportunities').canonical
    assert.deepEqual([fields.amount, fields.isClosed, fields.isWon], [500_000, true, true])
    const contract = {
      Id: 5,
      ContractNumber: 'CN-5',
      StsCode: 'ACTIVE',
      ContractAmount: 10,
      CurrencyCode: 'EUR',
    }
    assert.deepEqual(readOne(oracle, 'row', contract, 'contracts').canonical.fields, {
      number: 'CN-5',
      value: { minorUnits: 1000, currency: 'EUR' },
      currency: 'EUR',
      status: 'ACTIVE',
    })
    const receipt = {
      StandardReceiptId: 9,
      Amount: 10,
      Currency: 'JPY',
      ReceiptDate: '2026-03-01',
      Status: 'Applied',
    }
    assert.deepEqual(readOne(oracle, 'row', receipt, 'standardReceipts').canonical.fields, {
      status: 'Applied',
      paidOn: '2026-03-01',
      amount: 10,
      currency: 'JPY',
    })
  })
})
