import { ownValue } from '../schema/kit/dictionary.ts'
import { isoDate, isoSeconds } from './draft.ts'
import { decimal, exchangeRate } from './money.ts'
import {
  currencyRef,
  orderLines,
  type Reference,
  subsidiaryOf,
  termsRef,
  transactionId,
} from './netsuiteRecords.ts'
import { type Contract, type Customer, dayMs } from './truth.ts'

/** One NetSuite invoice over the lines of a contract, and its payment. Amounts in minor units. */
export interface Billing {
  customer: Customer
  contract: Contract
  entity: Reference
  /** 0 or 1: the contract's first or second bill. */
  ordinal: number
  at: number
  paidAt?: number
  netMinor: number
  taxMinor: number
}

const standardRates: Readonly<Record<string, number>> = {
  DE: 0.19,
  AT: 0.2,
  CH: 0.081,
  GB: 0.2,
  FR: 0.2,
  ES: 0.21,
  PT: 0.23,
  IT: 0.22,
  NL: 0.21,
  PL: 0.23,
  GR: 0.24,
  BG: 0.2,
  JP: 0.1,
  CN: 0.13,
}
const daysOf = (terms: string) => Number(/\d+/.exec(terms)?.[0] ?? 0)

export function billing(
  customer: Customer,
  contract: Contract,
  entity: Reference,
  at: number,
  ordinal: number,
): Billing {
  const netMinor = contract.lines.reduce(
    (sum, line) => sum + line.unitPriceMinor * line.quantity,
    0,
  )
  const taxMinor = Math.round(netMinor * (ownValue(standardRates, customer.locale.country) ?? 0))
  return { customer, contract, entity, ordinal, at, netMinor, taxMinor }
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export function period(time: number): Reference {
  const date = new Date(time)
  const month = months[date.getUTCMonth()]!
  return {
    id: String(date.getUTCFullYear() * 12 + date.getUTCMonth() - 24_000),
    refName: `${month} ${date.getUTCFullYear()}`,
  }
}

const slot = (bill: Billing, offset: number) =>
  transactionId(bill.customer.index, bill.contract.ordinal * 10 + bill.ordinal * 2 + offset)
const number = (bill: Billing) =>
  100_000 + bill.customer.index * 4 + bill.contract.ordinal * 2 + bill.ordinal
const invoiceRef = (bill: Billing): Reference => ({
  id: slot(bill, 1),
  refName: `Invoice #INV${number(bill)}`,
})
const paymentRef = (bill: Billing): Reference => ({
  id: slot(bill, 2),
  refName: `Payment #PYMT${number(bill)}`,
})

export function invoiceRecord(bill: Billing, order: Reference | null) {
  const { customer, contract } = bill
  const amount = (minor: number) => decimal(minor, customer.currency)
  const total = bill.netMinor + bill.taxMinor
  const paid = bill.paidAt !== undefined
  return {
    id: slot(bill, 1),
    tranId: `INV${number(bill)}`,
    entity: bill.entity,
    tranDate: isoDate(bill.at),
    dueDate: isoDate(bill.at + daysOf(customer.terms) * dayMs),
    currency: currencyRef(customer.currency),
    exchangeRate: exchangeRate(customer.currency),
    subtotal: amount(bill.netMinor),
    taxTotal: amount(bill.taxMinor),
    total: amount(total),
    amountPaid: paid ? amount(total) : 0,
    amountRemaining: paid ? 0 : amount(total),
    status: paid ? { id: 'paidInFull', refName: 'Paid In Full' } : { id: 'open', refName: 'Open' },
    otherRefNum: contract.number,
    createdFrom: order,
    subsidiary: subsidiaryOf(customer.locale.country),
    terms: termsRef(customer.terms),
    postingPeriod: period(bill.at),
    item: orderLines(customer, contract),
    lastModifiedDate: isoSeconds(bill.paidAt ?? bill.at),
  }
}

export function paymentRecord(bill: Billing, paidAt: number) {
  const { customer } = bill
  const total = decimal(bill.netMinor + bill.taxMinor, customer.currency)
  return {
    id: slot(bill, 2),
    tranId: `PYMT${number(bill)}`,
    customer: bill.entity,
    tranDate: isoDate(paidAt),
    currency: currencyRef(customer.currency),
    exchangeRate: exchangeRate(customer.currency),
    payment: total,
    applied: total,
    unapplied: 0,
    paymentMethod: { id: '7', refName: 'Bank Transfer' },
    status: { id: 'deposited', refName: 'Deposited' },
    apply: { items: [{ apply: true, doc: invoiceRef(bill), amount: total, total, due: total }] },
    lastModifiedDate: isoSeconds(paidAt),
  }
}

const receivables: Reference = { id: '119', refName: '1100 Accounts Receivable' }
const revenue: Reference = { id: '54', refName: '4000 Sales' }
const salesTax: Reference = { id: '108', refName: '2200 Sales Tax Payable' }
const bank: Reference = { id: '1', refName: '1000 Checking' }

function posting(
  bill: Billing,
  kind: 'CustInvc' | 'CustPymt',
  line: number,
  account: Reference,
  minor: number,
  at: number,
) {
  const { customer } = bill
  const transaction = kind === 'CustInvc' ? invoiceRef(bill) : paymentRef(bill)
  const amount = decimal(minor, customer.currency)
  return {
    id: `${transaction.id}-${line}-1`,
    accountingBook: { id: '1', refName: 'Primary Accounting Book' },
    transaction,
    transactionType: kind,
    transactionLine: line,
    account,
    entity: bill.entity,
    subsidiary: subsidiaryOf(customer.locale.country),
    currency: currencyRef(customer.currency),
    tranDate: isoDate(at),
    postingPeriod: period(at),
    debit: minor >= 0 ? amount : null,
    credit: minor < 0 ? -amount : null,
    amount,
    netAmount: amount,
    exchangeRate: exchangeRate(customer.currency),
    posting: true,
    memo: null,
  }
}

/** Returns the postings of an invoice; debits and credits sum to zero. */
export function invoicePostings(bill: Billing) {
  const total = bill.netMinor + bill.taxMinor
  return [
    posting(bill, 'CustInvc', 0, receivables, total, bill.at),
    posting(bill, 'CustInvc', 1, revenue, -bill.netMinor, bill.at),
    ...(bill.taxMinor > 0 ? [posting(bill, 'CustInvc', 2, salesTax, -bill.taxMinor, bill.at)] : []),
  ]
}

export function paymentPostings(bill: Billing, paidAt: number) {
  const total = bill.netMinor + bill.taxMinor
  return [
    posting(bill, 'CustPymt', 0, bank, total, paidAt),
    posting(bill, 'CustPymt', 1, receivables, -total, paidAt),
  ]
}
