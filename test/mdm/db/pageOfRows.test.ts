import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BadCursorError, type SortTerm } from '../../../mdm/db/keyset.ts'
import { asGiven, cursorOf, type PageRequest, pageOfRows } from '../../../mdm/db/page.ts'
import fc from '../../property.ts'

const order: SortTerm[] = [
  { column: { name: 'weight', sql: '', type: 'float8', nullable: true }, descending: true },
  { column: { name: 'id', sql: '', type: 'text', nullable: false }, descending: false },
]
interface Row {
  id: string
  weight: number | null
}
const rows = fc.uniqueArray(
  fc.record({
    id: fc.string({ maxLength: 3 }),
    weight: fc.option(fc.constantFrom(-1.5, 0, 2, 10)),
  }),
  { selector: (r) => r.id, maxLength: 15 },
)
const valuesOf = (r: Row) => [r.weight, r.id]

/** Reads the rows of all pages one after the other, as a client does. */
function walk(all: readonly Row[], limit: number, backward: boolean): string[] {
  const found: string[] = []
  let cursor: string | undefined
  for (;;) {
    const request: PageRequest = { order, limit, backward, [backward ? 'before' : 'after']: cursor }
    const page = pageOfRows(all, request, valuesOf)
    assert.ok(page.rows.length <= limit)
    const ids = page.rows.map((r) => r.id)
    if (backward) found.unshift(...ids)
    else found.push(...ids)
    const edge = backward ? page.rows[0] : page.rows.at(-1)
    if (!edge || !(backward ? page.hasPreviousPage : page.hasNextPage)) return found
    cursor = cursorOf(order, edge)
  }
}

test('pages of rows in memory, walked in either direction, are the whole list in order, each row once', () => {
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 4 }), fc.boolean(), (all, limit, backward) => {
      const sorted = all.toSorted(
        (a, b) =>
          Number(a.weight === null) - Number(b.weight === null) ||
          (b.weight ?? 0) - (a.weight ?? 0) ||
          (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
      )
      assert.deepEqual(
        walk(all, limit, backward),
        sorted.map((r) => r.id),
      )
    }),
  )
})

test('rows without an order stay as they are given', () => {
  const page = pageOfRows([{ id: 'b' }, { id: 'a' }, { id: 'c' }], {
    order: asGiven,
    limit: 2,
    backward: false,
  })
  assert.deepEqual([page.rows.map((r) => r.id), page.hasNextPage], [['b', 'a'], true])
})

test('a cursor of another list is rejected', () => {
  const after = cursorOf(asGiven, { k0: '1' })
  assert.throws(
    () => pageOfRows([], { order, limit: 1, backward: false, after }, valuesOf),
    BadCursorError,
  )
})
