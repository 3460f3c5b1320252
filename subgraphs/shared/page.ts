import { isUuid } from '../../schema/uuid.ts'
import { inputError } from './errors.ts'

const itemsMax = 200

/** How many items to read for a page of `first`: one more, which tells whether there is more. */
export function pageLimit(first: number): number {
  if (first < 1) throw inputError('BAD_PAGE', `a page has 1 to ${itemsMax} items, not ${first}`)
  if (first > itemsMax)
    throw inputError(
      'PAGE_TOO_LARGE',
      `a page has at most ${itemsMax} items, not ${first}; go on with after: endCursor`,
    )
  return first + 1
}

/** A page of what was read with `pageLimit`. */
export function pageOf<T>(rows: T[], first: number, after: string | null | undefined, place: (row: T) => unknown[]) {
  const nodes = rows.slice(0, first)
  const cursor = (row: T | undefined) => (row ? Buffer.from(JSON.stringify(place(row))).toString('base64url') : null)
  return {
    nodes,
    pageInfo: {
      hasNextPage: rows.length > first,
      hasPreviousPage: !!after,
      startCursor: cursor(nodes[0]),
      endCursor: cursor(nodes.at(-1)),
    },
  }
}

/** A page of a list that is at hand as a whole; a cursor is a place in it. Throws BAD_PAGE, PAGE_TOO_LARGE, BAD_CURSOR. */
export function pageOfList<T>(all: readonly T[], { first, after }: { first: number; after?: string | null }) {
  const limit = pageLimit(first)
  const from = after ? numberOf(after) : 0
  const at = new Map(all.slice(from, from + limit).map((row, i) => [row, from + i + 1]))
  return pageOf([...at.keys()], first, after, (row) => [at.get(row)])
}

/** What a cursor of a single number says. */
export function numberOf(cursor: string): number {
  const text = Buffer.from(cursor, 'base64url').toString('utf8')
  const found = /^\[(\d{1,15})\]$/.exec(text)?.[1]
  if (found === undefined) throw inputError('BAD_CURSOR', 'the cursor is none of this list')
  return Number(found)
}

/** What a cursor says: a sort value and an id. */
export function placeOf<T extends 'number' | 'string'>(
  cursor: string | null | undefined,
  sort: T,
): [T extends 'number' ? number : string, string] | null {
  if (!cursor) return null
  try {
    const found: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (Array.isArray(found) && found.length === 2) {
      const [value, id] = found as unknown[]
      const right = sort === 'number' ? Number.isFinite(value) : !Number.isNaN(Date.parse(String(value)))
      if (right && typeof id === 'string' && isUuid(id)) return found as never
    }
  } catch (e) {
    if (!(e instanceof SyntaxError)) throw e
  }
  throw inputError('BAD_CURSOR', 'the cursor is none of this list')
}
