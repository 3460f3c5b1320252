import { block } from './block.ts'
import { catalogue } from './catalogue.ts'
import { Delivery } from './delivery.ts'
import type { Draft, Holding, TruthRow, WorldContext } from './draft.ts'
import { netsuiteCustomer, netsuiteItem } from './netsuite.ts'
import { random } from './random.ts'
import { salesforceCustomer, salesforceProduct } from './salesforce.ts'
import { stripeCatalogue, stripeCustomerHolding } from './stripe.ts'
import { blockSize, type Customer, type Product, type SourceName } from './truth.ts'
import { webshopCustomer, webshopProduct } from './webshop.ts'

export type { MasterType, TruthRow } from './draft.ts'

export interface WorldOptions {
  /** Number of true customers; a world of 200,000 needs no more memory than one of 2,000. */
  companies: number
  /** Equal seeds and sizes give equal bytes. */
  seed: number
}

export interface WorldMessage {
  source: SourceName
  kind: 'salesforce' | 'stripe' | 'netsuite' | 'generic'
  object: string
  /** `events`: one webhook body. `rows`: one row of a file load. */
  format: 'events' | 'rows'
  /** Always JSON; a CSV row is an object of strings. */
  body: string
}

interface Source {
  name: SourceName
  kind: WorldMessage['kind']
  ofProduct(world: WorldContext, product: Product): Holding
  ofCustomer(world: WorldContext, customer: Customer): Holding
}

export const sources: readonly Source[] = [
  {
    name: 'salesforce',
    kind: 'salesforce',
    ofProduct: salesforceProduct,
    ofCustomer: salesforceCustomer,
  },
  { name: 'stripe', kind: 'stripe', ofProduct: stripeCatalogue, ofCustomer: stripeCustomerHolding },
  { name: 'netsuite', kind: 'netsuite', ofProduct: netsuiteItem, ofCustomer: netsuiteCustomer },
  { name: 'webshop', kind: 'generic', ofProduct: webshopProduct, ofCustomer: webshopCustomer },
]

/** A message to be delivered, or a row of the truth; one pass generates both. */
export type WorldItem = { message: WorldMessage; value: object } | { truth: TruthRow }

function* deliver(source: Source, holding: Holding, line: Delivery<Draft>): Generator<WorldItem> {
  for (const truth of holding.truth) yield { truth }
  for (const draft of holding.drafts) {
    if (draft.format === 'rows') yield item(source, draft)
    else for (const due of line.send(draft, draft.late ?? false)) yield item(source, due)
  }
}

const item = (source: Source, draft: Draft): WorldItem => ({
  message: {
    source: source.name,
    kind: source.kind,
    object: draft.object,
    format: draft.format,
    body: JSON.stringify(draft.value),
  },
  value: draft.value,
})

/**
 * Yields products first, then customer by customer with all their sources; within a source in order
 * of delivery.
 */
export function* worldItems(options: WorldOptions): Generator<WorldItem> {
  const { seed, companies } = options
  if (!Number.isSafeInteger(companies) || companies < 1)
    throw new Error(`companies must be a whole number of 1 or more, not ${companies}`)
  const products = catalogue(seed, companies)
  const world: WorldContext = { seed, companies, products }
  const lines = new Map(
    sources.map((source) => [
      source.name,
      new Delivery<Draft>(random(seed, 'delivery', source.name)),
    ]),
  )
  for (const product of products) {
    for (const source of sources)
      yield* deliver(source, source.ofProduct(world, product), lines.get(source.name)!)
  }
  for (let number = 0; number * blockSize < companies; number++) {
    for (const customer of block(seed, number, companies, products)) {
      for (const source of sources) {
        if (customer.sources.has(source.name))
          yield* deliver(source, source.ofCustomer(world, customer), lines.get(source.name)!)
      }
    }
  }
  for (const source of sources)
    for (const late of lines.get(source.name)!.rest()) yield item(source, late)
}

/** Yields all messages of a world, interleaved as from systems that run side by side. */
export function* worldMessages(options: WorldOptions): Generator<WorldMessage> {
  for (const made of worldItems(options)) if ('message' in made) yield made.message
}

/** Yields the true entity of each source record. */
export function* worldTruth(options: WorldOptions): Generator<TruthRow> {
  for (const made of worldItems(options)) if ('truth' in made) yield made.truth
}
