import { goldenListing, goldenListingAsOf, referringGolden, sourceAsOf } from '../../mdm/golden/list.ts'
import { goldenFields } from '../../mdm/golden/listField.ts'
import { countAll, countEach, listPage, listPages } from '../../mdm/golden/page.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import {
  type Connection,
  type ConnectionArguments,
  connection,
  emptyPage,
  type ListSpec,
  pageRequest,
} from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import { enumName } from '../shared/listSdl.ts'
import type { Reference } from './model.ts'

/** What a list of a golden type can be asked. Sorted by name where there is one, else the newest first. */
export function goldenListSpec(policy: Policy, type: TypePolicy): ListSpec {
  const fields = goldenFields(policy, type)
  const sortable = fields.filter((f) => f.sort)
  const order = new Map(sortable.map((f) => [enumName(f.name), f.sort as NonNullable<typeof f.sort>]))
  const name = sortable.find((f) => f.name === 'name' && !f.sensitive)?.sort
  const created = order.get('CREATED_AT')
  return {
    fields,
    flags: {},
    source: { row: 'g.id', record: 's.golden_id' },
    unique: goldenListing(type.name).unique,
    order,
    defaultOrder: name ? [{ column: name, descending: false }] : created ? [{ column: created, descending: true }] : [],
    sensitive: new Map(sortable.flatMap((f) => (f.sensitive ? [[enumName(f.name), f.sensitive] as const] : []))),
  }
}

/** All golden records of a type, as they are or as they were. */
export function goldenConnection(
  type: string,
  spec: ListSpec,
  args: ConnectionArguments & { asOf?: string | null },
  context: RequestContext,
): Connection {
  const listing = args.asOf ? goldenListingAsOf(type, new Date(args.asOf), context.bound) : goldenListing(type)
  const request = pageRequest(args.asOf ? { ...spec, source: sourceAsOf } : spec, args, context.scopes)
  return connection(
    request,
    () => listPage(context.sql, listing, request),
    () => countAll(context.sql, listing, request.condition),
  )
}

/** The golden records that name one: one statement for all parents that ask with the same arguments. */
export function referringConnection(
  reference: Reference,
  spec: ListSpec,
  parent: string,
  args: ConnectionArguments,
  context: RequestContext,
): Connection {
  const listing = goldenListing(reference.from)
  const relation = referringGolden(reference.field, context.bound)
  const asked = JSON.stringify(args)
  const name = `${reference.to}.${reference.reverse}${asked}`
  const request = context.once(name, () => pageRequest(spec, args, context.scopes))
  return connection(
    request,
    () => context.load(name, parent, emptyPage, (ids, sql) => listPages(sql, listing, relation, ids, request)),
    () => context.load(`${name}#`, parent, 0, (ids, sql) => countEach(sql, listing, relation, ids, request.condition)),
  )
}
