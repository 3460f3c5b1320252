import { decodeCursor, type SortColumn, type SortTerm, totalOrder } from '../../mdm/db/keyset.ts'
import { cursorOf, type Keyed, type Page, type PageRequest } from '../../mdm/db/page.ts'
import { conditionOf, type Filter, type Filterable } from '../../mdm/golden/read/filter.ts'
import { inputError, translated } from './errors.ts'

/** Items a page holds when the caller does not say. */
export const pageItemsDefault = 20
/** Items a page holds at most. */
export const pageItemsMax = 200
/** Terms in one orderBy. */
const orderTermsMax = 3

export interface ConnectionArguments {
  first?: number | null
  after?: string | null
  last?: number | null
  before?: string | null
  filter?: Filter | null
  orderBy?: { field: string; direction: 'ASC' | 'DESC' }[] | null
}

/** What a list of one type can be asked: its fields and how it is sorted when the caller does not say. */
export interface ListSpec extends Filterable {
  unique: SortColumn
  /** Values of the order enum. */
  order: Map<string, SortColumn>
  defaultOrder: SortTerm[]
  /** Columns that need a scope to be sorted by. */
  sensitive: Map<string, string>
}

/** Arguments of a connection as a page request. Throws GraphQLError with BAD_PAGE, PAGE_TOO_LARGE, BAD_CURSOR … */
export function pageRequest(spec: ListSpec, args: ConnectionArguments, scopes: ReadonlySet<string>): PageRequest {
  const { first, last, after, before } = args
  if (typeof first === 'number' && typeof last === 'number')
    throw inputError('BAD_PAGE', 'give first (with after) or last (with before), not both')
  const limit = first ?? last ?? pageItemsDefault
  if (limit < 0) throw inputError('BAD_PAGE', `a page has 0 to ${pageItemsMax} items, not ${limit}`)
  if (limit > pageItemsMax)
    throw inputError(
      'PAGE_TOO_LARGE',
      `a page has at most ${pageItemsMax} items, not ${limit}; go on with after: endCursor`,
    )
  const order = orderOf(spec, args.orderBy ?? [], scopes)
  try {
    if (after) decodeCursor(order, after)
    if (before) decodeCursor(order, before)
    return {
      limit,
      backward: typeof last === 'number',
      after: after ?? undefined,
      before: before ?? undefined,
      order,
      condition: args.filter ? conditionOf(spec, args.filter, scopes) : undefined,
    }
  } catch (e) {
    throw translated(e)
  }
}

function orderOf(
  spec: ListSpec,
  orderBy: { field: string; direction: 'ASC' | 'DESC' }[],
  scopes: ReadonlySet<string>,
): SortTerm[] {
  if (orderBy.length === 0) return totalOrder(spec.defaultOrder, spec.unique)
  if (orderBy.length > orderTermsMax)
    throw inputError('BAD_PAGE', `orderBy has at most ${orderTermsMax} terms, not ${orderBy.length}`)
  const terms: SortTerm[] = []
  for (const { field, direction } of orderBy) {
    const column = spec.order.get(field)
    if (!column) throw inputError('BAD_PAGE', `no order by ${field}; there are ${[...spec.order.keys()].join(', ')}`)
    const scope = spec.sensitive.get(field)
    if (scope && !scopes.has(scope)) throw inputError('MISSING_SCOPE', `an order by ${field} needs the scope ${scope}`)
    if (terms.some((t) => t.column.name === column.name)) throw inputError('BAD_PAGE', `orderBy names ${field} twice`)
    terms.push({ column, descending: direction === 'DESC' })
  }
  return totalOrder(terms, spec.unique)
}

/** A connection that reads its page when an item or the page's place is asked for, and counts when the count is. */
export interface Connection {
  request: PageRequest
  page(): Promise<Page<Keyed<object>>>
  totalCount(): Promise<number>
}

export function connection(
  request: PageRequest,
  read: () => Promise<Page<Keyed<object>>>,
  count: () => Promise<number>,
): Connection {
  let page: Promise<Page<Keyed<object>>> | undefined
  return {
    request,
    page() {
      page ??= read()
      return page
    },
    totalCount: count,
  }
}

interface Edge {
  order: SortTerm[]
  node: Keyed<object>
}

/** Resolvers of every connection type and of its edges. */
export const connectionResolvers = {
  nodes: (c: Connection) => c.page().then((p) => p.rows),
  edges: (c: Connection) => c.page().then((p) => p.rows.map((node): Edge => ({ order: c.request.order, node }))),
  pageInfo: (c: Connection) =>
    c.page().then(({ rows, hasNextPage, hasPreviousPage }) => {
      const at = (row: Keyed<object> | undefined) => (row ? cursorOf(c.request.order, row) : null)
      return { hasNextPage, hasPreviousPage, startCursor: () => at(rows[0]), endCursor: () => at(rows.at(-1)) }
    }),
}

export const edgeResolvers = {
  cursor: (e: Edge) => cursorOf(e.order, e.node),
}

export const emptyPage: Page<Keyed<object>> = { rows: [], hasNextPage: false, hasPreviousPage: false }
