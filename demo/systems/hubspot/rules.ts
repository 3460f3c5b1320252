import type { Random } from '../../random.ts'
import type { ObjectRules, Store } from '../kit/store.ts'
import { article, company, person } from '../kit/world.ts'
import type { Links } from './links.ts'
import { OBJECT_TYPES, type ObjectType } from './objects.ts'
import { archiveRecord, type HubspotRecord, writeRecord } from './records.ts'

type Fields = Record<string, unknown>
type Draw = (random: Random, store: Store) => Fields | undefined

const dayMs = 86_400_000
const money = (random: Random, max: number) => (random.between(100, max * 100) / 100).toFixed(2)
const dateOf = (time: number) => new Date(time).toISOString().slice(0, 10)
const isoOf = (time: number) => new Date(time).toISOString()
const soon = (random: Random, store: Store) => store.clock.now() + random.between(-90, 300) * dayMs

const OWNERS = ['29584574', '29584575', '41629779']
const STAGES = ['appointmentscheduled', 'qualifiedtobuy', 'contractsent', 'closedwon', 'closedlost']
const STAGE_PROBABILITY = new Map([
  ['appointmentscheduled', '0.2'],
  ['qualifiedtobuy', '0.4'],
  ['contractsent', '0.9'],
  ['closedwon', '1'],
  ['closedlost', '0'],
])

const property = (store: Store, object: string, id: string | undefined, name: string) => {
  const record = id === undefined ? undefined : store.table(object).get(id)?.record
  return record && new Map(Object.entries((record as HubspotRecord).properties)).get(name)
}

/** Draws a company and one of its contacts: what commercial records are associated with. */
function parties(random: Random, store: Store) {
  const companyId = store.pick(random, 'companies')
  const contactId = store.pick(random, 'contacts')
  if (companyId === undefined || contactId === undefined) return undefined
  return {
    companyName: property(store, 'companies', companyId, 'name') ?? 'Unnamed',
    associations: { companies: [companyId], contacts: [contactId] },
  }
}

const some = (id: string | undefined) => (id === undefined ? [] : [id])

function dealStage(random: Random) {
  const stage = random.pick(STAGES)
  return {
    dealstage: stage,
    hs_deal_stage_probability: STAGE_PROBABILITY.get(stage),
    hs_is_closed: `${stage.startsWith('closed')}`,
    hs_is_closed_won: `${stage === 'closedwon'}`,
  }
}

const DRAWS: ReadonlyMap<string, Draw> = new Map<string, Draw>([
  [
    'companies',
    (random, store) => {
      const drawn = company(random)
      const parent = random.chance(0.1) ? store.pick(random, 'companies') : undefined
      return {
        name: drawn.name,
        domain: drawn.domain,
        website: `https://www.${drawn.domain}`,
        phone: drawn.phone,
        address: drawn.address.street,
        city: drawn.address.city,
        state: drawn.address.region,
        zip: drawn.address.postcode,
        country: drawn.address.country,
        hs_country_code: drawn.address.country,
        industry: drawn.industry,
        vat_number: drawn.taxId,
        numberofemployees: drawn.employees,
        annualrevenue: random.between(1, 900) * 100_000,
        type: random.pick(['PROSPECT', 'PARTNER', 'RESELLER', 'OTHER']),
        lifecyclestage: random.pick(['lead', 'opportunity', 'customer']),
        hubspot_owner_id: random.pick(OWNERS),
        ...(parent && { hs_parent_company_id: parent }),
      }
    },
  ],
  [
    'contacts',
    (random, store) => {
      const companyId = store.pick(random, 'companies')
      const domain = property(store, 'companies', companyId, 'domain') ?? 'example.com'
      const drawn = person(random, domain)
      return {
        firstname: drawn.given,
        lastname: drawn.family,
        email: drawn.email,
        phone: drawn.phone,
        ...(random.chance(0.5) && { jobtitle: drawn.title }),
        company: property(store, 'companies', companyId, 'name') ?? '',
        associatedcompanyid: companyId ?? '',
        lifecyclestage: random.pick(['lead', 'marketingqualifiedlead', 'customer']),
        hubspot_owner_id: random.pick(OWNERS),
        associations: { companies: some(companyId) },
      }
    },
  ],
  [
    'products',
    (random) => {
      const drawn = article(random)
      return {
        name: drawn.name,
        description: drawn.description,
        hs_sku: drawn.sku,
        price: (drawn.priceMinor / 100).toFixed(2),
        hs_product_type: drawn.period ? 'service' : 'inventory',
        ...(drawn.period && {
          recurringbillingfrequency: drawn.period === 'month' ? 'monthly' : 'annually',
          hs_recurring_billing_period: 'P12M',
        }),
      }
    },
  ],
  [
    'deals',
    (random, store) => {
      const drawn = parties(random, store)
      return (
        drawn && {
          dealname: `${drawn.companyName} ${random.fill('#### Q#')}`,
          pipeline: 'default',
          ...dealStage(random),
          amount: money(random, 90_000),
          deal_currency_code: random.pick(['EUR', 'USD', 'GBP']),
          dealtype: random.pick(['newbusiness', 'existingbusiness']),
          closedate: isoOf(soon(random, store)),
          hubspot_owner_id: random.pick(OWNERS),
          associations: drawn.associations,
        }
      )
    },
  ],
  [
    'quotes',
    (random, store) => {
      const drawn = parties(random, store)
      return (
        drawn && {
          hs_title: `Quote for ${drawn.companyName}`,
          hs_status: random.pick(['DRAFT', 'APPROVAL_NOT_NEEDED', 'PENDING_APPROVAL']),
          hs_quote_number: random.fill('202#####-######'),
          hs_quote_amount: money(random, 90_000),
          hs_currency: random.pick(['EUR', 'USD', 'GBP']),
          hs_expiration_date: isoOf(soon(random, store)),
          hs_public_url_key: random.token(32).toLowerCase(),
          hs_language: 'en',
          associations: { ...drawn.associations, deals: some(store.pick(random, 'deals')) },
        }
      )
    },
  ],
  [
    'orders',
    (random, store) => {
      const drawn = parties(random, store)
      return (
        drawn && {
          hs_order_name: `Order ${random.fill('######')}`,
          hs_external_order_id: random.fill('SO-######'),
          hs_external_order_status: random.pick(['pending', 'fulfilled', 'cancelled']),
          hs_fulfillment_status: random.pick(['Packing', 'Shipped', 'Delivered']),
          hs_currency_code: random.pick(['EUR', 'USD', 'GBP']),
          hs_total_price: money(random, 20_000),
          hs_pipeline: '14a2e10e-5471-408a-906e-c51f3b04369e',
          hs_pipeline_stage: '937ea84d-0a4f-4dcf-9028-3f9c2aafbf03',
          hs_external_created_date: isoOf(store.clock.now()),
          associations: drawn.associations,
        }
      )
    },
  ],
  [
    'subscriptions',
    (random, store) => {
      const drawn = parties(random, store)
      const start = store.clock.now() - random.between(0, 300) * dayMs
      return (
        drawn && {
          hs_name: `Subscription ${random.fill('####')} of ${drawn.companyName}`,
          hs_subscription_status: random.pick(['active', 'past_due', 'canceled', 'expired']),
          hs_recurring_billing_frequency: random.pick(['monthly', 'annually']),
          hs_recurring_billing_start_date: dateOf(start),
          hs_next_payment_due_date: dateOf(start + 365 * dayMs),
          hs_recurring_revenue: money(random, 5_000),
          hs_currency_code: random.pick(['EUR', 'USD', 'GBP']),
          associations: drawn.associations,
        }
      )
    },
  ],
  [
    'invoices',
    (random, store) => {
      const drawn = parties(random, store)
      const billed = random.between(100, 900_000)
      const paid = random.chance(0.5) ? billed : 0
      return (
        drawn && {
          hs_number: random.fill('INV-####'),
          hs_invoice_status: paid ? 'paid' : random.pick(['draft', 'open', 'voided']),
          hs_currency: random.pick(['EUR', 'USD', 'GBP']),
          hs_invoice_date: dateOf(store.clock.now()),
          hs_due_date: dateOf(store.clock.now() + 30 * dayMs),
          hs_amount_billed: (billed / 100).toFixed(2),
          hs_amount_paid: (paid / 100).toFixed(2),
          hs_balance_due: ((billed - paid) / 100).toFixed(2),
          hs_tax: (Math.round(billed * 0.16) / 100).toFixed(2),
          associations: {
            ...drawn.associations,
            subscriptions: some(store.pick(random, 'subscriptions')),
          },
        }
      )
    },
  ],
  [
    'commerce_payments',
    (random, store) => {
      const drawn = parties(random, store)
      return (
        drawn && {
          hs_latest_status: random.pick(['succeeded', 'failed', 'refunded', 'processing']),
          hs_initial_amount: money(random, 9_000),
          hs_currency_code: random.pick(['EUR', 'USD', 'GBP']),
          hs_payment_method_type: random.pick(['card', 'ach', 'sepa_debit']),
          hs_initiated_date: isoOf(store.clock.now()),
          hs_reference_number: random.token(16).toLowerCase(),
          associations: { ...drawn.associations, invoices: some(store.pick(random, 'invoices')) },
        }
      )
    },
  ],
  [
    'line_items',
    (random, store) => {
      const parentObject = random.pick(['deals', 'quotes', 'orders', 'invoices', 'subscriptions'])
      const parent = store.pick(random, parentObject)
      const productId = store.pick(random, 'products')
      const quantity = random.between(1, 40)
      const price = random.between(100, 90_000)
      if (parent === undefined) return undefined
      return {
        name: property(store, 'products', productId, 'name') ?? 'Item',
        hs_product_id: productId ?? '',
        hs_sku: property(store, 'products', productId, 'hs_sku') ?? '',
        quantity,
        price: (price / 100).toFixed(2),
        amount: ((price * quantity) / 100).toFixed(2),
        hs_line_item_currency_code: 'EUR',
        associations: Object.fromEntries([[parentObject, [parent]]]),
      }
    },
  ],
])

const REDRAWS: ReadonlyMap<string, (random: Random) => Fields> = new Map<
  string,
  (random: Random) => Fields
>([
  [
    'companies',
    (random) => ({ phone: random.fill('+49##########'), city: company(random).address.city }),
  ],
  [
    'contacts',
    (random) => ({
      jobtitle: random.pick(['CEO', 'Buyer', null]),
      mobilephone: random.fill('+44##########'),
    }),
  ],
  ['products', (random) => ({ price: money(random, 900) })],
  ['line_items', (random) => ({ discount: money(random, 90) })],
  ['deals', (random) => ({ ...dealStage(random), amount: money(random, 90_000) })],
  ['quotes', (random) => ({ hs_status: random.pick(['APPROVED', 'REJECTED']) })],
  ['orders', (random) => ({ hs_fulfillment_status: random.pick(['Shipped', 'Delivered', null]) })],
  ['subscriptions', (random) => ({ hs_subscription_status: random.pick(['active', 'canceled']) })],
  ['invoices', (random) => ({ hs_invoice_status: random.pick(['open', 'paid', 'voided']) })],
  ['commerce_payments', (random) => ({ hs_latest_status: random.pick(['succeeded', 'refunded']) })],
])

const WEIGHTS = new Map([
  ['companies', 5],
  ['contacts', 8],
  ['deals', 5],
  ['line_items', 4],
  ['invoices', 3],
])

/** Parents before children, as a user of the account creates them. */
const ORDER = [...DRAWS.keys()]

/** Returns the rules of all objects. Ids rise over all objects, with gaps. */
export function hubspotRules(links: Links, random: Random): ObjectRules[] {
  let lastId = random.between(70_000_000, 90_000_000)
  const newId = () => {
    lastId += random.between(1, 900)
    return String(lastId)
  }
  const typeOf = (name: string) => OBJECT_TYPES.find((type) => type.name === name)!
  return ORDER.map((name) => rulesOf(typeOf(name), links, newId))
}

function rulesOf(type: ObjectType, links: Links, newId: () => string): ObjectRules {
  const settable = [...type.properties.values()].filter(({ readOnly }) => !readOnly)
  const redraw = REDRAWS.get(type.name)!
  return {
    name: type.name,
    idField: 'id',
    fields: [...settable.map(({ name }) => name), 'associations'],
    weight: WEIGHTS.get(type.name) ?? 1,
    newId,
    write(fields, at) {
      for (const [other, ids] of Object.entries(fields.associations ?? {}))
        links.set(type.name, at.id, other, ids as string[])
      return writeRecord(type, fields, at)
    },
    erase: archiveRecord,
    draw: DRAWS.get(type.name)!,
    redraw: (random) => redraw(random),
  }
}
