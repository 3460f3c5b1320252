import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordKey } from '../../schema/recordKey.ts'
import { codeOf, connector, readOne } from './fixture.ts'

const salesforce = connector('salesforce')
const id = '001D000000IqhSLIAZ'

function event(
  changeType: string,
  fields: Record<string, unknown>,
  header: Record<string, unknown> = {},
  entityName = 'Account',
) {
  return {
    schema: 's',
    payload: {
      ChangeEventHeader: {
        entityName,
        recordIds: [id],
        changeType,
        commitTimestamp: 1772357400123,
        sequenceNumber: 1,
        ...header,
      },
      ...fields,
    },
    event: { replayId: 7, EventUuid: 'uuid-1' },
  }
}

test('reads an SObject row with an id of 18 characters, SystemModstamp as version and IsDeleted as tombstone', () => {
  const row = {
    attributes: { type: 'Account' },
    Id: '001D000000IqhSL',
    Name: 'A',
    SystemModstamp: '2026-03-01T09:30:00.000+0000',
    IsDeleted: true,
    MasterRecordId: '001D000000IqhSM',
  }
  const { change } = readOne(salesforce, 'row', row)
  assert.equal(change.object, 'Account')
  assert.equal(change.sourceId, id)
  assert.equal(change.version, 1_772_357_400_000_000n)
  assert.equal(change.deleted, true)
  assert.equal(change.partial, false)
})

test('maps a record of the API, of a bulk export and of a warehouse to the same canonical form', () => {
  const api = {
    Id: id,
    Name: 'Muster AG',
    BillingStreet: 'Hauptstr. 1',
    BillingPostalCode: '10115',
    BillingCountry: 'Deutschland',
    Phone: '030 123456',
    Type: 'Customer - Direct',
    Website: 'www.muster.de',
  }
  const upper = Object.fromEntries(Object.entries(api).map(([k, v]) => [k.toUpperCase(), v]))
  const snake = Object.fromEntries(
    Object.entries(api).map(([k, v]) => [
      k.replace(/(?<!^)[A-Z]/g, (c) => `_${c}`).toLowerCase(),
      v,
    ]),
  )
  const forms = [api, upper, snake].map((row) => readOne(salesforce, 'row', row, 'account'))
  assert.deepEqual(forms[0]?.canonical.fields, {
    kind: 'ORGANISATION',
    lifecycle: 'CUSTOMER',
    name: 'Muster AG',
    phones: ['+4930123456'],
    domains: ['muster.de'],
    billingAddress: { street: 'Hauptstr. 1', postcode: '10115', country: 'DE' },
  })
  for (const f of forms) {
    assert.equal(f.change.sourceId, id)
    assert.deepEqual(f.canonical, forms[0]?.canonical)
  }
})

test('change data capture: commit number and sequence of any size order changes of one commit time', () => {
  const order = (header: Record<string, unknown>) =>
    readOne(salesforce, 'event', event('UPDATE', { Name: 'A' }, header)).change.order
  const by = (...numbers: bigint[]) => ({ by: 'SEQUENCE', numbers })
  assert.deepEqual(order({ commitNumber: 10836, sequenceNumber: 1201 }), by(10836n, 1201n))
  assert.deepEqual(order({ commitNumber: '18446744073709551615' }), by(2n ** 64n - 1n, 1n))
  assert.deepEqual(order({ commitNumber: null, sequenceNumber: 'x' }), by(0n, 0n))
})

test('change data capture: reads CREATE and UNDELETE as whole records, with compound fields as columns', () => {
  for (const type of ['CREATE', 'UNDELETE']) {
    const { change, canonical } = readOne(
      salesforce,
      'event',
      event(type, {
        Name: 'Muster AG',
        BillingAddress: { Street: 'S', City: 'Berlin', PostalCode: null, CountryCode: 'DE' },
        OwnerId: 'o1',
      }),
    )
    assert.equal(change.partial, false)
    assert.equal(change.deleted, false)
    assert.equal(change.version, 1_772_357_400_123_000n)
    assert.deepEqual(canonical.fields.billingAddress, {
      street: 'S',
      city: 'Berlin',
      country: 'DE',
    })
    assert.equal(change.raw.BillingCity, 'Berlin')
  }
})

test('change data capture: reads only the changed fields of an UPDATE, nulled ones as null', () => {
  const changedFields = [
    'BillingAddress.City',
    'Phone',
    'OwnerId',
    'LastModifiedDate',
    'Description',
  ]
  const { change } = readOne(
    salesforce,
    'event',
    event(
      'UPDATE',
      {
        Name: null,
        BillingAddress: { Street: null, City: 'Bonn' },
        OwnerId: 'o2',
        LastModifiedDate: '2026-03-01T09:30:00Z',
        Description: '@@ -1 +1 @@',
      },
      { changedFields, nulledFields: ['Phone'], diffFields: ['Description'] },
    ),
  )
  assert.equal(change.partial, true)
  assert.deepEqual(change.raw, {
    BillingCity: 'Bonn',
    OwnerId: 'o2',
    LastModifiedDate: '2026-03-01T09:30:00Z',
    Phone: null,
    Owner: null,
    'Owner.Name': null,
  })
})

test('change data capture: reads parts of names and a nulled address', () => {
  const { change } = readOne(
    salesforce,
    'event',
    event(
      'UPDATE',
      { Name: { Salutation: 'Dr.', FirstName: 'Ada', LastName: 'Lovelace' } },
      { changedFields: ['Name', 'MailingAddress'], nulledFields: ['MailingAddress'] },
      'Contact',
    ),
  )
  assert.equal(change.raw.FirstName, 'Ada')
  assert.equal(change.raw.MailingCity, null)
  const row = { Id: id, Name: 'Ada Byron', FirstName: 'Ada', LastName: 'Byron', Email: 'A@X.de' }
  assert.equal(
    salesforce.map('Contact', { ...row, ...change.raw }).fields.name,
    'Ada Lovelace',
    'the parts win over the earlier name',
  )
})

test('change data capture: reads a DELETE without fields, and one change for each id', () => {
  const changes = salesforce.read(
    'event',
    JSON.stringify(event('DELETE', {}, { recordIds: [id, '001D000000IqhSM'] })),
    null,
  )
  assert.deepEqual(
    changes.map((c) => [c.sourceId, c.deleted, c.partial, c.raw]),
    [
      [id, true, true, {}],
      ['001D000000IqhSMIAZ', true, true, {}],
    ],
  )
})

test('change data capture: rejects a gap, an unknown object, no record, an unknown change and no time, each with its code', () => {
  const code = (e: unknown) => codeOf(() => salesforce.read('event', JSON.stringify(e), null))
  assert.equal(code(event('GAP_UPDATE', {})), 'GAP')
  assert.equal(code(event('GAP_OVERFLOW', {}, { recordIds: ['000'] })), 'GAP')
  assert.equal(code(event('UPDATE', {}, {}, 'Accout')), 'UNKNOWN_OBJECT')
  assert.equal(code(event('UPDATE', {}, { recordIds: [] })), 'MISSING_ID')
  assert.equal(code(event('TOUCH', {})), 'UNKNOWN_CHANGE')
  assert.equal(code(event('UPDATE', {}, { commitTimestamp: 'soon' })), 'INVALID_VERSION')
  assert.equal(code({ a: 1 }), 'NOT_AN_EVENT')
})

test('reads an event wrapped in data', () => {
  const wrapped = { channel: '/data/AccountChangeEvent', data: event('CREATE', { Name: 'A' }) }
  const [message] = salesforce.split(JSON.stringify(wrapped), null, null)
  assert.equal(message?.format, 'event')
  assert.equal(message?.object, 'Account')
  assert.equal(message?.messageId, 'uuid-1')
  assert.equal(readOne(salesforce, 'event', wrapped).change.sourceId, id)
})

test('maps quotes, orders, price book entries and entitlements', () => {
  const ids = {
    ...{ account: id, opportunity: '006D000000CwWkNIAV', contract: '800D0000000PkxGIAS' },
    ...{ quote: '0Q0D0000000TXkLKAW', product: '01tD0000003JFBBIA4', order: '801D0000000aKXxIAM' },
  }
  const key = (object: string, sourceId: string) => recordKey('salesforce', object, sourceId)
  const row = (type: string, fields: Record<string, unknown>) => {
    const common = { SystemModstamp: '2026-03-01T09:30:00.000+0000', CurrencyIsoCode: 'EUR' }
    const { change, canonical } = readOne(salesforce, 'row', {
      ...{ attributes: { type }, ...common, ...fields },
    })
    assert.deepEqual([change.object, canonical.issues], [type, []])
    return [canonical.type, canonical.fields]
  }
  const customer = key('Account', ids.account)
  const [opportunity, contract] = [
    key('Opportunity', ids.opportunity),
    key('Contract', ids.contract),
  ]
  const of = { AccountId: ids.account, OpportunityId: ids.opportunity, ContractId: ids.contract }
  assert.deepEqual(
    row('Quote', {
      ...{ Id: ids.quote, ...of, QuoteNumber: '00000007', Name: 'Renewal', Status: 'Presented' },
      ...{ CreatedDate: '2026-02-01T08:00:00.000+0000', ExpirationDate: '2026-03-01' },
      ...{ TotalPrice: 100, Tax: 19, GrandTotal: 119, IsSyncing: false, IsDeleted: false },
    }),
    [
      'Quote',
      {
        ...{ customer, opportunity, contract, number: '00000007', name: 'Renewal' },
        ...{ status: 'Presented', issueDate: '2026-02-01', validUntil: '2026-03-01' },
        ...{ total: 11900, currency: 'EUR' },
      },
    ],
  )
  assert.deepEqual(
    row('Order', {
      ...{ Id: ids.order, ...of, QuoteId: ids.quote, OrderNumber: '00000100', Type: null },
      ...{ Status: 'Activated', EffectiveDate: '2026-02-10', EndDate: null, TotalAmount: 100.5 },
    }),
    [
      'SalesOrder',
      {
        ...{ customer, opportunity, contract, quote: key('Quote', ids.quote) },
        ...{ number: '00000100', status: 'Activated', orderDate: '2026-02-10' },
        ...{ total: 10050, currency: 'EUR' },
      },
    ],
  )
  assert.deepEqual(
    row('PricebookEntry', {
      ...{ Id: '01uD0000001cVxvIAE', Product2Id: ids.product, Name: 'Sensor', UnitPrice: 0.125 },
      ...{ Pricebook2Id: '01sD0000000NfV9IAK', Pricebook2: { Name: 'Standard' }, IsActive: true },
      ...{ ProductCode: 'CSS-1', UseStandardPrice: false },
    }),
    [
      'Price',
      {
        ...{ product: key('Product2', ids.product), name: 'Sensor', priceBook: 'Standard' },
        ...{ amount: 12.5, currency: 'EUR', active: true },
      },
    ],
  )
  assert.deepEqual(
    row('Entitlement', {
      ...{ Id: '550D0000000Cc3pIAC', AccountId: ids.account, Name: 'Support', Status: 'Active' },
      ...{ StartDate: '2026-01-01', EndDate: '2026-12-31', CasesPerEntitlement: 10, Type: null },
      Asset: { Product2Id: ids.product },
    }),
    [
      'Entitlement',
      {
        ...{ customer, product: key('Product2', ids.product), name: 'Support', status: 'Active' },
        ...{ quantity: 10, unit: 'case', startDate: '2026-01-01', endDate: '2026-12-31' },
      },
    ],
  )
})

test('maps a person account to a person, and references of a tree export', () => {
  const person = readOne(
    salesforce,
    'row',
    { Id: id, IsPersonAccount: true, Name: 'Ada Lovelace', FirstName: 'Ada', LastName: 'Lovelace' },
    'Account',
  )
  assert.equal(person.canonical.fields.kind, 'PERSON')
  const account = readOne(salesforce, 'row', {
    attributes: { type: 'Account', referenceId: 'AccountRef1' },
    Name: 'A',
  })
  const contact = readOne(salesforce, 'row', {
    attributes: { type: 'Contact', referenceId: 'ContactRef1' },
    LastName: 'B',
    AccountId: '@AccountRef1',
  })
  assert.equal(account.change.sourceId, 'AccountRef1')
  const other = readOne(
    salesforce,
    'row',
    { Id: '003', LastName: 'B', AccountId: 'AccountRef1' },
    'Contact',
  )
  assert.equal(contact.canonical.fields.customer, other.canonical.fields.customer)
})
