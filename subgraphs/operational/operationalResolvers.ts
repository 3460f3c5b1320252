import type { OperationalRow } from '../../mdm/golden/read/list.ts'
import { loadStub } from '../golden/stub.ts'
import type { RequestContext } from '../shared/context.ts'
import { moneyOf } from '../shared/money.ts'
import type { OperationalList } from './operationalList.ts'

type Field = (row: OperationalRow, args: object, context: RequestContext) => unknown

/** The record that an operational object is. */
export const source: Field = ({ system, object, sourceId }) => ({ system, object, id: sourceId })

/** An amount in the row's own currency. */
export function money(field: string): Field {
  return (row) => moneyOf(row[field], row.currency)
}

/** The golden record that a field leads to, as a stub for the subgraph that owns it. */
export function golden(field: string, type: string): Field {
  return (row, _, context) => {
    const key = row[field]
    return typeof key === 'string' ? loadStub(type, key, context) : null
  }
}

/** The operational object that a field names, from this subgraph. */
export function operational(list: OperationalList, field: string): Field {
  return (row, _, context) => {
    const key = row[field]
    return typeof key === 'string' ? list.one(key, context) : null
  }
}

/** Lookup and entity resolver of a type. */
export function lookups(list: OperationalList) {
  return {
    one: (_: unknown, { id }: { id: string }, context: RequestContext) => list.one(id, context),
    all: (_: unknown, args: object, context: RequestContext) => list.all(args, context),
    reference: ({ id }: { id: string }, context: RequestContext) => list.one(id, context),
  }
}
