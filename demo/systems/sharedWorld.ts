import type { Role } from '../../schema/policy.ts'
import { taxIdOf } from '../checkDigits.ts'
import { type Random, random } from '../random.ts'
import { chargebee } from './chargebee/chargebee.ts'
import { gainsight } from './gainsight/gainsight.ts'
import { hubspot } from './hubspot/hubspot.ts'
import type { ModelSystem } from './kit/model.ts'
import { type Company, company, type Person, person } from './kit/world.ts'
import { oracle } from './oracle/oracle.ts'

/** A model system with what a client needs to read it. */
export interface SharedSystem {
  /** Its kind, which is its name too. */
  name: string
  role: Role
  trust: number
  system: ModelSystem
  /** Settings of a client by the names of its connection; the secrets apart. */
  settings: Readonly<Record<string, string | number>>
  secrets: Readonly<Record<string, string>>
  objects: readonly string[]
  /** What is written to it of customers. */
  write: SharedWrite
}

export interface SharedWrite {
  update: readonly string[]
  /** What a new record gets besides, for a customer that the system does not know; null: none is made. */
  create: readonly string[] | null
}

/** One company, as all the systems that know it hold it. */
interface Party extends Company {
  number: number
  isProspect: boolean
  people: Person[]
}

const peopleMax = 2

/**
 * Opens a CRM, a billing system, an ERP and a system for customer success that know the same
 * companies, each with ids and habits of its own. The same seed gives the same records. The caller
 * closes them.
 */
export async function openSharedWorld(companies: number, seed = 1): Promise<SharedSystem[]> {
  const models = [hubspot, chargebee, oracle, gainsight]
  const [crm, billing, erp, success] = await Promise.all(
    models.map((model) => model.open({ seed, limits: 'none' })),
  )
  if (!crm || !billing || !erp || !success) throw new Error('a model was not opened')
  const draw = random('shared', seed)
  const parties = Array.from({ length: companies }, (_, n) => partyOf(draw, n))
  fillCrm(crm, parties)
  fillBilling(billing, parties.filter(isKnown))
  fillErp(erp, parties.filter(isKnown))
  fillSuccess(success, parties.filter(isKnown))
  const { accessToken = '' } = crm.credentials
  const { site = '', apiKey = '' } = billing.credentials
  const { username = '', password = '' } = erp.credentials
  const { accessKey = '' } = success.credentials
  return [
    {
      ...{ name: 'hubspot', role: 'CRM', trust: 0.8, system: crm },
      settings: { base: crm.url, perTenSeconds: 10_000 },
      secrets: { accessToken },
      objects: ['companies', 'contacts', 'deals'],
      write: { update: ['name', 'billingAddress'], create: null },
    },
    {
      ...{ name: 'chargebee', role: 'BILLING', trust: 0.7, system: billing },
      settings: { site, base: billing.url, perMinute: 1_000_000 },
      secrets: { apiKey },
      objects: ['customer', 'contact', 'item', 'item_price', 'subscription', 'invoice'],
      write: { update: ['name', 'paymentTerms'], create: ['billingAddress', 'currency'] },
    },
    {
      ...{ name: 'oracle', role: 'ERP', trust: 0.9, system: erp },
      settings: {
        ...{ host: 'unused.example', base: erp.url, user: username, perSecond: 10_000 },
        accountGoldenIdField: 'TouchstoneId_c',
      },
      secrets: { password },
      objects: ['accounts', 'contacts', 'receivablesInvoices'],
      write: { update: ['name', 'lifecycle', 'billingAddress', 'currency'], create: ['domains'] },
    },
    {
      ...{ name: 'gainsight', role: 'SUCCESS', trust: 0.5, system: success },
      settings: {
        ...{ base: success.url, perMinute: 1_000_000 },
        companyGoldenIdField: 'Touchstone_Id__gc',
      },
      secrets: { accessKey },
      objects: ['GsUser', 'Company', 'Person'],
      // It knows names alone. One in 30 pairs of equal names is too weak for a task (-2.4 bits; tasks
      // begin at -2), so nobody would be asked before a second record is created.
      write: { update: ['name'], create: null },
    },
  ]
}

/** The first company has a name that documents can use. Sales still works on a deal with it. */
function partyOf(draw: Random, number: number): Party {
  const drawn = number === 0 ? nordlicht(draw) : company(draw)
  const people = Array.from({ length: draw.between(1, peopleMax) }, () =>
    person(draw, drawn.domain),
  )
  return { ...drawn, number, isProspect: number % 4 === 0, people }
}

function nordlicht(draw: Random): Company {
  const domain = 'nordlicht-automation.example'
  return {
    ...company(draw),
    name: 'Nordlicht Automation GmbH',
    address: {
      ...{ street: 'Speicherstraße 7', city: 'Kiel', region: '', postcode: '24103' },
      country: 'DE',
    },
    phone: '+494315550107',
    domain,
    email: `info@${domain}`,
    taxId: taxIdOf.DE?.(draw) ?? '',
    currency: 'EUR',
  }
}

/** Whether the other systems know a company too. Sales alone knows prospects, but for the first. */
const isKnown = ({ number, isProspect }: Party) => !isProspect || number === 0

const crmId = (number: number) => String(9_000_000_001 + number)
const billingId = (number: number) => `cust-${1001 + number}`
const erpId = (number: number) => String(300_000_200_000_001 + number)

function fillCrm(crm: ModelSystem, parties: readonly Party[]): void {
  for (const party of parties) {
    const { number, name, domain, phone, address, isProspect, people } = party
    const id = crmId(number)
    crm.put('companies', {
      ...{ id, name, domain, website: `https://www.${domain}`, phone },
      ...{ address: address.street, city: address.city, state: address.region },
      ...{ zip: address.postcode, country: address.country, hs_country_code: address.country },
      lifecyclestage: isProspect ? 'opportunity' : 'customer',
    })
    for (const { given, family, email, phone: direct, title } of people)
      crm.put('contacts', {
        ...{ firstname: given, lastname: family, email, phone: direct, jobtitle: title },
        ...{ company: name, associatedcompanyid: id, associations: { companies: [id] } },
      })
    crm.put('deals', {
      ...{ dealname: `${name}: first order`, pipeline: 'default', amount: '12000.00' },
      ...{ dealstage: isProspect ? 'contractsent' : 'closedwon', deal_currency_code: 'EUR' },
      associations: { companies: [id] },
    })
  }
}

function fillBilling(billing: ModelSystem, parties: readonly Party[]): void {
  const family = billing.put('item_family', { name: 'Platform' })
  const item = billing.put('item', {
    ...{ id: 'platform', name: 'Platform', external_name: 'Platform', type: 'plan' },
    item_family_id: family,
  })
  for (const party of parties) {
    const { number, name, phone, email, taxId, currency, address, people } = party
    const id = billingId(number)
    billing.put('customer', {
      // A clerk of billing writes names in capitals. The ERP owns names, so they are corrected.
      ...{ id, company: number % 7 === 3 ? name.toUpperCase() : name, phone, email },
      ...{ vat_number: taxId, net_term_days: 30 },
      preferred_currency_code: currency,
      billing_address: {
        ...{ company: name, line1: address.street, city: address.city, state: address.region },
        ...{ zip: address.postcode, country: address.country, object: 'billing_address' },
      },
    })
    for (const { given, family: surname, email: direct, phone: line, title } of people)
      billing.put('contact', {
        ...{ customer_id: id, first_name: given, last_name: surname },
        ...{ email: direct, phone: line, label: title },
      })
    const price = priceOf(billing, { family, item, currency })
    const subscription = billing.put('subscription', {
      ...{ id: `sub-${1001 + number}`, customer_id: id, currency_code: currency },
      ...{ billing_period: 1, billing_period_unit: 'month', status: 'active' },
      subscription_items: [
        { item_price_id: price, item_type: 'plan', quantity: 1, unit_price: 9_900, amount: 9_900 },
      ],
    })
    billing.put('invoice', {
      ...{ id: `INV-${1001 + number}`, customer_id: id, subscription_id: subscription },
      ...{ currency_code: currency, sub_total: 9_900, tax: 0, total: 9_900 },
      ...{ amount_paid: 0, amount_due: 9_900 },
    })
  }
}

function priceOf(
  billing: ModelSystem,
  { family, item, currency }: { family: string; item: string; currency: string },
): string {
  const id = `platform-${currency}`
  if (billing.state('item_price').has(id)) return id
  return billing.put('item_price', {
    ...{ id, name: `Platform ${currency}`, item_id: item, item_family_id: family },
    ...{ item_type: 'plan', pricing_model: 'flat_fee', price: 9_900, currency_code: currency },
    ...{ period: 1, period_unit: 'month' },
  })
}

function fillErp(erp: ModelSystem, parties: readonly Party[]): void {
  for (const party of parties) {
    const { number, name, taxId, domain, email, phone, address, isProspect, people } = party
    const id = erpId(number)
    const partyNumber = `CDRM_${200_001 + number}`
    erp.put('accounts', {
      ...{ PartyId: id, PartyNumber: partyNumber, PartyType: 'ORGANIZATION', PartyStatus: 'A' },
      OrganizationName: name,
      Type: isProspect ? 'ZCA_PROSPECT' : 'ZCA_CUSTOMER',
      ...{ TaxpayerIdentificationNumber: taxId, URL: `https://www.${domain}` },
      ...{ EmailAddress: email, FormattedPhoneNumber: phone, CurrencyCode: party.currency },
      ...{ AddressLine1: address.street, City: address.city, State: address.region || null },
      ...{ PostalCode: address.postcode, Country: address.country },
    })
    for (const { given, family, email: direct, phone: line, title } of people)
      erp.put('contacts', {
        ...{ FirstName: given, LastName: family, ContactName: `${given} ${family}` },
        ...{ PartyType: 'PERSON', PartyStatus: 'A', JobTitle: title, EmailAddress: direct },
        ...{ FormattedWorkPhoneNumber: line, AccountPartyId: Number(id), AccountName: name },
      })
    erp.put('receivablesInvoices', {
      ...{ TransactionNumber: String(500_001 + number), TransactionType: 'Invoice' },
      ...{ BillToCustomerName: name, BillToCustomerNumber: partyNumber },
      ...{ TransactionDate: dateOf(erp.clock.now()), InvoiceCurrencyCode: party.currency },
      ...{ EnteredAmount: 99, InvoiceBalanceAmount: 99, InvoiceStatus: 'Complete' },
    })
  }
}

function fillSuccess(success: ModelSystem, parties: readonly Party[]): void {
  const manager = success.put('GsUser', {
    ...{ Name: 'Ines Albrecht', FirstName: 'Ines', LastName: 'Albrecht', IsActiveUser: true },
    Email: 'ines.albrecht@seller.example',
  })
  for (const { number, name, currency, people } of parties) {
    const id = success.put('Company', {
      ...{ Name: name, Status: 'Active', Csm: manager, CurrencyIsoCode: currency },
      ...{ ARR: 1_188, CurrentScore: 40 + ((number * 17) % 60) },
    })
    for (const { given, family, email, phone, title } of people) {
      const personId = success.put('Person', {
        ...{ Name: `${given} ${family}`, FirstName: given, LastName: family },
        ...{ Email: email, Phone: phone },
      })
      success.put('Company_Person', {
        ...{ Company_ID: id, Person_ID: personId, Title: title, IsPrimaryCompany: true },
      })
    }
  }
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
