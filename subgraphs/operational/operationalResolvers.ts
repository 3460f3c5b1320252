import type { OperationalRow } from '../../mdm/golden/read/list.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import {
  fieldsOf,
  isOperational,
  type OperationalType,
  referredType,
} from '../../schema/operational.ts'
import type { Policy } from '../../schema/policy.ts'
import { listName, lookupName } from '../golden/model.ts'
import { loadStub } from '../golden/stub.ts'
import { connectionResolvers } from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import { moneyOf } from '../shared/money.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import { graphType } from './graphType.ts'
import { type OperationalList, operationalList } from './operationalList.ts'

type Field = (row: OperationalRow, args: object, context: RequestContext) => unknown

/**
 * Returns the resolvers of operational objects that follow from schema/operational.ts: lookups and
 * lists, amounts, references, and the lists of the objects they refer to. `more` adds to them.
 */
export function operationalResolvers(
  policy: Policy,
  types: readonly OperationalType[],
  more: Resolvers,
): Resolvers {
  const lists = new Map(types.map((type) => [type, operationalList(policy, type)]))
  const resolvers = new Map<string, Resolvers[string]>(Object.entries(more))
  const add = (type: string, own: Resolvers[string]) =>
    resolvers.set(type, { ...own, ...resolvers.get(type) })
  for (const [type, list] of lists) {
    const { one, all, reference } = lookups(list)
    add('Query', { [lookupName(type)]: one, [listName(type)]: all })
    add(`${graphType(type)}Connection`, connectionResolvers)
    const own = fieldsOf(type).flatMap(([field, kind]): [string, Field][] => {
      if (kind === 'MINOR_UNITS' || kind === 'EXACT_MINOR_UNITS') return [[field, money(field)]]
      if (kind !== 'REFERENCE') return []
      const target = referredType(field)
      if (!isOperational(target)) {
        add(target, { [reverseName(type, target)]: list.ofGolden(field) })
        return [[field, golden(field, target)]]
      }
      const there = lists.get(target)
      add(graphType(target), { [reverseName(type, target)]: list.ofRecord(field) })
      return [[field, there ? operational(there, field) : stub(field, graphType(target))]]
    })
    add(graphType(type), { __resolveReference: reference, source, ...Object.fromEntries(own) })
  }
  return Object.fromEntries(resolvers)
}

/** Returns the name of the list of objects that refer to an object of `target`. */
function reverseName(type: OperationalType, target: string): string {
  if (type === 'CustomerHealth') return 'health'
  return type === 'InvoiceTax' && target === 'Invoice' ? 'taxes' : listName(type)
}

/** The source record of an operational object. */
const source: Field = ({ system, object, sourceId }) => ({ system, object, id: sourceId })

/**
 * Returns the resolver of an amount in the currency of its row. A price that is finer than the
 * smallest unit is no such amount.
 */
function money(field: string): Field {
  return (row) => {
    const minor = ownValue(row, field)
    return moneyOf(Number.isInteger(minor) ? minor : null, row.currency)
  }
}

/**
 * Returns the resolver of a golden record that a field references, as a stub of the owning
 * subgraph.
 */
function golden(field: string, type: string): Field {
  return (row, _, context) => {
    const key = ownValue(row, field)
    return typeof key === 'string' ? loadStub(type, key, context) : null
  }
}

/** Returns the resolver of an operational object of this subgraph that a field references. */
function operational(list: OperationalList, field: string): Field {
  return (row, _, context) => {
    const key = ownValue(row, field)
    return typeof key === 'string' ? list.one(key, context) : null
  }
}

/** Returns the resolver of an operational object of another subgraph, which reads it. */
function stub(field: string, type: string): Field {
  return (row) => {
    const id = ownValue(row, field)
    return typeof id === 'string' ? { __typename: type, id } : null
  }
}

/** Returns the lookup, the list and the entity resolver of a type. */
function lookups(list: OperationalList) {
  return {
    one: (_: unknown, { id }: { id: string }, context: RequestContext) => list.one(id, context),
    all: (_: unknown, args: object, context: RequestContext) => list.all(args, context),
    reference: ({ id }: { id: string }, context: RequestContext) => list.one(id, context),
  }
}
