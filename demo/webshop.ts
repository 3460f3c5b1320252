import { contactView } from './contactView.ts'
import { type CustomerView, customerView } from './customerView.ts'
import { copiedNumber, type Holding, isoDate, isoSeconds, type WorldContext } from './draft.ts'
import { earlierView } from './earlierView.ts'
import { decimal } from './money.ts'
import { subsidiaryOf } from './netsuiteRecords.ts'
import { random } from './random.ts'
import { ownerName } from './salesforceIds.ts'
import { type Customer, dayMs, type Product, worldEnd } from './truth.ts'

type Row = Record<string, string>

/** Column order of each file. */
export const webshopColumns: Readonly<Record<string, readonly string[]>> = {
  customers: [
    'shop_customer_id',
    'account_type',
    'company_name',
    'contact_name',
    'email',
    'phone',
    'vat_no',
    'street',
    'street_2',
    'postal_code',
    'town',
    'region',
    'country',
    'website',
    'account_manager',
    'stage',
    'payment_terms',
    'currency',
    'legal_entity',
    'registered_at',
    'modified_at',
  ],
  contacts: [
    'contact_id',
    'shop_customer_id',
    'full_name',
    'email',
    'phone',
    'job_title',
    'modified_at',
  ],
  products: [
    'article_no',
    'title',
    'sku',
    'ean',
    'mpn',
    'description',
    'unit',
    'category',
    'price',
    'currency',
    'active',
    'modified_at',
  ],
  contracts: [
    'contract_ref',
    'shop_customer_id',
    'contract_no',
    'starts_on',
    'ends_on',
    'months',
    'article_no',
    'quantity',
    'unit_price',
    'total_value',
    'currency',
    'state',
    'renews',
    'modified_at',
  ],
}

const customerNumber = (customer: number, copy: number) => `W${100_000 + customer * 2 + copy}`
const articleNumber = (product: number) => `ART-${String(product + 1).padStart(5, '0')}`

export function webshopProduct(world: WorldContext, product: Product): Holding {
  const draw = random(world.seed, 'webshop', product.key)
  const row: Row = {
    article_no: articleNumber(product.index),
    title: draw.chance(0.6) ? product.shopName : product.name,
    sku: draw.chance(0.8) ? (draw.chance(0.2) ? product.sku.replace('-', '') : product.sku) : '',
    ean: product.gtin && draw.chance(0.8) ? product.gtin : '',
    mpn: product.manufacturerCode && draw.chance(0.5) ? product.manufacturerCode : '',
    description: product.description,
    unit: product.unit,
    category: product.category.toLowerCase(),
    price: decimal(product.priceCents, 'EUR').toFixed(2),
    currency: 'EUR',
    active: product.active ? 'yes' : 'no',
    modified_at: isoSeconds(product.since + 30 * dayMs),
  }
  return {
    drafts: [{ object: 'products', format: 'rows', value: row }],
    truth: [
      {
        type: 'products',
        source: 'webshop',
        object: 'products',
        id: row.article_no!,
        entity: product.key,
        dirt: [],
        deleted: false,
      },
    ],
  }
}

function customerRow(
  world: WorldContext,
  customer: Customer,
  view: CustomerView,
  copy: number,
  modified: number,
): Row {
  const draw = random(world.seed, 'webshop-row', customer.index, copy)
  const contact = customer.contacts[0]
  const person =
    contact && draw.chance(0.6) ? `${contact.given.latin} ${contact.surname.latin}` : ''
  return {
    shop_customer_id: customerNumber(customer.index, copy),
    account_type: view.person ? 'B2C' : 'B2B',
    company_name: view.person || view.misplaced ? '' : view.name,
    contact_name: view.person || view.misplaced ? view.name : person,
    email: view.email ?? '',
    phone: view.phone ?? view.mobile ?? '',
    vat_no: view.taxId ?? '',
    street: view.address?.street ?? '',
    street_2: '',
    postal_code: view.address?.postcode ?? '',
    town: view.address?.city ?? '',
    region: view.address?.region ?? '',
    country: draw.chance(0.15) ? customer.locale.country : draw.pick(customer.locale.countryNames),
    website: view.website ?? '',
    account_manager: draw.chance(0.7) ? ownerName(customer.owner) : '',
    stage: customer.lifecycle.toLowerCase(),
    payment_terms: view.terms,
    currency: customer.currency,
    legal_entity: subsidiaryOf(customer.locale.country).refName,
    registered_at: isoSeconds(Math.floor(customer.since / 1000) * 1000),
    modified_at: isoSeconds(Math.floor(modified / 1000) * 1000),
  }
}

const states = {
  DRAFT: 'draft',
  ACTIVE: 'active',
  EXPIRED: 'expired',
  CANCELLED: 'cancelled',
} as const
const renews = { AUTOMATIC: 'automatic', MANUAL: 'manual', NONE: 'none' } as const

export function webshopCustomer(world: WorldContext, customer: Customer): Holding {
  const holding: Holding = { drafts: [], truth: [] }
  const draw = random(world.seed, 'webshop', customer.index)
  const row = (object: string, value: Row) => holding.drafts.push({ object, format: 'rows', value })
  const copies = draw.chance(0.04) ? 2 : 1
  for (let copy = 0; copy < copies; copy++) {
    const view = customerView(world.seed, customer, 'webshop', copy)
    const earlier = earlierView(world.seed, customer, 'webshop', copy, view)
    const modified = Math.min(customer.since + draw.between(1, 600) * dayMs, worldEnd)
    const now = customerRow(world, customer, view, copy, modified)
    row('customers', now)
    // Exports overlap: the earlier row, with its older time, follows the current one.
    if (earlier) row('customers', customerRow(world, customer, earlier, copy, modified - dayMs))
    holding.truth.push({
      type: 'customers',
      source: 'webshop',
      object: 'customers',
      id: now.shop_customer_id!,
      entity: customer.key,
      dirt: [...view.dirt],
      deleted: false,
    })
  }
  for (const contact of customer.contacts) {
    if (!draw.chance(0.5)) continue
    const view = contactView(world.seed, customer, contact, 'webshop', 0)
    const id = `P${100_000 + customer.index * 4 + contact.ordinal}`
    row('contacts', {
      contact_id: id,
      shop_customer_id: customerNumber(customer.index, 0),
      full_name: view.name,
      email: view.email ?? '',
      phone: view.phone ?? '',
      job_title: view.title ?? '',
      modified_at: isoSeconds(Math.floor(customer.since / 1000) * 1000 + dayMs),
    })
    holding.truth.push({
      type: 'contacts',
      source: 'webshop',
      object: 'contacts',
      id,
      entity: contact.key,
      dirt: [...view.dirt],
      deleted: false,
    })
  }
  for (const contract of customer.contracts) {
    // The shop supports contracts of one product only.
    const line = contract.lines[0]!
    if (contract.lines.length > 1 || !draw.chance(0.8)) continue
    const id = `WC${100_000 + customer.index * 2 + contract.ordinal}`
    row('contracts', {
      contract_ref: id,
      shop_customer_id: customerNumber(customer.index, 0),
      contract_no: copiedNumber(draw.next(), contract.number),
      starts_on: isoDate(contract.start),
      ends_on: isoDate(contract.end),
      months: String(contract.termMonths),
      article_no: articleNumber(line.product.index),
      quantity: String(line.quantity),
      unit_price: String(decimal(line.unitPriceMinor, customer.currency)),
      total_value: String(decimal(contract.valueMinor, customer.currency)),
      currency: customer.currency,
      state: states[contract.status],
      renews: renews[contract.renewal],
      modified_at: isoSeconds(Math.min(contract.start, worldEnd)),
    })
    holding.truth.push({
      type: 'contracts',
      source: 'webshop',
      object: 'contracts',
      id,
      entity: contract.key,
      dirt: [],
      deleted: false,
    })
  }
  return holding
}
