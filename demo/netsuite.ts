import { contactView } from './contactView.ts'
import { customerView } from './customerView.ts'
import type { Dirt } from './dirt.ts'
import {
  copiedNumber,
  type Holding,
  isoSeconds,
  type MasterType,
  type WorldContext,
} from './draft.ts'
import { earlierView } from './earlierView.ts'
import {
  contactInternalId,
  contactRecord,
  customerRecord,
  entityInternalId,
  entityNumber,
  itemRecord,
  type Reference,
  salesOrderRecord,
} from './netsuiteRecords.ts'
import {
  type Billing,
  billing,
  invoicePostings,
  invoiceRecord,
  paymentPostings,
  paymentRecord,
} from './netsuiteTransactions.ts'
import { type Random, random } from './random.ts'
import { type Contract, type Customer, dayMs, type Product, worldEnd } from './truth.ts'

/** Collects the events that the SuiteScript user event sends, in order. */
class Script {
  readonly holding: Holding = { drafts: [], truth: [] }

  send(
    type: 'create' | 'edit',
    recordType: string,
    at: number,
    record: { id: string; title?: string | null },
    late = false,
  ): void {
    const lastModified = isoSeconds(Math.min(Math.floor(at / 1000) * 1000, worldEnd))
    const value = {
      type,
      recordType,
      id: record.id,
      lastModified,
      record: 'lastModifiedDate' in record ? { ...record, lastModifiedDate: lastModified } : record,
    }
    this.holding.drafts.push({
      object: recordType,
      format: 'events',
      value,
      ...(late ? { late } : {}),
    })
  }

  remove(recordType: string, at: number, id: string): void {
    const value = { type: 'delete', recordType, id, lastModified: isoSeconds(at), record: null }
    this.holding.drafts.push({ object: recordType, format: 'events', value })
  }

  truth(
    type: MasterType,
    object: string,
    id: string,
    entity: string,
    dirt: Iterable<Dirt> = [],
    deleted = false,
  ): void {
    this.holding.truth.push({
      type,
      source: 'netsuite',
      object,
      id,
      entity,
      dirt: [...dirt],
      deleted,
    })
  }
}

export function netsuiteItem(world: WorldContext, product: Product): Holding {
  const script = new Script()
  const draw = random(world.seed, 'netsuite', product.key)
  const object = product.service ? 'serviceSaleItem' : 'inventoryItem'
  const record = itemRecord(product, product.since)
  const changes = draw.chance(0.1)
  script.send(
    'create',
    object,
    product.since,
    changes ? { ...record, basePrice: Math.round(product.priceCents * 0.95) / 100 } : record,
    changes && draw.chance(0.3),
  )
  if (changes) script.send('edit', object, product.since + 120 * dayMs, record)
  script.truth('products', object, record.id, product.key)
  return script.holding
}

export function netsuiteCustomer(world: WorldContext, customer: Customer): Holding {
  const script = new Script()
  const draw = random(world.seed, 'netsuite', customer.index)
  const copies = draw.chance(0.012) ? 2 : 1
  const parent: Reference | null =
    customer.parent?.sources.has('netsuite') && draw.chance(0.7)
      ? {
          id: entityInternalId(customer.parent.index, 0),
          refName: entityNumber(customer.parent.index, 0),
        }
      : null
  const gone = draw.chance(0.02) && customer.contracts.length === 0
  let name = ''
  for (let copy = 0; copy < copies; copy++) {
    const view = customerView(world.seed, customer, 'netsuite', copy)
    const earlier = earlierView(world.seed, customer, 'netsuite', copy, view)
    const created = customer.since + (copy + 2) * dayMs
    const updatedAt = Math.max(customer.movedAt ?? 0, created + 50 * dayMs)
    const after = customerRecord(customer, view, copy, parent, created, updatedAt)
    if (copy === 0) ({ name } = view)
    if (earlier) {
      script.send(
        'create',
        'customer',
        created,
        customerRecord(customer, earlier, copy, parent, created, created),
        draw.chance(0.15),
      )
      script.send('edit', 'customer', updatedAt, after)
    } else script.send('create', 'customer', created, after)
    if (gone) script.remove('customer', worldEnd - dayMs, after.id)
    script.truth('customers', 'customer', after.id, customer.key, view.dirt, gone)
  }
  const entity = { id: entityInternalId(customer.index, 0), refName: name }
  writeContacts(world, script, draw, customer, entity)
  for (const contract of customer.contracts) order(script, draw, customer, contract, entity)
  return script.holding
}

function writeContacts(
  world: WorldContext,
  script: Script,
  draw: Random,
  customer: Customer,
  company: Reference,
): void {
  for (const contact of customer.contacts) {
    if (!draw.chance(0.45)) continue
    const view = contactView(world.seed, customer, contact, 'netsuite', 0)
    const at = customer.since + 3 * dayMs
    const record = contactRecord(customer, contact.ordinal, view, company, at)
    script.send('create', 'contact', at, record)
    if (draw.chance(0.05))
      script.send('edit', 'contact', at + 200 * dayMs, { ...record, title: contact.title })
    script.truth(
      'contacts',
      'contact',
      contactInternalId(customer.index, contact.ordinal),
      contact.key,
      view.dirt,
    )
  }
}

function order(
  script: Script,
  draw: Random,
  customer: Customer,
  contract: Contract,
  entity: Reference,
): void {
  if (!draw.chance(0.85)) return
  const number = copiedNumber(draw.next(), contract.number)
  const closed = contract.status === 'EXPIRED' && draw.chance(0.3)
  const at = contract.start + dayMs
  const record = salesOrderRecord(
    customer,
    contract,
    entity,
    number,
    closed ? 'ACTIVE' : contract.status,
    at,
  )
  script.send('create', 'salesOrder', at, record)
  if (closed)
    script.send(
      'edit',
      'salesOrder',
      contract.end,
      salesOrderRecord(customer, contract, entity, number, 'EXPIRED', contract.end),
      draw.chance(0.1),
    )
  script.truth('contracts', 'salesOrder', record.id, contract.key)
  if (contract.status === 'DRAFT' || contract.start + 5 * dayMs > worldEnd) return
  const from = { id: record.id, refName: `Sales Order #${record.tranId}` }
  const bills = draw.chance(0.25) ? 2 : 1
  for (let ordinal = 0; ordinal < bills; ordinal++) {
    const billedAt = contract.start + (5 + ordinal * 180) * dayMs
    if (billedAt <= worldEnd)
      invoice(script, draw, billing(customer, contract, entity, billedAt, ordinal), from)
  }
}

function invoice(script: Script, draw: Random, bill: Billing, from: Reference): void {
  script.send('create', 'invoice', bill.at, invoiceRecord(bill, from), draw.chance(0.03))
  for (const line of invoicePostings(bill))
    script.send('create', 'transactionAccountingLine', bill.at, line)
  const paidAt = bill.at + draw.between(5, 70) * dayMs
  if (!draw.chance(0.7) || paidAt > worldEnd) return
  script.send('create', 'customerPayment', paidAt, paymentRecord(bill, paidAt))
  script.send('edit', 'invoice', paidAt, invoiceRecord({ ...bill, paidAt }, from))
  for (const line of paymentPostings(bill, paidAt))
    script.send('create', 'transactionAccountingLine', paidAt, line)
}
