import type { OperationalRow } from '../../mdm/golden/read/list.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { loadStub } from '../golden/stub.ts'
import type { RequestContext } from '../shared/context.ts'
import { moneyOf } from '../shared/money.ts'
import type { OperationalList } from './operationalList.ts'

type Field = (row: OperationalRow, args: object, context: RequestContext) => unknown

/** The source record of an operational object. */
export const source: Field = ({ system, object, sourceId }) => ({ system, object, id: sourceId })

/** Returns the resolver of an amount in the currency of its row. */
export function money(field: string): Field {
  return (row) => moneyOf(ownValue(row, field), row.currency)
}

/**
 * Returns the resolver of a golden record that a field references, as a stub of the owning
 * subgraph.
 */
export function golden(field: string, type: string): Field {
  return (row, _, context) => {
    const key = ownValue(row, field)
    return typeof key === 'string' ? loadStub(type, key, context) : null
  }
}

/** Returns the resolver of an operational object of this subgraph that a field references. */
export function operational(list: OperationalList, field: string): Field {
  return (row, _, context) => {
    const key = ownValue(row, field)
    return typeof key === 'string' ? list.one(key, context) : null
  }
}

/** Returns the lookup, the list and the entity resolver of a type. */
export function lookups(list: OperationalList) {
  return {
    one: (_: unknown, { id }: { id: string }, context: RequestContext) => list.one(id, context),
    all: (_: unknown, args: object, context: RequestContext) => list.all(args, context),
    reference: ({ id }: { id: string }, context: RequestContext) => list.one(id, context),
  }
}
