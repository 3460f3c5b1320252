import countries from 'i18n-iso-countries/index.js'
import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Random } from '../../random.ts'
import { dayMs, type Store } from '../kit/store.ts'
import { article, company, person } from '../kit/world.ts'
import { dateOf, type Fields } from './values.ts'

/** The legal entities, each with its currency. The first is that of the user who signs in. */
export const COMPANIES: readonly (readonly [id: string, currency: string])[] = [
  ['usmf', 'USD'],
  ['demf', 'EUR'],
  ['gbsi', 'GBP'],
]
export const CUSTOMER_GROUPS = ['10', '20', '30', '80']
export const PAYMENT_TERMS = ['COD', 'Net7', 'Net10', 'Net14', 'Net30', 'Net45', 'Net60']
const sharedChance = 0.25

type Draw = (random: Random, store: Store) => Fields | undefined

const amount = (random: Random, max: number) => random.between(100, max * 100) / 100
const around = (random: Random, store: Store) =>
  dateOf(store.clock.now() + random.between(-60, 90) * dayMs)
/** Texts of the system are short; the form does not take more characters. */
const cut = (text: string, length: number) => text.slice(0, length)

/** Fields of a customer that belong to its party, which legal entities share. */
const PARTY_FIELD =
  /^(Organization|Person|Address|PrimaryContact|NameAlias|KnownAs|LanguageId|FullPrimary)/

/** Returns what a customer has from its party. */
export const partyOf = (record: Fields): Fields =>
  Object.fromEntries(Object.entries(record).filter(([name]) => PARTY_FIELD.test(name)))

/** Draws a record of a set; undefined if there is none. */
function one(random: Random, store: Store, set: string): Fields | undefined {
  const id = store.pick(random, set)
  return id === undefined ? undefined : store.table(set).get(id)!.record
}

/** Draws a customer. Each fourth is a party that another legal entity knows already. */
const customer: Draw = (random, store) => {
  const [dataAreaId, currency] = random.pick(COMPANIES)
  const terms = {
    CustomerGroupId: random.pick(CUSTOMER_GROUPS),
    SalesCurrencyCode: currency,
    PaymentTerms: random.chance(0.8) ? random.pick(PAYMENT_TERMS) : '',
    CreditLimit: random.chance(0.5) ? random.between(1, 90) * 1000 : 0,
    OnHoldStatus: random.chance(0.9) ? 'No' : random.pick(['Invoice', 'All']),
  }
  const known = random.chance(sharedChance) ? one(random, store, 'CustomersV3') : undefined
  if (known && known.dataAreaId !== dataAreaId) {
    const { PartyNumber, PartyType, TaxExemptNumber } = known
    return { dataAreaId, ...terms, ...partyOf(known), PartyNumber, PartyType, TaxExemptNumber }
  }
  const { address, ...drawn } = company(random)
  const contact = {
    PrimaryContactPhone: drawn.phone,
    PrimaryContactEmail: drawn.email,
    PrimaryContactURL: `https://www.${drawn.domain}`,
  }
  const located = {
    AddressStreet: address.street,
    AddressCity: address.city,
    AddressState: cut(address.region, 10),
    AddressZipCode: cut(address.postcode, 10),
    AddressCountryRegionId: countries.alpha2ToAlpha3(address.country) ?? '',
    AddressDescription: 'Main address',
  }
  if (random.chance(0.1)) {
    const { given, family, email } = person(random, 'example.com')
    const names = { PersonFirstName: cut(given, 25), PersonLastName: cut(family, 25) }
    return {
      ...{ dataAreaId, ...terms, ...located, ...names },
      ...{ PartyType: 'Person', PrimaryContactEmail: email, LanguageId: 'en-US' },
    }
  }
  return {
    ...{ dataAreaId, ...terms, ...located, ...contact },
    PartyType: 'Organization',
    OrganizationName: cut(drawn.name, 100),
    NameAlias: cut(drawn.name, 20),
    OrganizationNumberOfEmployees: drawn.employees,
    TaxExemptNumber: cut(drawn.taxId, 20),
    LanguageId: 'en-US',
    OrganizationNumber: random.chance(0.3) ? random.fill('#########') : '',
  }
}

const contact: Draw = (random, store) => {
  const of = one(random, store, 'CustomersV3')
  if (!of) return undefined
  const url = String(of.PrimaryContactURL)
  const domain = url === '' ? 'example.com' : new URL(url).hostname.replace('www.', '')
  const drawn = person(random, domain)
  return {
    dataAreaId: of.dataAreaId,
    AssociatedPartyNumber: of.PartyNumber,
    FirstName: cut(drawn.given, 25),
    LastName: cut(drawn.family, 25),
    EmploymentProfession: random.chance(0.6) ? drawn.title : '',
    PrimaryEmailAddress: drawn.email,
    PrimaryPhoneNumber: drawn.phone,
  }
}

const product: Draw = (random) => {
  const drawn = article(random)
  return {
    ProductNumber: `${drawn.sku}-${random.fill('####')}`,
    ProductName: cut(drawn.name, 60),
    ProductSearchName: cut(drawn.name, 20),
    ProductDescription: drawn.description,
    ProductType: drawn.period ? 'Service' : 'Item',
  }
}

const releasedProduct: Draw = (random, store) => {
  const of = one(random, store, 'ProductsV2')
  if (!of) return undefined
  const [dataAreaId] = random.pick(COMPANIES)
  const ItemNumber = cut(String(of.ProductNumber), 20)
  // A product is released to a legal entity once.
  if (store.table('ReleasedProductsV2').get(`${dataAreaId}-${ItemNumber}`)) return undefined
  return {
    ...{ dataAreaId, ItemNumber, ProductNumber: of.ProductNumber },
    ...{ ProductSearchName: of.ProductSearchName, SearchName: of.ProductSearchName },
    ...{ ProductType: of.ProductType, ProductSubType: of.ProductSubType },
    ...{ SalesUnitSymbol: 'ea', InventoryUnitSymbol: 'ea', PurchaseUnitSymbol: 'ea' },
    SalesPrice: amount(random, 4000),
    SalesPriceQuantity: 1,
    SalesPriceDate: dateOf(store.clock.now()),
    ProductLifecycleStateId: random.chance(0.9) ? 'Active' : 'Obsolete',
  }
}

/** Returns the amounts of an order. */
function totals(random: Random): Fields {
  const net = random.between(100, 4_000_000)
  const tax = Math.round(net * 0.19)
  return {
    OrderTotalAmount: (net + tax) / 100,
    OrderTotalTaxAmount: tax / 100,
    AreTotalsCalculated: 'Yes',
  }
}

const salesOrder: Draw = (random, store) => {
  const of = one(random, store, 'CustomersV3')
  if (!of) return undefined
  return {
    ...totals(random),
    dataAreaId: of.dataAreaId,
    OrderingCustomerAccountNumber: of.CustomerAccount,
    InvoiceCustomerAccountNumber: of.CustomerAccount,
    SalesOrderName: cut(String(of.OrganizationName || of.PersonLastName), 60),
    CurrencyCode: of.SalesCurrencyCode,
    PaymentTermsName: of.PaymentTerms,
    CustomersOrderReference: random.chance(0.4) ? random.fill('PO-#####') : '',
    RequestedShippingDate: around(random, store),
    ...random.pick([
      { SalesOrderStatus: 'Backorder', SalesOrderProcessingStatus: 'Confirmed' },
      { SalesOrderStatus: 'Delivered', SalesOrderProcessingStatus: 'PackingSlip' },
      { SalesOrderStatus: 'Invoiced', SalesOrderProcessingStatus: 'Invoiced' },
    ]),
  }
}

const salesInvoice: Draw = (random, store) => {
  const of = one(random, store, 'SalesOrderHeadersV2')
  if (!of) return undefined
  const number = random.fill('######')
  return {
    dataAreaId: of.dataAreaId,
    InvoiceNumber: `CIV-${number}`,
    InvoiceDate: dateOf(store.clock.now()),
    LedgerVoucher: `ARI-${number}`,
    InvoiceCustomerAccountNumber: of.InvoiceCustomerAccountNumber,
    SalesOrderNumber: of.SalesOrderNumber,
    CurrencyCode: of.CurrencyCode,
    PaymentTermsName: of.PaymentTermsName,
    TotalInvoiceAmount: of.OrderTotalAmount,
    TotalTaxAmount: of.OrderTotalTaxAmount,
  }
}

export const DRAWS: ReadonlyMap<string, Draw> = new Map<string, Draw>([
  ['CustomersV3', customer],
  ['ContactPersons', contact],
  ['ProductsV2', product],
  ['ReleasedProductsV2', releasedProduct],
  ['SalesOrderHeadersV2', salesOrder],
  ['SalesInvoiceHeadersV2', salesInvoice],
])

type Redraw = (random: Random, record: Fields) => Fields

export const REDRAWS: ReadonlyMap<string, Redraw> = new Map<string, Redraw>([
  [
    'CustomersV3',
    (random, record) => ({
      CreditLimit: random.between(0, 90) * 1000,
      PaymentTerms: random.pick(PAYMENT_TERMS),
      ...(random.chance(0.2) && {
        PrimaryContactPhone: random.fill('+49##########'),
        AddressStreet: `${random.between(1, 99)} ${String(ownValue(record, 'AddressCity'))} Road`,
      }),
    }),
  ],
  [
    'ContactPersons',
    (random) => ({
      EmploymentProfession: random.pick(['CEO', 'Buyer', '']),
      IsInactive: random.pick(['No', 'No', 'Yes']),
    }),
  ],
  ['ProductsV2', (random) => ({ ProductDescription: `Revision ${random.between(1, 99)}` })],
  [
    'ReleasedProductsV2',
    (random) => ({
      SalesPrice: amount(random, 900),
      ProductLifecycleStateId: random.pick(['Active', 'Obsolete']),
    }),
  ],
  ['SalesOrderHeadersV2', totals],
  ['SalesInvoiceHeadersV2', (random) => ({ CustomersOrderReference: random.fill('PO-#####') })],
])
