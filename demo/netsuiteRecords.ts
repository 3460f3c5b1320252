import { ownValue } from '../schema/kit/dictionary.ts'
import type { ContactView } from './contactView.ts'
import type { CustomerView } from './customerView.ts'
import { isoDate, isoSeconds } from './draft.ts'
import { decimal, exchangeRate } from './money.ts'
import { ownerName } from './salesforceIds.ts'
import { type Address, type Contract, type Customer, type Product, worldEnd } from './truth.ts'

/**
 * Records as the SuiteTalk REST API returns them. Internal ids are numbers written as text, with
 * one sequence for entities and one for transactions.
 */

export interface Reference {
  id: string
  refName: string
}

const subsidiaries: Readonly<Record<string, Reference>> = {
  GB: { id: '2', refName: 'Halden Works Ltd' },
  US: { id: '3', refName: 'Halden Works Inc.' },
  FR: { id: '4', refName: 'Halden Works SAS' },
  JP: { id: '5', refName: 'Halden Works K.K.' },
  CN: { id: '5', refName: 'Halden Works K.K.' },
}
const headOffice: Reference = { id: '1', refName: 'Halden Works GmbH' }

/**
 * Returns our legal entity that serves a country; a customer's second record is in the books of
 * another.
 */
export const subsidiaryOf = (country: string, copy = 0): Reference => {
  const usual = ownValue(subsidiaries, country) ?? headOffice
  return copy === 0 ? usual : usual === headOffice ? subsidiaries.GB! : headOffice
}

const currencyIds: Readonly<Record<string, string>> = {
  EUR: '1',
  GBP: '2',
  USD: '3',
  CHF: '4',
  PLN: '5',
  JPY: '6',
  CNY: '7',
}
export const currencyRef = (currency: string): Reference => ({
  id: ownValue(currencyIds, currency)!,
  refName: currency,
})
const termIds: Readonly<Record<string, string>> = {
  'Due on receipt': '1',
  'Net 10': '2',
  'Net 14': '3',
  'Net 20': '4',
  'Net 30': '5',
  'Net 45': '6',
  'Net 60': '7',
  'Net 90': '8',
}
export const termsRef = (terms: string): Reference => ({
  id: ownValue(termIds, terms)!,
  refName: terms,
})

export const entityInternalId = (customer: number, copy: number) =>
  String(1000 + customer * 8 + copy)
export const contactInternalId = (customer: number, ordinal: number) =>
  String(1000 + customer * 8 + 2 + ordinal)
export const itemInternalId = (product: number) => String(100 + product * 3)
export const transactionId = (customer: number, slot: number) =>
  String(500_000 + customer * 20 + slot)
export const entityNumber = (customer: number, copy: number) =>
  `CUST${100_000 + customer * 2 + copy}`

const statuses = {
  CUSTOMER: { id: '13', refName: 'CUSTOMER-Closed Won' },
  FORMER: { id: '16', refName: 'CUSTOMER-Lost Customer' },
  PROSPECT: { id: '8', refName: 'PROSPECT-In Discussion' },
  LEAD: { id: '7', refName: 'LEAD-Qualified' },
} as const

function addressItem(
  id: string,
  label: string,
  flags: { billing: boolean; shipping: boolean },
  addressee: string,
  address: Address,
  countryName: string,
) {
  return {
    id,
    internalId: id,
    defaultBilling: flags.billing,
    defaultShipping: flags.shipping,
    label,
    addressBookAddress: {
      addressee,
      addr1: address.street,
      addr2: null,
      city: address.city,
      state: address.region || null,
      zip: address.postcode,
      country: { id: address.country, refName: countryName },
    },
  }
}

export function customerRecord(
  customer: Customer,
  view: CustomerView,
  copy: number,
  parent: Reference | null,
  created: number,
  modified: number,
) {
  const id = entityInternalId(customer.index, copy)
  const number = entityNumber(customer.index, copy)
  const country = customer.locale.countryNames[0]!
  const inName = !view.person && !view.misplaced
  // A misplaced company name is in altName, or after the number in entityId.
  const behindNumber = view.misplaced && customer.index % 2 === 0
  return {
    id,
    entityId: behindNumber ? `${number} ${view.name}` : number,
    isPerson: view.person,
    companyName: inName ? view.name : null,
    altName: behindNumber ? null : view.name,
    salutation: view.person ? (view.salutation ?? null) : null,
    firstName: view.given ?? null,
    lastName: view.surname ?? null,
    email: view.email ?? null,
    altEmail: null,
    phone: view.phone ?? null,
    altPhone: null,
    mobilePhone: view.mobile ?? null,
    url: view.website ?? null,
    vatRegNumber: view.taxId ?? null,
    defaultTaxReg: view.taxId ?? null,
    custentity_registration_no: view.registration ?? null,
    subsidiary: subsidiaryOf(customer.locale.country, copy),
    currency: currencyRef(customer.currency),
    terms: termsRef(view.terms),
    parent,
    salesRep: { id: String(20 + customer.owner), refName: ownerName(customer.owner) },
    entityStatus: statuses[customer.lifecycle],
    isInactive: customer.lifecycle === 'FORMER',
    dateCreated: isoSeconds(created),
    lastModifiedDate: isoSeconds(modified),
    addressBook: {
      items: [
        ...(view.address
          ? [
              addressItem(
                `${id}1`,
                'Main',
                { billing: true, shipping: !view.shipping },
                view.name,
                view.address,
                country,
              ),
            ]
          : []),
        ...(view.shipping
          ? [
              addressItem(
                `${id}2`,
                'Warehouse',
                { billing: false, shipping: true },
                view.name,
                view.shipping,
                country,
              ),
            ]
          : []),
      ],
    },
  }
}

export function contactRecord(
  customer: Customer,
  ordinal: number,
  view: ContactView,
  company: Reference,
  modified: number,
) {
  return {
    id: contactInternalId(customer.index, ordinal),
    entityId: view.name,
    salutation: view.salutation,
    firstName: view.given ?? null,
    lastName: view.surname,
    title: view.title ?? null,
    email: view.email ?? null,
    phone: view.phone ?? null,
    mobilePhone: view.mobile ?? null,
    company,
    isInactive: false,
    lastModifiedDate: isoSeconds(modified),
  }
}

const unitIds: Readonly<Record<string, string>> = {
  piece: '1',
  box: '2',
  seat: '3',
  site: '4',
  day: '5',
}

export function itemRecord(product: Product, modified: number) {
  const unit = {
    id: ownValue(unitIds, product.unit) ?? '1',
    refName: product.unit,
  }
  return {
    id: itemInternalId(product.index),
    itemId: product.sku,
    displayName: product.name,
    salesDescription: product.description,
    upcCode: product.gtin ?? null,
    mpn: product.manufacturerCode ?? null,
    manufacturer: product.manufacturer,
    unitsType: unit,
    stockUnit: product.service ? null : unit,
    class: { id: String(10 + product.category.length), refName: product.category },
    basePrice: decimal(product.priceCents, 'EUR'),
    isInactive: !product.active,
    lastModifiedDate: isoSeconds(modified),
  }
}

export function orderLines(customer: Customer, contract: Contract) {
  return {
    items: contract.lines.map((line, at) => ({
      line: at + 1,
      item: { id: itemInternalId(line.product.index), refName: line.product.sku },
      quantity: line.quantity,
      rate: decimal(line.unitPriceMinor, customer.currency),
      amount: decimal(line.unitPriceMinor * line.quantity, customer.currency),
      description: line.product.name,
    })),
  }
}

const orderStatuses = {
  DRAFT: { id: 'pendingApproval', refName: 'Pending Approval' },
  ACTIVE: { id: 'pendingBilling', refName: 'Pending Billing' },
  EXPIRED: { id: 'closed', refName: 'Closed' },
  CANCELLED: { id: 'cancelled', refName: 'Cancelled' },
} as const
const renewals = { AUTOMATIC: 'Automatic', MANUAL: 'Manual', NONE: 'None' } as const

export function salesOrderRecord(
  customer: Customer,
  contract: Contract,
  entity: Reference,
  number: string,
  status: Contract['status'],
  modified: number,
) {
  return {
    id: transactionId(customer.index, contract.ordinal * 10),
    tranId: `SO${100_000 + customer.index * 2 + contract.ordinal}`,
    otherRefNum: number,
    entity,
    tranDate: isoDate(Math.min(contract.start, worldEnd)),
    startDate: isoDate(contract.start),
    endDate: isoDate(contract.end),
    currency: currencyRef(customer.currency),
    exchangeRate: exchangeRate(customer.currency),
    total: decimal(contract.valueMinor, customer.currency),
    status: orderStatuses[status],
    custbody_term_months: contract.termMonths,
    custbody_renewal: renewals[contract.renewal],
    subsidiary: subsidiaryOf(customer.locale.country),
    terms: termsRef(customer.terms),
    memo: null,
    item: orderLines(customer, contract),
    lastModifiedDate: isoSeconds(modified),
  }
}
