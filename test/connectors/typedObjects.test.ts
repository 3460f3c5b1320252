import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordKey } from '../../schema/recordKey.ts'
import { ofKind } from './fixture.ts'

/** Maps a row of a kind as one of the objects that it is. */
function mapped(kind: string, object: string, row: object) {
  const { fields, issues } = ofKind(kind).map(object, { ...row })
  assert.deepEqual(issues, [])
  return fields
}

test('a price of Chargebee in tiers has no amount, and one of a pack the size of the pack', () => {
  const price = {
    ...{ id: 'team-JPY', item_id: 'team', external_name: 'Team', currency_code: 'JPY' },
    ...{ period: 3, period_unit: 'month', status: 'archived' },
  }
  const same = {
    ...{ product: recordKey('chargebee', 'item', 'team'), name: 'Team', currency: 'JPY' },
    ...{ interval: 'month', intervalCount: 3, active: false },
  }
  const row = { ...price, pricing_model: 'package', package_size: 10, price: 9_900 }
  assert.deepEqual(mapped('chargebee', 'item_price', row), {
    ...{ ...same, model: 'package', amount: 9_900, unit: 'pack of 10' },
  })
  const tiered = { ...price, pricing_model: 'tiered', price: 0, tiers: [{ price: 900 }] }
  assert.deepEqual(mapped('chargebee', 'item_price', tiered), { ...same, model: 'tiered' })
})

test('an entitlement and a usage of Chargebee belong to their subscription', () => {
  const subscription = recordKey('chargebee', 'subscription', 'sub-1')
  const entitlement = {
    ...{ subscription_id: 'sub-1', feature_id: 'users', feature_name: 'Users' },
    ...{ value: '50', is_enabled: true, expires_at: 1_772_323_200 },
  }
  assert.deepEqual(mapped('chargebee', 'subscription_entitlement', entitlement), {
    ...{ subscription, name: 'Users', status: 'enabled', quantity: 50, endDate: '2026-03-01' },
  })
  const unlimited = { ...entitlement, value: 'unlimited', is_enabled: false, expires_at: null }
  assert.deepEqual(mapped('chargebee', 'subscription_entitlement', unlimited), {
    ...{ subscription, name: 'Users', status: 'disabled' },
  })
  const usage = {
    ...{ id: '1', subscription_id: 'sub-1', item_price_id: 'calls-EUR', quantity: '12.5' },
    usage_date: 1_772_323_200,
  }
  assert.deepEqual(mapped('chargebee', 'usage', usage), {
    ...{ subscription, meter: 'calls-EUR', day: '2026-03-01', quantity: 12.5 },
  })
})

test('the tax of an invoice is the sum of its taxes', () => {
  const invoice = {
    ...{ id: 'in_1', customer: 'cus_1', currency: 'eur', total_excluding_tax: 10_000 },
    total_taxes: [{ amount: 1_900 }, { amount: 70 }],
  }
  assert.deepEqual(mapped('stripe', 'invoice_tax', invoice), {
    customer: recordKey('stripe', 'customer', 'cus_1'),
    invoice: recordKey('stripe', 'invoice', 'in_1'),
    ...{ amount: 1_970, taxableAmount: 10_000, currency: 'EUR' },
  })
  const document = {
    ...{ BillingDocument: '0090000001', SDDocumentCategory: 'M', SoldToParty: '0010100001' },
    ...{ TotalNetAmount: '1000.00', TaxAmount: '190.00', TransactionCurrency: 'EUR' },
  }
  assert.deepEqual(mapped('sap', 'InvoiceTax', document), {
    customer: recordKey('sap', 'A_BusinessPartner', '0010100001'),
    invoice: recordKey('sap', 'A_BillingDocument', '0090000001'),
    ...{ amount: 19_000, taxableAmount: 100_000, currency: 'EUR' },
  })
})

test('an amendment, a tax and a usage of Zuora are mapped from an export', () => {
  const key = (object: string, id: string) => recordKey('zuora', object, id)
  const amendment = {
    ...{ Id: 'a1', Code: 'A-AMD-1', Type: 'UpdateProduct', Status: 'Completed' },
    ...{ ContractEffectiveDate: '2026-03-01', 'Subscription.Name': 'A-S1', 'Account.Id': 'acc1' },
  }
  assert.deepEqual(mapped('zuora', 'Amendment', amendment), {
    ...{ customer: key('Account', 'acc1'), contract: key('CurrentContract', 'A-S1') },
    subscription: key('CurrentSubscription', 'A-S1'),
    ...{ number: 'A-AMD-1', kind: 'UpdateProduct', status: 'Completed' },
    effectiveDate: '2026-03-01',
  })
  const tax = {
    ...{ Id: 't1', Name: 'VAT', Jurisdiction: 'Hessen', TaxAmount: '19.00', 'Invoice.Id': 'i1' },
    'Account.Currency': 'EUR',
  }
  assert.deepEqual(mapped('zuora', 'TaxationItem', tax), {
    ...{ invoice: key('Invoice', 'i1'), name: 'VAT', jurisdiction: 'Hessen' },
    ...{ amount: 1_900, currency: 'EUR' },
  })
  const usage = {
    ...{ Id: 'u1', AccountId: 'acc1', SubscriptionNumber: 'A-S1', UOM: 'Call', Quantity: '3' },
    StartDateTime: '2026-03-01T09:00:00Z',
  }
  assert.deepEqual(mapped('zuora', 'Usage', usage), {
    ...{ customer: key('Account', 'acc1'), subscription: key('CurrentSubscription', 'A-S1') },
    ...{ meter: 'Call', day: '2026-03-01', quantity: 3, unit: 'Call' },
  })
})

test('an order of Oracle names the party that buys', () => {
  const order = {
    ...{ HeaderId: 300100071623858, OrderNumber: '51503', BuyingPartyId: 300100012345678 },
    ...{ TransactionOn: '2026-03-01T10:00:00+00:00', TransactionalCurrencyCode: 'USD' },
    StatusCode: 'OPEN',
  }
  assert.deepEqual(mapped('oracle', 'salesOrdersForOrderHub', order), {
    customer: recordKey('oracle', 'accounts', '300100012345678'),
    ...{ number: '51503', status: 'OPEN', orderDate: '2026-03-01', currency: 'USD' },
  })
})

test('an order of Dataverse names its quote and its opportunity', () => {
  const currency = '_transactioncurrencyid_value@OData.Community.Display.V1.FormattedValue'
  const order = {
    ...{ salesorderid: 'a0000000-0000-0000-0000-000000000001', ordernumber: 'ORD-1' },
    ...{ _opportunityid_value: '{B0000000-0000-0000-0000-000000000001}', statecode: 3 },
    ...{ _quoteid_value: 'c0000000-0000-0000-0000-000000000001', totalamount: 119.5 },
    ...{ createdon: '2026-03-01T10:00:00Z', [currency]: 'Euro' },
  }
  assert.deepEqual(mapped('dataverse', 'salesorders', order), {
    opportunity: recordKey('dataverse', 'opportunities', 'b0000000-0000-0000-0000-000000000001'),
    quote: recordKey('dataverse', 'quotes', 'c0000000-0000-0000-0000-000000000001'),
    ...{ number: 'ORD-1', status: 'fulfilled', orderDate: '2026-03-01' },
    ...{ total: 11_950, currency: 'EUR' },
  })
})
