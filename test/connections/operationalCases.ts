import assert from 'node:assert/strict'
import type { Sql } from '../../mdm/db/database.ts'
import { exponentOf } from '../../schema/currencyExponents.ts'
import { type OperationalType, tableOf } from '../../schema/operational.ts'
import { recordKey } from '../../schema/recordKey.ts'
import type { PulledSystem } from './pulledSystem.ts'

type Fields = Record<string, unknown>
type Refer = (object: string, id: unknown) => string | null

/** What an operational table has to hold of a vendor's object, written without the mapping. */
interface OperationalCase {
  object: string
  /** The object of the mapping, where the record is also something else. */
  as?: string
  type: OperationalType
  only?(record: Fields): boolean
  /** Columns by name. `raw` is the stored record with what was read beside it. */
  columns(record: Fields, refer: Refer, raw: Fields): Fields
}

const major = (value: unknown, currency: unknown) =>
  value === null ? null : Math.round(Number(value) * 10 ** exponentOf(String(currency)))
const dayOf = (value: unknown) => new Date(String(value)).toISOString().slice(0, 10)
const dayOfSeconds = (value: unknown) => dayOf(new Date(Number(value) * 1000).toISOString())
const money = (name: string, value: unknown, currency: unknown) => ({
  [`${name}_minor`]: value,
  currency: currency,
})
const propertiesOf = (record: Fields) => Object(record.properties) as Fields
const associated = (raw: Fields, name: string) => {
  const [first] = Object(raw[name]) as { to: { toObjectId: unknown }[] }[]
  return first?.to[0]?.toObjectId
}
const currencyOf = (raw: Fields) =>
  ({ Euro: 'EUR', 'US Dollar': 'USD', 'Pound Sterling': 'GBP' })[
    String(raw['_transactioncurrencyid_value@OData.Community.Display.V1.FormattedValue'])
  ]
/** An account, or no customer where the vendor names a person. */
const accountOf = (raw: Fields, refer: Refer) =>
  raw['_customerid_value@Microsoft.Dynamics.CRM.lookuplogicalname'] === 'account'
    ? refer('accounts', raw._customerid_value)
    : null

const ofTransaction = (r: Fields, refer: Refer, raw: Fields) => ({
  customer: refer('customer', r.entity),
  ...{ currency: raw.currencyname },
})
const inCurrency = (name: string, r: Fields, raw: Fields) => ({
  [`${name}_minor`]: major(r.foreigntotal, raw.currencyname),
})
const nextOf = (seconds: unknown) => (typeof seconds === 'number' ? dayOfSeconds(seconds) : null)

export const OPERATIONAL_CASES: Readonly<Record<string, readonly OperationalCase[]>> = {
  stripe: [
    {
      object: 'invoice',
      type: 'Invoice',
      columns: (r, refer) => ({
        customer: refer('customer', r.customer),
        ...money('total', r.total, String(r.currency).toUpperCase()),
        ...{ number: r.number, status: r.status, due_date: nextOf(r.due_date) },
      }),
    },
    {
      object: 'payment_intent',
      type: 'Payment',
      columns: (r, refer) => ({
        customer: refer('customer', r.customer),
        ...{ currency: String(r.currency).toUpperCase(), status: r.status },
      }),
    },
    {
      object: 'quote',
      type: 'Quote',
      columns: (r, refer) => ({
        customer: refer('customer', r.customer),
        ...money('total', r.amount_total, String(r.currency).toUpperCase()),
        ...{ number: r.number, name: r.header, status: r.status },
        valid_until: nextOf(r.expires_at),
        issue_date: nextOf((r.status_transitions as Fields).finalized_at ?? r.created),
      }),
    },
    {
      object: 'credit_note',
      type: 'CreditNote',
      columns: (r, refer) => ({
        customer: refer('customer', r.customer),
        invoice: refer('invoice', r.invoice),
        ...money('total', r.total, String(r.currency).toUpperCase()),
        status: r.status,
      }),
    },
    {
      object: 'refund',
      type: 'Refund',
      columns: (r, refer) => ({
        payment: refer('payment_intent', r.payment_intent),
        ...money('amount', r.amount, String(r.currency).toUpperCase()),
      }),
    },
  ],
  netsuite: [
    {
      object: 'transaction',
      as: 'invoice',
      type: 'Invoice',
      only: (r) => r.type === 'CustInvc',
      columns: (r, refer, raw) => ({
        ...ofTransaction(r, refer, raw),
        ...inCurrency('total', r, raw),
        ...{ number: r.tranid, issue_date: r.trandate, due_date: r.duedate },
      }),
    },
    {
      object: 'transaction',
      as: 'estimate',
      type: 'Quote',
      only: (r) => r.type === 'Estimate',
      columns: (r, refer, raw) => ({
        ...ofTransaction(r, refer, raw),
        ...inCurrency('total', r, raw),
        ...{ number: r.tranid, name: r.title, issue_date: r.trandate, valid_until: r.duedate },
      }),
    },
    {
      object: 'transaction',
      as: 'customerRefund',
      type: 'Refund',
      only: (r) => r.type === 'CustRfnd',
      columns: (r, refer, raw) => ({
        ...ofTransaction(r, refer, raw),
        ...inCurrency('amount', r, raw),
        ...{ refunded_on: r.trandate, reason: r.memo },
      }),
    },
    {
      object: 'transaction',
      as: 'creditMemo',
      type: 'CreditNote',
      only: (r) => r.type === 'CustCred',
      columns: (r, refer, raw) => ({
        ...ofTransaction(r, refer, raw),
        ...inCurrency('total', r, raw),
        ...{ number: r.tranid, issue_date: r.trandate },
      }),
    },
  ],
  oracle: [
    {
      object: 'opportunities',
      type: 'Opportunity',
      columns: (r, refer) => ({
        customer: refer('accounts', r.TargetPartyId),
        ...money('amount', major(r.Revenue, r.CurrencyCode), r.CurrencyCode),
        ...{ name: r.Name, probability: r.WinProb, close_date: r.EffectiveDate },
        ...{ is_closed: r.StatusCode !== 'OPEN', is_won: r.StatusCode === 'WON' },
      }),
    },
    {
      object: 'receivablesInvoices',
      type: 'Invoice',
      columns: (r) => ({
        ...money('total', major(r.EnteredAmount, r.InvoiceCurrencyCode), r.InvoiceCurrencyCode),
        balance_minor: major(r.InvoiceBalanceAmount, r.InvoiceCurrencyCode),
        ...{ number: r.TransactionNumber, status: r.InvoiceStatus },
        ...{ issue_date: r.TransactionDate, due_date: r.DueDate },
      }),
    },
    {
      object: 'receivablesCreditMemos',
      type: 'CreditNote',
      columns: (r) => ({
        ...money('total', major(r.EnteredAmount, r.CreditMemoCurrency), r.CreditMemoCurrency),
        balance_minor: major(r.TransactionBalanceDue, r.CreditMemoCurrency),
        ...{ number: r.TransactionNumber, status: r.CreditMemoStatus, reason: r.CreditReason },
        issue_date: r.TransactionDate,
      }),
    },
    {
      object: 'salesOrdersForOrderHub',
      type: 'SalesOrder',
      only: (r) => r.StatusCode !== 'DOO_REFERENCE',
      columns: (r, refer) => ({
        customer: refer('accounts', r.BuyingPartyId),
        ...{ number: r.OrderNumber, status: r.Status, currency: r.TransactionalCurrencyCode },
        order_date: dayOf(r.TransactionOn),
      }),
    },
    {
      object: 'standardReceipts',
      type: 'Payment',
      columns: (r) => ({
        ...money('amount', major(r.Amount, r.Currency), r.Currency),
        ...{ status: r.Status, paid_on: r.ReceiptDate, method: r.ReceiptMethod },
      }),
    },
  ],
  gainsight: [
    {
      object: 'Company',
      as: 'CompanyHealth',
      type: 'CustomerHealth',
      columns: (r, refer) => ({
        customer: refer('Company', r.Gsid),
        ...money('annual_amount', major(r.ARR, r.CurrencyIsoCode), r.CurrencyIsoCode),
        ...{ score: r.CurrentScore, renewal_date: dayOfSeconds(Number(r.RenewalDate) / 1000) },
      }),
    },
  ],
  zuora: [
    {
      object: 'Invoice',
      type: 'Invoice',
      columns: (r, refer) => ({
        customer: refer('Account', r.accountId),
        ...money('total', major(r.amount, r.currency), r.currency),
        ...{ balance_minor: major(r.balance, r.currency), number: r.invoiceNumber },
        ...{ status: r.status, issue_date: r.invoiceDate, due_date: r.dueDate },
      }),
    },
    {
      object: 'Payment',
      type: 'Payment',
      columns: (r, refer) => ({
        customer: refer('Account', r.accountId),
        ...money('amount', major(r.amount, r.currency), r.currency),
        paid_on: r.status === 'Processed' ? r.effectiveDate : null,
      }),
    },
    {
      object: 'CreditMemo',
      type: 'CreditNote',
      columns: (r, refer) => ({
        customer: refer('Account', r.accountId),
        invoice: refer('Invoice', r.referredInvoiceId),
        ...money('total', major(r.totalAmount, r.currency), r.currency),
        ...{ balance_minor: major(r.balance, r.currency), number: r.memoNumber },
        issue_date: r.memoDate,
      }),
    },
    {
      object: 'Order',
      type: 'SalesOrder',
      columns: (r, refer) => ({
        customer: refer('Account', r.accountId),
        ...{ number: r.orderNumber, status: r.status, order_date: r.orderDate },
      }),
    },
  ],
  salesforce: [
    {
      object: 'Opportunity',
      type: 'Opportunity',
      columns: (r, refer) => ({
        customer: refer('Account', r.AccountId),
        ...{ name: r.Name, probability: r.Probability, close_date: r.CloseDate },
        ...{ is_closed: r.IsClosed, is_won: r.IsWon },
      }),
    },
    {
      object: 'Order',
      type: 'SalesOrder',
      columns: (r, refer) => ({
        customer: refer('Account', r.AccountId),
        ...{ number: r.OrderNumber, status: r.Status, order_date: r.EffectiveDate },
      }),
    },
    {
      object: 'Quote',
      type: 'Quote',
      columns: (r, refer) => ({
        customer: refer('Account', r.AccountId),
        opportunity: refer('Opportunity', r.OpportunityId),
        ...{ number: r.QuoteNumber, name: r.Name, valid_until: r.ExpirationDate },
        issue_date: dayOf(r.CreatedDate),
      }),
    },
    {
      object: 'Entitlement',
      type: 'Entitlement',
      columns: (r, refer) => ({
        customer: refer('Account', r.AccountId),
        ...{ name: r.Name, start_date: r.StartDate, end_date: r.EndDate },
      }),
    },
  ],
  chargebee: [
    {
      object: 'item_price',
      type: 'Price',
      columns: (r, refer) => ({
        product: refer('item', r.item_id),
        ...money('amount', r.price, r.currency_code),
        ...{ model: r.pricing_model, active: r.status === 'active' },
        ...{ interval: r.period_unit ?? null, interval_count: r.period ?? null },
      }),
    },
    {
      object: 'credit_note',
      type: 'CreditNote',
      columns: (r, refer) => ({
        customer: refer('customer', r.customer_id),
        invoice: refer('invoice', r.reference_invoice_id),
        ...money('total', r.total, r.currency_code),
        ...{ balance_minor: r.amount_available, number: r.id, status: r.status },
        issue_date: dayOfSeconds(r.date),
      }),
    },
    {
      object: 'transaction',
      as: 'refund',
      type: 'Refund',
      only: (r) => r.type === 'refund',
      columns: (r, refer) => ({
        customer: refer('customer', r.customer_id),
        payment: refer('payment', r.refunded_txn_id),
        ...money('amount', r.amount, r.currency_code),
        refunded_on: r.status === 'success' ? dayOfSeconds(r.date) : null,
      }),
    },
    {
      object: 'invoice',
      as: 'invoice_tax',
      type: 'InvoiceTax',
      columns: (r, refer) => ({
        customer: refer('customer', r.customer_id),
        invoice: refer('invoice', r.id),
        ...money('amount', r.tax, r.currency_code),
      }),
    },
    {
      object: 'quote',
      type: 'Quote',
      columns: (r, refer) => ({
        customer: refer('customer', r.customer_id),
        ...money('total', r.total, r.currency_code),
        ...{ status: r.status, name: r.name, valid_until: dayOfSeconds(r.valid_till) },
      }),
    },
    {
      object: 'order',
      type: 'SalesOrder',
      columns: (r, refer) => ({
        customer: refer('customer', r.customer_id),
        ...money('total', r.total, r.currency_code),
        ...{ status: r.status, number: r.document_number, order_date: dayOfSeconds(r.order_date) },
      }),
    },
  ],
  hubspot: [
    {
      object: 'quotes',
      type: 'Quote',
      columns: (r, refer, raw) => {
        const p = propertiesOf(r)
        return {
          customer: refer('companies', associated(raw, 'companies')),
          opportunity: refer('deals', associated(raw, 'deals')),
          ...money('total', major(p.hs_quote_amount, p.hs_currency), p.hs_currency),
          ...{ number: p.hs_quote_number, status: String(p.hs_status).toLowerCase() },
          valid_until: dayOf(p.hs_expiration_date),
        }
      },
    },
    {
      object: 'orders',
      type: 'SalesOrder',
      columns: (r, refer, raw) => {
        const p = propertiesOf(r)
        return {
          customer: refer('companies', associated(raw, 'companies')),
          ...money('total', major(p.hs_total_price, p.hs_currency_code), p.hs_currency_code),
          ...{ number: p.hs_external_order_id, status: p.hs_external_order_status },
        }
      },
    },
    {
      object: 'invoices',
      as: 'invoice_taxes',
      type: 'InvoiceTax',
      only: (r) => Boolean(propertiesOf(r).hs_tax),
      columns: (r, refer) => {
        const p = propertiesOf(r)
        return {
          invoice: refer('invoices', r.id),
          ...money('amount', major(p.hs_tax, p.hs_currency), p.hs_currency),
        }
      },
    },
  ],
  finance: [
    {
      object: 'SalesOrderHeadersV2',
      type: 'SalesOrder',
      columns: (r, refer) => ({
        customer: refer('CustomersV3', `${r.dataAreaId}-${r.OrderingCustomerAccountNumber}`),
        ...{ number: r.SalesOrderNumber, currency: r.CurrencyCode },
        ...money('total', major(r.OrderTotalAmount, r.CurrencyCode), r.CurrencyCode),
        status: r.SalesOrderStatus,
      }),
    },
    {
      object: 'SalesInvoiceHeadersV2',
      type: 'Invoice',
      columns: (r, refer) => ({
        customer: refer('CustomersV3', `${r.dataAreaId}-${r.InvoiceCustomerAccountNumber}`),
        ...money('total', major(r.TotalInvoiceAmount, r.CurrencyCode), r.CurrencyCode),
        ...{ number: r.InvoiceNumber, issue_date: dayOf(r.InvoiceDate) },
      }),
    },
  ],
  dataverse: [
    {
      object: 'productpricelevels',
      type: 'Price',
      columns: (r, refer, raw) => ({
        product: refer('products', r._productid_value),
        ...money('amount', major(r.amount, currencyOf(raw)), currencyOf(raw)),
        price_book: 'Standard',
      }),
    },
    {
      object: 'quotes',
      type: 'Quote',
      columns: (r, refer, raw) => ({
        customer: accountOf(raw, refer),
        ...money('total', major(r.totalamount, currencyOf(raw)), currencyOf(raw)),
        ...{ number: r.quotenumber, valid_until: dayOf(r.effectiveto) },
        status: ['draft', 'active', 'won', 'closed'][Number(r.statecode)],
      }),
    },
    {
      object: 'salesorders',
      type: 'SalesOrder',
      columns: (r, refer, raw) => ({
        customer: accountOf(raw, refer),
        ...money('total', major(r.totalamount, currencyOf(raw)), currencyOf(raw)),
        ...{ number: r.ordernumber, order_date: dayOf(r.submitdate) },
        status: ['active', 'submitted', 'canceled', 'fulfilled', 'invoiced'][Number(r.statecode)],
      }),
    },
    {
      object: 'entitlements',
      type: 'Entitlement',
      columns: (r, refer) => ({
        customer: refer('accounts', r._customerid_value),
        ...{ name: r.name, quantity: r.totalterms },
        ...{ start_date: r.startdate, end_date: r.enddate },
        status: ['draft', 'active', 'cancelled', 'expired'][Number(r.statecode)],
      }),
    },
    {
      object: 'invoices',
      as: 'invoicetaxes',
      type: 'InvoiceTax',
      columns: (r, refer, raw) => ({
        invoice: refer('invoices', r.invoiceid),
        ...money('amount', major(r.totaltax, currencyOf(raw)), currencyOf(raw)),
      }),
    },
  ],
}

/** Returns how the operational tables differ from the vendor's records, in words. */
export async function operationalDifferences(
  sql: Sql,
  kind: string,
  { system }: Pick<PulledSystem, 'system'>,
): Promise<string[]> {
  const found: string[] = []
  const refer: Refer = (object, id) =>
    id === undefined || id === null ? null : recordKey(kind, object, String(id))
  const cases = OPERATIONAL_CASES[kind] ?? []
  assert.ok(cases.length > 0, `no typed rows of ${kind} are compared`)
  for (const { object, as, type, only = () => true, columns } of cases) {
    const rows = await sql<{ id: string; held: Fields; raw: Fields }[]>`
      select r.source_id as id, to_jsonb(t) as held, w.raw
      from ${sql(tableOf(type))} t
      join source_record r on r.id = t.record_id
      join source_record w on w.source = r.source and w.object in (${object}, r.object) and w.source_id = r.source_id and w.raw is not null
      where r.source = ${kind} and r.object = ${as ?? object} and not t.deleted`
    const held = new Map(rows.map((row) => [row.id, row]))
    let compared = 0
    for (const [id, { record, deleted }] of system.state(object)) {
      const row = held.get(id)
      held.delete(id)
      if (deleted || !only(record)) {
        if (row) found.push(`${type} ${id} is there, and should not be`)
        continue
      }
      compared++
      if (!row) {
        found.push(`${type} ${id} is missing`)
        continue
      }
      for (const [column, expected] of Object.entries(columns(record, refer, row.raw)))
        if (row.held[column] !== expected)
          found.push(
            `${type} ${id}: ${column} is ${JSON.stringify(row.held[column])}, not ${JSON.stringify(expected)}`,
          )
    }
    for (const id of held.keys()) found.push(`${type} ${id} is unknown to the vendor`)
    assert.ok(compared > 0, `no ${object} of ${kind} was compared as ${type}`)
  }
  return found
}
