import type { GraphQLResolveInfo } from 'graphql'
import {
  decodeCursor,
  orderTermsMax,
  type SortColumn,
  type SortTerm,
  totalOrder,
} from '../../mdm/db/keyset.ts'
import {
  asGiven,
  countAll,
  countEach,
  cursorOf,
  type Keyed,
  type Listing,
  listPage,
  listPages,
  type Page,
  type PageRequest,
  pageOfRows,
  type Relation,
} from '../../mdm/db/page.ts'
import type { Condition } from '../../mdm/db/statement.ts'
import { conditionOf, type Filter, type Filterable } from '../../mdm/golden/read/filter.ts'
import type { RequestContext } from './context.ts'
import { asGraphqlError, inputError } from './errors.ts'
import { cursorFor } from './sealedCursors.ts'

/** Default number of items of a page. */
export const pageItemsDefault = 20
/** Maximum number of items of a page. */
export const pageItemsMax = 200

/** Arguments of every connection. */
export interface PageArguments {
  first?: number | null
  after?: string | null
  last?: number | null
  before?: string | null
}

/** Arguments of a connection that callers may filter and sort. */
export interface ConnectionArguments extends PageArguments {
  filter?: Filter | null
  orderBy?: { field: string; direction: 'ASC' | 'DESC' }[] | null
}

/** The filters and orders of a list of one type: its fields, and its default order. */
export interface ListSpec extends Filterable {
  unique: SortColumn
  /** Values of the order enum. */
  order: Map<string, SortColumn>
  defaultOrder: SortTerm[]
  /** Columns that require a scope to be sorted by. */
  sensitive: Map<string, string>
}

/** Returns the number of items to read. Throws GraphQLError with BAD_PAGE or PAGE_TOO_LARGE. */
export function pageLimit({ first, last }: Pick<PageArguments, 'first' | 'last'>): number {
  if (typeof first === 'number' && typeof last === 'number')
    throw inputError('BAD_PAGE', 'give first (with after) or last (with before), not both')
  const limit = first ?? last ?? pageItemsDefault
  if (limit < 0) throw inputError('BAD_PAGE', `a page has 0 to ${pageItemsMax} items, not ${limit}`)
  if (limit > pageItemsMax)
    throw inputError(
      'PAGE_TOO_LARGE',
      `a page has at most ${pageItemsMax} items, not ${limit}; request the next page with after: endCursor`,
    )
  return limit
}

/**
 * Converts arguments to a page of a list in this order. Throws GraphQLError with BAD_PAGE,
 * PAGE_TOO_LARGE or BAD_CURSOR.
 */
export function pageRequest(
  args: PageArguments,
  order: SortTerm[],
  condition?: Condition,
): PageRequest {
  const { after, before } = args
  const limit = pageLimit(args)
  try {
    // An empty text is no cursor either: the first page in its place could be read for ever.
    if (typeof after === 'string') decodeCursor(order, after)
    if (typeof before === 'string') decodeCursor(order, before)
  } catch (e) {
    throw asGraphqlError(e)
  }
  return {
    limit,
    backward: typeof args.last === 'number',
    after: after ?? undefined,
    before: before ?? undefined,
    order,
    condition,
  }
}

/**
 * Converts arguments to a page of a list that callers may filter and sort. Throws GraphQLError,
 * also with BAD_FILTER and similar codes.
 */
export function sortedPageRequest(
  spec: ListSpec,
  args: ConnectionArguments,
  scopes: ReadonlySet<string>,
): PageRequest {
  const order = orderOf(spec, args.orderBy ?? [], scopes)
  const request = pageRequest(args, order)
  try {
    return {
      ...request,
      condition: args.filter ? conditionOf(spec, args.filter, scopes) : undefined,
    }
  } catch (e) {
    throw asGraphqlError(e)
  }
}

function orderOf(
  spec: ListSpec,
  orderBy: { field: string; direction: 'ASC' | 'DESC' }[],
  scopes: ReadonlySet<string>,
): SortTerm[] {
  if (orderBy.length === 0) return totalOrder(spec.defaultOrder, spec.unique)
  if (orderBy.length > orderTermsMax)
    throw inputError(
      'BAD_PAGE',
      `orderBy has at most ${orderTermsMax} terms, not ${orderBy.length}`,
    )
  const terms: SortTerm[] = []
  for (const { field, direction } of orderBy) {
    const column = spec.order.get(field)
    if (!column)
      throw inputError(
        'BAD_PAGE',
        `no order by ${field}; there are ${[...spec.order.keys()].join(', ')}`,
      )
    const scope = spec.sensitive.get(field)
    if (scope && !scopes.has(scope))
      throw inputError('MISSING_SCOPE', `an order by ${field} needs the scope ${scope}`)
    if (terms.some((t) => t.column.name === column.name))
      throw inputError('BAD_PAGE', `orderBy names ${field} twice`)
    terms.push({ column, descending: direction === 'DESC' })
  }
  return totalOrder(terms, spec.unique)
}

/** Reads its page if items or pageInfo are selected, and counts if totalCount is. */
export interface Connection<Row extends object = object> {
  request: PageRequest
  page(): Promise<Page<Keyed<Row>>>
  totalCount(): Promise<number>
  /** Returns the node of a row, if it is not the row itself. Null leaves the row out. */
  nodeOf?(row: Keyed<Row>): object | null
}

/** Creates a connection that reads its page once, however many of its fields are selected. */
export function connection<Row extends object>(
  request: PageRequest,
  read: () => Promise<Page<Keyed<Row>>>,
  count: () => Promise<number>,
  nodeOf?: (row: Keyed<Row>) => object | null,
): Connection<Row> {
  let page: Promise<Page<Keyed<Row>>> | undefined
  return {
    request,
    page() {
      page ??= read()
      return page
    },
    totalCount: count,
    ...(nodeOf ? { nodeOf } : {}),
  }
}

/** Creates a connection over a whole listing, read with the rights of the caller. */
export function listConnection(
  context: RequestContext,
  listing: Listing,
  request: PageRequest,
): Connection {
  return connection(
    request,
    () => listPage(context.sql, listing, request),
    () => countAll(context.sql, listing, request.condition),
  )
}

/**
 * Creates a connection over the part of a listing that belongs to a parent. One statement serves
 * all parents of the operation. `name` includes everything that the rows depend on besides the
 * parent, arguments and filters included.
 */
export function relatedConnection(
  context: RequestContext,
  name: string,
  list: { listing: Listing; relation: Relation; parent: string },
  request: PageRequest,
): Connection {
  const { listing, relation, parent } = list
  return connection(
    request,
    () =>
      context.load(name, parent, emptyPage, (ids, sql) =>
        listPages(sql, listing, relation, ids, request),
      ),
    () =>
      context.load(`${name}#`, parent, 0, (ids, sql) =>
        countEach(sql, listing, relation, ids, request.condition),
      ),
  )
}

/** The order of rows in memory. Without it they keep their given order. */
export interface MemoryOrder<Row> {
  order: SortTerm[]
  valuesOf: (row: Row) => (string | number | null)[]
}

/** Creates a connection over rows that are computed as a whole. */
export function memoryConnection<Row extends object>(
  args: PageArguments,
  rows: readonly Row[],
  sorted?: MemoryOrder<Row>,
): Connection<Row> {
  const request = pageRequest(args, sorted?.order ?? asGiven)
  return connection(
    request,
    async () => pageOfRows(rows, request, sorted?.valuesOf),
    async () => rows.length,
  )
}

/** Resolvers of every connection type. Cursors are encoded only if they are selected. */
export const connectionResolvers = {
  nodes: async (c: Connection) => {
    const { rows } = await c.page()
    return c.nodeOf ? rows.flatMap((row) => c.nodeOf?.(row) ?? []) : rows
  },
  edges: async (
    c: Connection,
    _: unknown,
    context: RequestContext,
    { parentType }: GraphQLResolveInfo,
  ) => {
    const { rows } = await c.page()
    return rows.flatMap((row) => {
      const node = c.nodeOf ? c.nodeOf(row) : row
      return node
        ? [{ node, cursor: () => cursorFor(context, parentType, cursorOf(c.request.order, row)) }]
        : []
    })
  },
  pageInfo: async (
    c: Connection,
    _: unknown,
    context: RequestContext,
    { parentType }: GraphQLResolveInfo,
  ) => {
    const { rows, hasNextPage, hasPreviousPage } = await c.page()
    const at = (row: Keyed<object> | undefined) =>
      row ? cursorFor(context, parentType, cursorOf(c.request.order, row)) : null
    return {
      hasNextPage,
      hasPreviousPage,
      startCursor: () => at(rows[0]),
      endCursor: () => at(rows.at(-1)),
    }
  },
}

export const emptyPage: Page<Keyed<object>> = {
  rows: [],
  hasNextPage: false,
  hasPreviousPage: false,
}
