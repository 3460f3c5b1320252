import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fold, type RecordState } from '../../mdm/records/fold.ts'
import fc from '../property.ts'
import { codeOf, connector, readOne } from './fixture.ts'

const salesforce = connector('salesforce')
const id = '001D000000IqhSLIAZ'

type Fields = Record<string, unknown>

/** An UPDATE of an account; `lists` are the lists of its header. */
function update(fields: Fields, lists: Fields, entityName = 'Account', more: Fields = {}): Fields {
  return {
    ...more,
    payload: {
      ChangeEventHeader: {
        entityName,
        recordIds: [id],
        changeType: 'UPDATE',
        commitTimestamp: 1772357400123,
        sequenceNumber: 1,
        changedFields: [],
        nulledFields: [],
        diffFields: [],
        ...lists,
      },
      ...fields,
    },
    event: { EventUuid: 'uuid-1' },
  }
}

const rawOf = (event: Fields) => readOne(salesforce, 'event', event).change.raw
const NOTHING = {
  Street: null,
  City: null,
  State: null,
  StateCode: null,
  PostalCode: null,
  Country: null,
  CountryCode: null,
  GeocodeAccuracy: null,
  Latitude: null,
  Longitude: null,
}
const address = (prefix: string, parts: Fields) =>
  Object.fromEntries(
    Object.entries({ ...NOTHING, ...parts }).map(([part, v]) => [`${prefix}${part}`, v]),
  )

describe('compound fields of change events', () => {
  test('an address that is named whole keeps no part that its new value lacks', () => {
    for (const prefix of ['Billing', 'Shipping', 'Mailing', 'Other', 'PersonMailing', '']) {
      const field = `${prefix}Address`
      assert.deepEqual(
        rawOf(update({ [field]: { City: 'Lyon' } }, { changedFields: [field] })),
        address(prefix, { City: 'Lyon' }),
      )
    }
  })

  test('an address that is nulled whole has no part, however the event writes it', () => {
    const whole = address('Billing', {})
    const named = { changedFields: ['BillingAddress'] }
    assert.deepEqual(rawOf(update({}, { nulledFields: ['BillingAddress'] })), whole)
    assert.deepEqual(rawOf(update({ BillingAddress: null }, named)), whole)
    assert.deepEqual(rawOf(update({ BillingAddress: {} }, named)), whole)
    assert.deepEqual(rawOf(update({ BillingAddress: { City: null, Street: null } }, named)), whole)
  })

  test('parts that are named one by one change alone', () => {
    assert.deepEqual(
      rawOf(
        update(
          { BillingAddress: { City: 'Lyon', Street: null } },
          { changedFields: ['BillingAddress.City'], nulledFields: ['BillingAddress.PostalCode'] },
        ),
      ),
      { BillingCity: 'Lyon', BillingPostalCode: null },
    )
    assert.deepEqual(
      rawOf(
        update(
          { BillingAddress: { City: 'Lyon' } },
          { changedFields: ['BillingAddress', 'BillingAddress.City'] },
        ),
      ),
      { BillingCity: 'Lyon' },
      'a named part says more than the name of the whole field',
    )
    assert.deepEqual(
      rawOf(update({ 'BillingAddress.City': 'Lyon' }, { changedFields: ['BillingAddress.City'] })),
      { BillingCity: 'Lyon' },
      'a relay may write parts as fields',
    )
    assert.deepEqual(
      rawOf(update({ BillingAddress: { City: 'Lyon' } }, {})),
      { BillingCity: 'Lyon' },
      'a field that is not named states the parts that it has',
    )
  })

  test('the name of a person is a compound field, the name of a company is a text', () => {
    const named = { changedFields: ['Name'] }
    assert.deepEqual(rawOf(update({ Name: { LastName: 'Kranz' } }, named, 'Contact')), {
      Salutation: null,
      FirstName: null,
      MiddleName: null,
      InformalName: null,
      LastName: 'Kranz',
      Suffix: null,
      Name: null,
    })
    const renamed = readOne(salesforce, 'event', update({ Name: 'Neu AG' }, named)).change.raw
    assert.equal(renamed.Name, 'Neu AG')
    assert.equal(renamed.FirstName, null, 'the account is no person any more')
    assert.deepEqual(rawOf(update({ Name: 'Produkt' }, named, 'Product2')), { Name: 'Produkt' })
  })

  test('a text field whose name ends in Address is nulled too, and a custom field is never split', () => {
    assert.equal(rawOf(update({}, { nulledFields: ['FromAddress'] }, 'Account')).FromAddress, null)
    assert.equal(rawOf(update({ FromAddress: 'a@b.de' }, {})).FromAddress, 'a@b.de')
    assert.deepEqual(rawOf(update({}, { nulledFields: ['Depot_Address__c'] })), {
      Depot_Address__c: null,
    })
    const geo = { Latitude: 1, Longitude: 2 }
    assert.deepEqual(rawOf(update({ Place__c: geo }, { changedFields: ['Place__c'] })), {
      Place__c: geo,
    })
  })

  test('an owner id is no name, in accounts and in opportunities', () => {
    const opportunity = { Name: 'A', OwnerId: '005D000000IqhSLIAZ' }
    for (const object of ['Account', 'Opportunity']) {
      const { canonical } = readOne(salesforce, 'row', { Id: id, ...opportunity }, object)
      assert.equal(canonical.fields.accountOwner ?? canonical.fields.owner, undefined)
    }
    const file = { Id: id, Name: 'A', 'Owner.Name': 'Ida' }
    const given = rawOf(update({ OwnerId: '005D000000IqhSLIAZ' }, { changedFields: ['OwnerId'] }))
    assert.equal(salesforce.map('Account', file).fields.accountOwner, 'Ida')
    assert.equal(salesforce.map('Account', { ...file, ...given }).fields.accountOwner, undefined)
    const row = { Id: id, Name: 'A', OwnerId: '005D000000IqhSLIAZ', Owner: { Name: 'Ida' } }
    assert.equal(readOne(salesforce, 'row', row, 'Account').canonical.fields.accountOwner, 'Ida')
    assert.equal(readOne(salesforce, 'row', row, 'Opportunity').canonical.fields.owner, 'Ida')
  })
})

const SCHEMA = {
  type: 'record',
  name: 'AccountChangeEvent',
  namespace: 'com.sforce.eventbus',
  fields: [
    { name: 'ChangeEventHeader', type: { type: 'record', name: 'Header', fields: [] } },
    { name: 'Name', type: ['null', 'string'] },
    {
      name: 'BillingAddress',
      type: [
        'null',
        {
          type: 'record',
          name: 'Address',
          fields: ['Street', 'City', 'PostalCode'].map((name) => ({ name, type: 'string' })),
        },
      ],
    },
    { name: 'Phone', type: ['null', 'string'] },
    { name: 'Description', type: ['null', 'string'] },
  ],
}

describe('Avro forms of change events', () => {
  test('bitmaps are read with the schema of the event, as an object or as text', () => {
    for (const schema of [SCHEMA, JSON.stringify(SCHEMA)]) {
      const raw = rawOf(
        update(
          { Name: 'N', BillingAddress: { City: 'Bonn' }, Phone: null, Description: '@@ -1 +1 @@' },
          // Bits count from the lowest: 0x02 is Name, 0x08 Phone, 0x10 Description, 2-0x02 City.
          { changedFields: ['0x1A', '2-0x02'], nulledFields: ['0x08'], diffFields: ['0x10'] },
          'Product2',
          { schema },
        ),
      )
      assert.deepEqual(raw, { Name: 'N', BillingCity: 'Bonn', Phone: null })
    }
  })

  test('a bitmap without its schema is an exception: a nulled field would keep its value', () => {
    const read = (lists: Fields, more: Fields = {}) =>
      codeOf(() => rawOf(update({ Name: 'N' }, lists, 'Account', more)))
    assert.equal(read({ changedFields: ['0x02'] }), 'UNKNOWN_CHANGE')
    assert.equal(read({ nulledFields: ['2-0x02'] }, { schema: 'AbC' }), 'UNKNOWN_CHANGE')
    assert.equal(read({ changedFields: ['0x4000'] }, { schema: SCHEMA }), 'UNKNOWN_CHANGE')
    assert.equal(read({ changedFields: ['1-0x02'] }, { schema: SCHEMA }), 'UNKNOWN_CHANGE')
    assert.equal(read({ changedFields: ['Name'] }), null)
  })

  test('values in Avro’s JSON form are the values themselves', () => {
    const wrapped = update(
      {
        Name: { PersonName: { FirstName: { string: 'Ada' }, LastName: { string: 'Byron' } } },
        MailingAddress: { 'com.sforce.eventbus.Address': { City: { string: 'Bonn' } } },
        Phone: { string: '030 1' },
        AnnualRevenue: { double: 12.5 },
        HasOptedOutOfEmail: { boolean: false },
        LastModifiedDate: { long: 1772357400123 },
      },
      {
        changeType: { 'com.sforce.eventbus.ChangeType': 'UPDATE' },
        changedFields: {
          array: [{ string: 'MailingAddress.City' }, 'Name.FirstName', 'Name.LastName'],
        },
        entityName: { string: 'Contact' },
      },
    )
    assert.deepEqual(rawOf(wrapped), {
      FirstName: 'Ada',
      LastName: 'Byron',
      MailingCity: 'Bonn',
      Phone: '030 1',
      AnnualRevenue: 12.5,
      HasOptedOutOfEmail: false,
      LastModifiedDate: 1772357400123,
    })
    const row = { Id: { string: id }, Name: { string: 'A' }, Owner: { Name: 'Ida' } }
    const read = readOne(salesforce, 'row', row, 'Account')
    assert.deepEqual([read.change.sourceId, read.canonical.fields.name], [id, 'A'])
    assert.equal(read.canonical.fields.accountOwner, 'Ida')
  })
})

test('a gap without records names the object and the time, never the placeholder', () => {
  for (const recordIds of [['000000000000000AAA'], ['001*'], []]) {
    const gap = update(
      {},
      { changeType: 'GAP_OVERFLOW', recordIds, commitTimestamp: 1755000000000 },
    )
    assert.throws(
      () => rawOf(gap),
      (e: Error & { code?: string; at?: Fields }) => {
        assert.equal(e.code, 'GAP')
        assert.match(e.message, /Account .*2025-08-12T12:00:00\.000Z/)
        assert.doesNotMatch(e.message, /000000000000000AAA|\*/)
        assert.deepEqual(e.at, { object: 'Account' })
        return true
      },
    )
  }
  const known = update({}, { changeType: 'GAP_UPDATE', recordIds: [id], commitTimestamp: 1 })
  assert.throws(() => rawOf(known), /001D000000IqhSLIAZ of Account, committed on 1970/)
  const odd = update({}, { changeType: 'GAP_OVERFLOW', recordIds: [], commitTimestamp: 'soon' })
  assert.throws(() => rawOf(odd), /does not state/)
  for (const recordIds of [['000000000000000AAA'], ['001*']])
    assert.equal(
      codeOf(() => rawOf(update({}, { changeType: 'DELETE', recordIds }))),
      'MISSING_ID',
    )
})

// The truth is held by the generator: after each step the columns that Salesforce shows. The events
// state each step in one of the forms that Salesforce has, and arrive in any order, some twice.
const PARTS = {
  BillingAddress: { prefix: 'Billing', parts: ['Street', 'City', 'StateCode', 'CountryCode'] },
  ShippingAddress: { prefix: 'Shipping', parts: ['Street', 'City', 'State', 'PostalCode'] },
  Name: { prefix: '', parts: ['Salutation', 'FirstName', 'MiddleName', 'LastName'] },
}
type Compound = keyof typeof PARTS
const value = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: null })
const step = fc.record({
  field: fc.constantFrom<Compound>('BillingAddress', 'ShippingAddress', 'Name'),
  values: fc.array(value, { minLength: 4, maxLength: 4 }),
  form: fc.constantFrom('whole', 'parts', 'nulls', 'avro', 'dotted'),
})

test('property: compound fields hold what the last statement of each part states, in any order of arrival', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
      (steps, order) => {
        const truth = new Map<string, string | null>()
        const events = steps.map(({ field, values, form }, i) => {
          const { prefix, parts } = PARTS[field]
          const before = parts.map((p) => truth.get(prefix + p) ?? null)
          parts.forEach((p, k) => {
            truth.set(prefix + p, values[k] ?? null)
          })
          return eventOf(field, before, values, form, i)
        })
        const create = {
          payload: { ChangeEventHeader: header(0, 'CREATE', {}), Industry: 'x' },
        }
        const arrivals = [create, ...events, ...events.slice(0, 2)]
          .map((event, i) => ({ event, at: order[i % order.length] ?? 0 }))
          .sort((a, b) => a.at - b.at)
        let state: RecordState | null = null
        for (const [i, { event }] of arrivals.entries())
          for (const change of salesforce.read('event', JSON.stringify(event), null)) {
            state = fold(state, change, 0, i).state ?? state
          }
        for (const [column, expected] of truth)
          assert.equal(state?.raw[column] ?? null, expected, column)
      },
    ),
    { numRuns: Number(process.env.TOUCHSTONE_COMPOUND_RUNS ?? 300) },
  )
})

function header(i: number, changeType: string, lists: Fields): Fields {
  return {
    entityName: 'Contact',
    recordIds: [id],
    changeType,
    commitTimestamp: 1_755_000_000_000 + i * 1000,
    sequenceNumber: 1,
    changedFields: [],
    nulledFields: [],
    diffFields: [],
    ...lists,
  }
}

/** Returns the event of a change of one compound field from `before` to `values`. */
function eventOf(
  field: Compound,
  before: (string | null)[],
  values: (string | null)[],
  form: string,
  i: number,
): Fields {
  const { parts } = PARTS[field]
  const at = (lists: Fields) => header(i + 1, 'UPDATE', lists)
  const given = parts.map((p, k) => [p, values[k] ?? null] as const)
  const filled = given.filter(([, v]) => v !== null)
  const moved = given.filter(([, v], k) => v !== before[k])
  const dotted = (list: typeof given) => list.map(([p]) => `${field}.${p}`)
  // Parts alone state the whole change only where nothing else may have been lost on the way.
  if (form === 'parts')
    return {
      payload: {
        ChangeEventHeader: at({
          changedFields: dotted(given),
          nulledFields: dotted(given.filter(([, v]) => v === null)),
        }),
        [field]: Object.fromEntries(filled),
      },
    }
  if (form === 'dotted')
    return {
      payload: {
        ChangeEventHeader: at({ changedFields: [...dotted(given), ...dotted(moved)] }),
        ...Object.fromEntries(filled.map(([p, v]) => [`${field}.${p}`, v])),
      },
    }
  const changedFields = [field]
  if (form === 'avro')
    return {
      payload: {
        ChangeEventHeader: at({ changedFields: changedFields.map((string) => ({ string })) }),
        [field]: {
          'com.sforce.eventbus.Part': Object.fromEntries(
            given.map(([p, v]) => [p, v === null ? null : { string: v }]),
          ),
        },
      },
    }
  if (form === 'nulls' && filled.length === 0)
    return { payload: { ChangeEventHeader: at({ nulledFields: changedFields }) } }
  return {
    payload: {
      ChangeEventHeader: at({ changedFields }),
      [field]: filled.length === 0 ? null : Object.fromEntries(filled),
    },
  }
}
