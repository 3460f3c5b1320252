import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { fileRows } from '../../connectors/file/rows.ts'
import { recordKey } from '../../schema/recordKey.ts'
import { codeOf, deliver, ofKind, readOne } from './fixture.ts'

const zuora = ofKind('zuora')
const now = Date.parse('2026-03-01T10:00:00Z')

const account = {
  id: '8ad0a1',
  accountNumber: 'A00000021',
  name: 'Muster AG',
  status: 'Active',
  currency: 'EUR',
  paymentTerm: 'Net 30',
  parentId: '8ad0a0',
  crmId: '0018W00002',
  vatId: 'DE123456789',
  salesRepName: 'Ada Lovelace',
  additionalEmailAddresses: 'ap@muster.example,cfo@muster.example',
  updatedDate: '2026-03-01T09:30:05Z',
  billTo: {
    firstName: 'Grace',
    address1: 'Hauptstr. 5',
    address2: 'Haus B',
    city: 'Dresden',
    postalCode: '01099',
    country: 'Germany',
    workEmail: 'bill@muster.example',
    workPhone: '0351 1234567',
  },
  soldTo: { address1: 'Ring 1', city: 'Bonn', country: 'Germany' },
}

const subscription = (more: object = {}) => ({
  id: '8ad0s2',
  name: 'A-S00000019',
  originalId: '8ad0s1',
  version: 2,
  isLatestVersion: true,
  accountId: '8ad0a1',
  status: 'Active',
  termType: 'TERMED',
  currentTerm: 12,
  currentTermPeriodType: 'Month',
  autoRenew: true,
  cMRR: 1443.5,
  currency: 'EUR',
  termStartDate: '2026-01-01',
  termEndDate: '2027-01-01',
  contractEffectiveDate: '2025-01-01',
  updatedDate: '2026-03-01T09:30:05Z',
  ...more,
})

describe('Zuora', () => {
  test('an account is a customer with the addresses of its contacts', () => {
    const { change, canonical } = readOne(zuora, 'row', account, 'Account')
    assert.deepEqual([change.sourceId, change.version], ['8ad0a1', 1_772_357_405_000_000n])
    assert.deepEqual(canonical.issues, [])
    assert.deepEqual(canonical.fields, {
      lifecycle: 'CUSTOMER',
      name: 'Muster AG',
      taxIds: ['DE123456789'],
      emails: ['bill@muster.example', 'ap@muster.example', 'cfo@muster.example'],
      phones: ['+493511234567'],
      billingAddress: {
        street: 'Hauptstr. 5, Haus B',
        city: 'Dresden',
        postcode: '01099',
        country: 'DE',
      },
      shippingAddress: { street: 'Ring 1', city: 'Bonn', country: 'DE' },
      parent: recordKey('zuora', 'Account', '8ad0a0'),
      currency: 'EUR',
      paymentTerms: 'Net 30',
      accountOwner: 'Ada Lovelace',
    })
  })

  test('the REST form of an account and the columns of a warehouse are read too', () => {
    const rest = {
      basicInfo: { id: '8ad0a1', name: 'Muster AG', status: 'Draft' },
      billingAndPayment: { currency: 'USD', paymentTerm: 'Due Upon Receipt' },
      billToContact: { country: 'United States', zipCode: '10001' },
    }
    const { change, canonical } = readOne(zuora, 'row', rest, 'Account')
    assert.equal(change.sourceId, '8ad0a1')
    assert.deepEqual(canonical.fields.billingAddress, { postcode: '10001', country: 'US' })
    assert.equal(canonical.fields.lifecycle, 'PROSPECT')
    const row = { id: '1', name: 'N', parent_account_id: '2', _fivetran_deleted: 'TRUE' }
    const made = readOne(zuora, 'row', row, 'account')
    assert.equal(made.change.deleted, true)
    assert.equal(made.canonical.fields.parent, recordKey('zuora', 'Account', '2'))
  })

  test('the latest version of a subscription states the subscription of its number', () => {
    const read = (record: object) =>
      zuora
        .read('row', JSON.stringify(record), 'Subscription')
        .map((c) => [c.object, c.sourceId, c.deleted])
    assert.deepEqual(read(subscription()), [
      ['Subscription', '8ad0s2', false],
      ['CurrentSubscription', 'A-S00000019', false],
      ['CurrentContract', 'A-S00000019', false],
    ])
    const earlier = subscription({ id: '8ad0s1', isLatestVersion: false, status: 'Expired' })
    assert.deepEqual(read(earlier), [['Subscription', '8ad0s1', false]])
    const { fields } = zuora.map('CurrentSubscription', subscription())
    assert.equal(fields.customer, recordKey('zuora', 'Account', '8ad0a1'))
    assert.equal(fields.contract, recordKey('zuora', 'CurrentContract', 'A-S00000019'))
    assert.deepEqual(
      [fields.amount, fields.currency, fields.interval, fields.intervalCount],
      [144_350, 'EUR', 'month', 1],
    )
    assert.deepEqual(zuora.map('CurrentContract', subscription()).fields, {
      number: 'A-S00000019',
      customer: recordKey('zuora', 'Account', '8ad0a1'),
      termMonths: 12,
      startDate: '2026-01-01',
      endDate: '2027-01-01',
      status: 'ACTIVE',
      renewal: 'AUTOMATIC',
    })
  })

  test('recurring charges of a subscription count by their own interval', () => {
    const charge = (more: object) => ({
      type: 'Recurring',
      model: 'FlatFee',
      price: 100,
      currency: 'EUR',
      billingPeriod: 'Month',
      ...more,
    })
    const { fields, issues } = zuora.map(
      'CurrentSubscription',
      subscription({
        ratePlans: [
          { ratePlanCharges: [charge({}), charge({ type: 'OneTime', price: 999 })] },
          {
            ratePlanCharges: [
              charge({ model: 'PerUnit', quantity: 3, price: 10, billingPeriod: 'Quarter' }),
              charge({ type: 'Usage', model: 'PerUnit', price: 1 }),
            ],
          },
        ],
      }),
    )
    assert.deepEqual(issues, [])
    assert.equal((fields.items as { annualMinor: number }).annualMinor, 120_000 + 12_000)
  })

  test('invoices and payments have amounts in the currency of the transaction', () => {
    const invoice = {
      id: '8ad0i1',
      accountId: '8ad0a1',
      invoiceNumber: 'INV00000030',
      status: 'Posted',
      invoiceDate: '2026-03-01',
      dueDate: '2026-03-31',
      amount: 70.36,
      balance: 0,
      transactionCurrency: 'EUR',
    }
    assert.deepEqual(readOne(zuora, 'row', invoice, 'Invoice').canonical.fields, {
      customer: recordKey('zuora', 'Account', '8ad0a1'),
      number: 'INV00000030',
      status: 'Posted',
      issueDate: '2026-03-01',
      dueDate: '2026-03-31',
      total: 7036,
      balance: 0,
      currency: 'EUR',
    })
    const payment = { id: 'p', accountId: '8ad0a1', status: 'Error', amount: 5, currency: 'JPY' }
    const { fields } = readOne(
      zuora,
      'row',
      { ...payment, effectiveDate: '2026-03-01' },
      'Payment',
    ).canonical
    assert.deepEqual([fields.amount, fields.paidOn], [5, undefined])
  })

  test('of callouts, only deletions are taken', () => {
    const basic = (password: string) => ({
      authorization: `Basic ${Buffer.from(`touchstone:${password}`).toString('base64')}`,
    })
    const send = (event: string) => {
      const headers = basic('first-secret')
      assert.equal(zuora.verify(headers, Buffer.from('{}'), now).ok, true)
      const [message] = zuora.split(
        JSON.stringify({ event, id: '8ad0a1' }),
        'Account',
        null,
        headers,
      )
      return zuora.read('event', message?.body ?? '', 'Account')
    }
    assert.deepEqual(send('AccountEdited'), [])
    const [gone, ...more] = send('AccountDeleted')
    assert.deepEqual(
      [gone?.object, gone?.sourceId, gone?.deleted, more.length],
      ['Account', '8ad0a1', true, 0],
    )
    assert.throws(() => deliver(zuora, {}, basic('other'), now), /WRONG_SIGNATURE/)
    assert.equal(
      codeOf(() => zuora.read('event', '{"event":"AccountDeleted","id":"1"}', null)),
      'NO_OBJECT',
    )
  })
})

const samples = fileURLToPath(
  new URL('../../../shared/samples/zuora/fivetran__dbt_zuora/', import.meta.url),
)

test('the tables of a warehouse of Zuora are mapped without a fault', {
  skip: existsSync(samples) ? false : 'no ../shared/samples here',
}, async () => {
  const codes = new Set<string>()
  let rows = 0
  for (const file of readdirSync(samples)) {
    const table = file.replace(/^zuora_|_data\.csv$/g, '')
    assert.notEqual(zuora.objectName(table), null, table)
    for await (const { text } of fileRows(samples + file, {})) {
      rows++
      for (const change of zuora.read('row', text, table)) {
        const { complete, issues } = zuora.map(change.object, change.raw)
        assert.equal(complete, true, `${file} ${change.object}`)
        for (const issue of issues) codes.add(`${change.object} ${issue.field} ${issue.code}`)
      }
    }
  }
  assert.ok(rows > 50, `${rows} rows`)
  assert.deepEqual([...codes], [])
})
