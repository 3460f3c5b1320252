import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { latestStatement, type Statement } from '../../../mdm/records/latestStatement.ts'
import fc from '../../property.ts'

type Fields = Record<string, unknown>

const statement = (
  arrival: number,
  raw: Fields,
  before: Fields | null = null,
  more: Partial<Statement> = {},
): Statement => ({
  arrival,
  deleted: false,
  raw: { id: 'cus_1', ...raw },
  before,
  stage: 1,
  ...more,
})

const result = (statements: Statement[]) => {
  const { latest, rivals } = latestStatement(statements)
  return [latest.arrival, rivals.map((r) => r.arrival)]
}

function permutations<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]]
  return list.flatMap((one, i) =>
    permutations([...list.slice(0, i), ...list.slice(i + 1)]).map((rest) => [one, ...rest]),
  )
}

describe('former values order statements of one version, in any order of arrival', () => {
  test('a chain, also where its first statement names no former values', () => {
    const chain = [
      { raw: { name: 'A' }, before: null },
      { raw: { name: 'B' }, before: { name: 'A' } },
      { raw: { name: 'C' }, before: { name: 'B' } },
      { raw: { name: 'C', email: 'c@x.example' }, before: { email: null } },
    ]
    for (const order of permutations([1, 2, 3, 4])) {
      const arrived = chain.map((s, i) => statement(order[i] ?? 0, s.raw, s.before))
      assert.deepEqual(result(arrived), [order[3], []])
    }
  })

  test('a value that returns, if another statement shows where the change began', () => {
    const back = [
      statement(3, { name: 'B' }, { name: 'A' }),
      statement(2, { name: 'A' }, { name: 'B' }),
      statement(1, { name: 'A', phone: '1' }, { phone: null }),
    ]
    for (const order of permutations(back)) assert.deepEqual(result(order), [1, []])
    const created = statement(4, { name: 'A' }, null, { stage: 0 })
    assert.deepEqual(result([created, ...back.slice(0, 2)])[1], [])
    assert.equal(latestStatement([created, ...back.slice(0, 2)]).latest.raw.name, 'A')
  })

  test('nested values and lists, which are replaced whole', () => {
    const first = { address: { city: 'Bonn', zip: '1' }, tags: ['a'] }
    const second = { address: { city: 'Köln', zip: '1' }, tags: ['a', 'b'] }
    const before = { address: { city: 'Bonn' }, tags: ['a'] }
    assert.deepEqual(result([statement(2, first), statement(1, second, before)]), [1, []])
  })

  test('former values alone, where a statement names fewer changes than it has', () => {
    const first = statement(2, { name: 'A', email: 'a@x.example' })
    const second = statement(1, { name: 'B', email: 'b@x.example' }, { name: 'A' })
    assert.deepEqual(result([first, second]), [1, []])
  })

  test('before the stage, and the stage where there are none', () => {
    const paid = statement(1, { status: 'paid' }, null, { stage: 2 })
    const open = statement(2, { status: 'open' }, { status: 'draft' })
    assert.deepEqual(result([open, paid]), [1, []])
    const noted = statement(3, { status: 'paid', memo: 'x' }, { memo: null })
    assert.deepEqual(result([open, paid, noted]), [3, []])
    const created = statement(9, { status: 'draft' }, null, { stage: 0 })
    assert.deepEqual(result([created, open]), [2, []])
  })

  test('several events of one change, of which one names the former values', () => {
    const change = { name: 'B' }
    const events = [statement(1, change), statement(2, change, { name: 'A' })]
    assert.equal(result([...events, statement(3, { name: 'A' })])[0], 2)
  })
})

describe('where nothing shows the order, the last to arrive counts and the others are rivals', () => {
  test('statements without former values, a circle, and two chains', () => {
    assert.deepEqual(result([statement(1, { name: 'A' }), statement(2, { name: 'B' })]), [2, [1]])
    const circle = [
      statement(2, { name: 'B' }, { name: 'A' }),
      statement(1, { name: 'A' }, { name: 'B' }),
    ]
    assert.deepEqual(result(circle), [2, [1]])
    const apart = [
      statement(1, { name: 'B' }, { name: 'A' }),
      statement(2, { name: 'D' }, { name: 'C' }),
    ]
    assert.deepEqual(result(apart), [2, [1]])
  })

  test('equal contents are no rivals, and a deletion has none', () => {
    assert.deepEqual(result([statement(1, { name: 'A' }), statement(2, { name: 'A' })]), [2, []])
    const gone = statement(1, {}, null, { deleted: true, stage: 3 })
    assert.deepEqual(result([gone, statement(2, { name: 'A' })]), [1, []])
  })
})

test('finds the end of any history of changes whose former values are known, in any order', () => {
  const step = fc.record({
    field: fc.constantFrom('name', 'email', 'phone'),
    value: fc.constantFrom(null, 'a', 'b', 'c'),
  })
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 7 }),
      fc.infiniteStream(fc.nat()),
      (steps, random) => {
        let content: Fields = { name: 'start' }
        const statements: Statement[] = []
        for (const { field, value } of steps) {
          const was = content[field] ?? null
          if (was === value) continue
          content = { ...content, [field]: value }
          statements.push(statement(random.next().value as number, content, { [field]: was }))
        }
        if (statements.length === 0) return
        const shuffled = statements
          .map((s) => ({ s, at: random.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ s }) => s)
        const { latest, rivals } = latestStatement(shuffled)
        const end = withoutNulls(statements.at(-1)?.raw ?? {})
        // Changes that come back to where they began may end anywhere: then there are rivals.
        if (rivals.length === 0) assert.deepEqual(withoutNulls(latest.raw), end)
        else assert.deepEqual(end, withoutNulls({ id: 'cus_1', name: 'start' }))
      },
    ),
    { numRuns: 3_000 },
  )
})

function withoutNulls(raw: Fields): Fields {
  return Object.fromEntries(Object.entries(raw).filter(([, v]) => v !== null))
}
