import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Query } from '../kit/query.ts'
import type { Store } from '../kit/store.ts'

type Fields = Record<string, unknown>

/** Another object that a record can show: one by a reference, or several that refer to it. */
interface Relation {
  /** As it is in the answer. */
  name: string
  object: string
  one?: string
  many?: string
}

const RELATIONS: ReadonlyMap<string, readonly Relation[]> = new Map([
  [
    'Account',
    [
      { name: 'billTo', object: 'Contact', one: 'billToId' },
      { name: 'soldTo', object: 'Contact', one: 'soldToId' },
      { name: 'subscriptions', object: 'Subscription', many: 'accountId' },
      { name: 'invoices', object: 'Invoice', many: 'accountId' },
      { name: 'payments', object: 'Payment', many: 'accountId' },
      { name: 'creditMemos', object: 'CreditMemo', many: 'accountId' },
    ],
  ],
  [
    'Subscription',
    [
      { name: 'account', object: 'Account', one: 'accountId' },
      { name: 'ratePlans', object: 'RatePlan', many: 'subscriptionId' },
    ],
  ],
  ['RatePlan', [{ name: 'ratePlanCharges', object: 'RatePlanCharge', many: 'ratePlanId' }]],
  [
    'Invoice',
    [
      { name: 'account', object: 'Account', one: 'accountId' },
      { name: 'invoiceItems', object: 'InvoiceItem', many: 'invoiceId' },
    ],
  ],
])

interface Expansion {
  relation: Relation
  below: Expansion[]
}

export interface Expand {
  /** Returns the properties that `expand[]` adds. Children are cut to the size of a page. */
  added(record: Fields, store: Store, pageSize: number): Fields
}

/** Reads `expand[]`: names in any case, with dots between the levels. */
export function readExpand(query: Query, object: string): Expand {
  const roots: Expansion[] = []
  for (const text of query.texts('expand[]')) {
    let [level, at] = [roots, object]
    for (const part of text.toLowerCase().split('.')) {
      const relation = RELATIONS.get(at)?.find(({ name }) => name.toLowerCase() === part)
      if (!relation) throw query.invalid('expand[]')
      const known = level.find((expansion) => expansion.relation === relation)
      const expansion = known ?? { relation, below: [] }
      if (!known) level.push(expansion)
      level = expansion.below
      at = relation.object
    }
  }
  return { added: (record, store, pageSize) => expanded(record, roots, store, pageSize) }
}

function expanded(
  record: Fields,
  expansions: readonly Expansion[],
  store: Store,
  pageSize: number,
): Fields {
  return Object.fromEntries(
    expansions.flatMap(({ relation, below }): [string, unknown][] => {
      const show = (other: Fields) => ({ ...other, ...expanded(other, below, store, pageSize) })
      const { name, object, one, many } = relation
      const table = store.table(object)
      if (one !== undefined) {
        const row = table.find(String(ownValue(record, one)))
        return row && !row.deleted ? [[name, show(row.record)]] : []
      }
      const children = table
        .sorted('number')
        .filter((row) => !row.deleted && ownValue(row.record, many ?? '') === record.id)
      return [[name, children.slice(0, pageSize).map((row) => show(row.record))]]
    }),
  )
}
