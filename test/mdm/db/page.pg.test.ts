import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type SortColumn, type SortTerm, totalOrder } from '../../../mdm/db/keyset.ts'
import {
  cursorOf,
  type Listing,
  listPage,
  listPages,
  type PageRequest,
  type Relation,
} from '../../../mdm/db/page.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import fc from '../../property.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase({ empty: true })
  await db.sql.unsafe(
    'create table item (id bigint primary key, parent uuid, a text, b date, c timestamptz not null)',
  )
})
after(async () => await db?.drop())

const unique: SortColumn = { name: 'id', sql: 't.id', type: 'bigint', nullable: false }
const columns: SortColumn[] = [
  { name: 'a', sql: 'lower(t.a)', type: 'text', nullable: true },
  { name: 'b', sql: 't.b', type: 'date', nullable: true },
  { name: 'c', sql: 't.c', type: 'timestamptz', nullable: false },
]
const listing: Listing = {
  from: 'item t',
  where: 't.id >= 0',
  columns: () => 't.id',
  join: { columns: 'u.a as "ownA"', from: 'join item u on u.id = x.id' },
  unique,
}
const relation: Relation = { from: 'item t', where: 't.parent = p.id' }
const parents = ['00000000-0000-8000-8000-000000000001', '00000000-0000-8000-8000-000000000002']

// Few values make ties and missing values frequent. The times differ by less than a millisecond.
const item = fc.record({
  parent: fc.constantFrom(...parents),
  a: fc.option(fc.constantFrom('x', 'Y', 'z', "o'k", 'é')),
  b: fc.option(fc.constantFrom('2026-01-01', '2025-12-31')),
  c: fc.constantFrom('2026-01-01 00:00:00.000001+00', '2026-01-01 00:00:00.000002+00'),
})
const terms = fc.uniqueArray(
  fc.record({ column: fc.constantFrom(...columns), descending: fc.boolean() }),
  {
    selector: (t) => t.column.name,
    maxLength: 3,
  },
)

/** Reads all pages one after the other, as a client does. */
async function walk(
  order: SortTerm[],
  limit: number,
  backward: boolean,
  parent: string | null,
): Promise<number[]> {
  const found: number[] = []
  let cursor: string | undefined
  for (;;) {
    const request: PageRequest = { order, limit, backward, [backward ? 'before' : 'after']: cursor }
    const page = parent
      ? (
          await listPages<{ id: number }>(
            db.sql,
            listing,
            relation,
            [...parents].reverse(),
            request,
          )
        ).get(parent)
      : await listPage<{ id: number }>(db.sql, listing, request)
    const ids = page?.rows.map((r) => r.id) ?? []
    if (backward) found.unshift(...ids)
    else found.push(...ids)
    const edge = backward ? page?.rows[0] : page?.rows.at(-1)
    const more = backward ? page?.hasPreviousPage : page?.hasNextPage
    if (page && found.length > ids.length)
      assert.ok(backward ? page.hasNextPage : page.hasPreviousPage)
    if (!more || !edge) return found
    assert.ok(ids.length <= limit)
    cursor = cursorOf(order, edge)
  }
}

test('pages of any size, walked in any order and either direction, are the whole list, each item once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(item, { maxLength: 14 }),
      terms,
      fc.integer({ min: 1, max: 5 }),
      fc.boolean(),
      fc.boolean(),
      async (items, asked, limit, backward, related) => {
        await db.sql`delete from item`
        for (const [id, i] of items.entries())
          await db.sql`insert into item values (${id}, ${i.parent}, ${i.a}, ${i.b}::text::date, ${i.c}::text::timestamptz)`
        const order = totalOrder(asked, unique)
        const parent = related ? (parents[1] ?? null) : null
        const sorted = order
          .map((t) => `${t.column.sql} ${t.descending ? 'desc' : 'asc'} nulls last`)
          .join(', ')
        const expected = await db.sql.unsafe<{ id: number }[]>(
          `select t.id from item t where $1::text is null or t.parent = $1::text::uuid order by ${sorted}`,
          [parent],
        )
        assert.deepEqual(
          await walk(order, limit, backward, parent),
          expected.map((r) => r.id),
        )
      },
    ),
    { numRuns: 150 },
  )
})
