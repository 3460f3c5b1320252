import { contactView } from './contactView.ts'
import { customerView } from './customerView.ts'
import type { Dirt } from './dirt.ts'
import type { Holding, MasterType, WorldContext } from './draft.ts'
import { earlierView } from './earlierView.ts'
import { type Random, random } from './random.ts'
import { changed, changeEvent, type Fields } from './salesforceEvents.ts'
import {
  accountId,
  contactId,
  contractId,
  opportunityId,
  productId,
  type SalesforceObject,
} from './salesforceIds.ts'
import {
  accountRow,
  contactRow,
  contractRow,
  opportunityRow,
  productRow,
} from './salesforceRows.ts'
import { type Customer, dayMs, exportedAt, type Product, worldEnd } from './truth.ts'

interface Change {
  object: SalesforceObject
  id: string
  /** Fields at the time of the export, if they have changed since. */
  before?: Fields
  after: Fields
  /** Created after the export, so that only events contain it. */
  young: boolean
  deleted?: boolean
}

/**
 * Writes records as rows of the export and as later change events; times and commit numbers rise
 * over the world.
 */
class Desk {
  readonly holding: Holding = { drafts: [], truth: [] }
  readonly #world: WorldContext
  readonly #draw: Random
  #at: number
  #sequence: number

  constructor(world: WorldContext, slot: number, draw: Random) {
    const slots = world.products.length + world.companies
    this.#world = world
    this.#draw = draw
    this.#at = exportedAt + Math.floor((slot * (worldEnd - exportedAt - dayMs)) / (slots + 1))
    this.#sequence = 4_000_000 + slot * 64
  }

  #event(
    change: Change,
    type: 'CREATE' | 'UPDATE' | 'DELETE' | 'UNDELETE',
    fields: Fields,
    late = false,
    at = 0,
  ): void {
    this.#at += 20_000
    this.#sequence += 1
    const draft = changeEvent(this.#world, {
      object: change.object,
      id: change.id,
      type,
      at: at || this.#at,
      sequence: this.#sequence,
      fields,
    })
    this.holding.drafts.push({ ...draft, late })
  }

  write(change: Change): void {
    const { before, after } = change
    const draw = this.#draw
    if (change.young)
      this.#event(change, 'CREATE', before ?? after, before !== undefined && draw.chance(0.4))
    else this.holding.drafts.push({ object: change.object, format: 'rows', value: before ?? after })
    if (before) {
      const news = changed(before, after)
      // Sends the old values once more before the new ones, to be delivered after them: they
      // must not win.
      if (draw.chance(0.3)) this.#event(change, 'UPDATE', changed(after, before), true)
      if (Object.keys(news).length > 0) this.#event(change, 'UPDATE', news)
    } else if (!change.young && change.object === 'Account' && draw.chance(0.012)) {
      // Older than the export, which has overtaken it.
      this.#event(change, 'UPDATE', { Phone: '+00 000 000' }, true, Date.UTC(2020, 5, 1))
    }
    if (change.deleted) {
      this.#event(change, 'DELETE', {})
    } else if (draw.chance(0.002)) {
      this.#event(change, 'DELETE', {})
      this.#event(change, 'UNDELETE', after)
    }
  }

  truth(type: MasterType, change: Change, entity: string, dirt: Iterable<Dirt>): void {
    this.holding.truth.push({
      type,
      source: 'salesforce',
      object: change.object,
      id: change.id,
      entity,
      dirt: [...dirt],
      deleted: change.deleted ?? false,
    })
  }
}

/** Draws the time of a row's last change before the export. */
const touched = (draw: Random, since: number) =>
  Math.min(
    since + Math.floor(draw.next() * Math.max(dayMs, exportedAt - since)),
    exportedAt - dayMs,
  )

export function salesforceProduct(world: WorldContext, product: Product): Holding {
  const draw = random(world.seed, 'salesforce', product.key)
  const desk = new Desk(world, product.index, draw)
  const modified = touched(draw, product.since)
  const row = (cents: number) =>
    productRow(product, product.name, draw.chance(0.7), draw.chance(0.5), cents, modified)
  const after = row(product.priceCents)
  const change: Change = {
    object: 'Product2',
    id: productId(product.index),
    after,
    ...(draw.chance(0.1)
      ? { before: { ...after, List_Price__c: Math.round(product.priceCents * 0.96) / 100 } }
      : {}),
    young: false,
  }
  desk.write(change)
  desk.truth('products', change, product.key, [])
  return desk.holding
}

export function salesforceCustomer(world: WorldContext, customer: Customer): Holding {
  const draw = random(world.seed, 'salesforce', customer.index)
  const desk = new Desk(world, world.products.length + customer.index, draw)
  const young = draw.chance(0.04)
  const copies = draw.chance(0.035) ? 2 : 1
  const parent =
    customer.parent?.sources.has('salesforce') && draw.chance(0.8)
      ? accountId(customer.parent.index, 0)
      : null
  const gone = draw.chance(0.008)
  for (let copy = 0; copy < copies; copy++) {
    const view = customerView(world.seed, customer, 'salesforce', copy)
    const earlier = earlierView(world.seed, customer, 'salesforce', copy, view)
    const modified = touched(draw, customer.since)
    const row = accountRow(customer, view, copy, copy === 0 ? parent : null, modified)
    const merged = copy > 0 && !young && draw.chance(0.2)
    const change: Change = {
      object: 'Account',
      id: accountId(customer.index, copy),
      after: merged
        ? { ...row, IsDeleted: true, MasterRecordId: accountId(customer.index, 0) }
        : row,
      ...(earlier && !merged
        ? { before: accountRow(customer, earlier, copy, copy === 0 ? parent : null, modified) }
        : {}),
      young,
      deleted: gone && copy === 0 && copies === 1,
    }
    desk.write(change)
    desk.truth('customers', merged ? { ...change, deleted: true } : change, customer.key, view.dirt)
  }
  writeContacts(world, desk, draw, customer, young, copies)
  const account = accountId(customer.index, 0)
  for (const contract of customer.contracts) {
    if (!draw.chance(0.9)) continue
    const modified = touched(draw, contract.start)
    const after = contractRow(customer, contract, account, contract.status, modified)
    const change: Change = {
      object: 'Contract',
      id: contractId(customer.index, contract.ordinal),
      after,
      ...(contract.status === 'EXPIRED' && draw.chance(0.15)
        ? { before: contractRow(customer, contract, account, 'ACTIVE', modified) }
        : {}),
      young,
    }
    desk.write(change)
    desk.truth('contracts', change, contract.key, [])
  }
  for (const opportunity of customer.opportunities) {
    const modified = touched(draw, opportunity.close - 60 * dayMs)
    const known = draw.chance(0.6)
    const after = opportunityRow(customer, opportunity, account, opportunity.stage, known, modified)
    desk.write({
      object: 'Opportunity',
      id: opportunityId(customer.index, opportunity.ordinal),
      after,
      ...(draw.chance(0.1)
        ? {
            before: opportunityRow(
              customer,
              opportunity,
              account,
              'Qualification',
              false,
              modified,
            ),
          }
        : {}),
      young,
    })
  }
  return desk.holding
}

function writeContacts(
  world: WorldContext,
  desk: Desk,
  draw: Random,
  customer: Customer,
  young: boolean,
  copies: number,
): void {
  for (const contact of customer.contacts) {
    if (!draw.chance(0.85)) continue
    const times = draw.chance(0.03) ? 2 : 1
    for (let copy = 0; copy < times; copy++) {
      const view = contactView(world.seed, customer, contact, 'salesforce', copy)
      const account = accountId(customer.index, copies > 1 && draw.chance(0.3) ? 1 : 0)
      const modified = touched(draw, customer.since)
      const after = contactRow(customer, contact, view, copy, account, modified)
      const change: Change = {
        object: 'Contact',
        id: contactId(customer.index, contact.ordinal, copy),
        after,
        ...(draw.chance(0.06) ? { before: { ...after, Title: 'Assistant', Phone: null } } : {}),
        young,
        deleted: draw.chance(0.004),
      }
      desk.write(change)
      desk.truth('contacts', change, contact.key, view.dirt)
    }
  }
}
