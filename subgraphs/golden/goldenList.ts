import type { GraphQLResolveInfo } from 'graphql'
import { parentField } from '../../mdm/golden/parentField.ts'
import {
  goldenListing,
  goldenListingAsOf,
  referringGolden,
  sourceAsOf,
} from '../../mdm/golden/read/list.ts'
import { goldenFields } from '../../mdm/golden/read/listField.ts'
import { narrowing } from '../../mdm/search/narrow.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import {
  type Connection,
  type ConnectionArguments,
  type ListSpec,
  listConnection,
  relatedConnection,
  sortedPageRequest,
} from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import { enumName } from '../shared/listSdl.ts'
import type { Reference } from './model.ts'
import { unusedFields } from './neededValues.ts'

/**
 * Returns the filters and orders of a list of a golden type. The default order is by name if there
 * is one, otherwise the newest first.
 */
export function goldenListSpec(policy: Policy, type: TypePolicy): ListSpec {
  const fields = goldenFields(policy, type)
  const sortable = fields.filter((f) => f.sort)
  const order = new Map(
    sortable.map((f) => [enumName(f.name), f.sort as NonNullable<typeof f.sort>]),
  )
  const name = sortable.find((f) => f.name === 'name' && !f.sensitive)?.sort
  const created = order.get('CREATED_AT')
  return {
    fields,
    flags: {},
    source: { row: 'g.id', record: 's.golden_id' },
    narrow: narrowing(policy, type),
    unique: goldenListing(type.name).unique,
    order,
    defaultOrder: name
      ? [{ column: name, descending: false }]
      : created
        ? [{ column: created, descending: true }]
        : [],
    sensitive: new Map(
      sortable.flatMap((f) => (f.sensitive ? [[enumName(f.name), f.sensitive] as const] : [])),
    ),
  }
}

/** Returns a connection over all golden records of a type, current or at an earlier time. */
export function goldenConnection(
  type: TypePolicy,
  spec: ListSpec,
  args: ConnectionArguments & { asOf?: string | null },
  context: RequestContext,
  info: GraphQLResolveInfo,
): Connection {
  const listing = args.asOf
    ? goldenListingAsOf(type.name, new Date(args.asOf), context.bound)
    : goldenListing(type.name, unusedFields(type, info))
  const request = sortedPageRequest(
    args.asOf ? { ...spec, source: sourceAsOf, narrow: undefined } : spec,
    args,
    context.scopes,
  )
  return listConnection(context, listing, request)
}

/**
 * Returns a connection over the golden records that reference one. One statement serves all parents
 * with equal arguments.
 */
export function referringConnection(
  reference: Reference,
  type: TypePolicy,
  spec: ListSpec,
  parent: string,
  args: ConnectionArguments,
  context: RequestContext,
  info: GraphQLResolveInfo,
): Connection {
  const without = unusedFields(type, info)
  const listing = goldenListing(reference.from, without)
  const hierarchy = reference.to === type.name && reference.field === parentField(type)
  const relation = referringGolden(reference.field, context.bound, hierarchy)
  const name = `${reference.to}.${reference.reverse} without ${without} ${JSON.stringify(args)}`
  const request = context.once(name, () => sortedPageRequest(spec, args, context.scopes))
  return relatedConnection(context, name, { listing, relation, parent }, request)
}
