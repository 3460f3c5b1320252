import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Parameters } from '../../../../mdm/db/statement.ts'
import { conditionOf, type Filter, FilterError } from '../../../../mdm/golden/read/filter.ts'
import type { ListField } from '../../../../mdm/golden/read/listField.ts'

const list = {
  fields: [],
  flags: { open: 't.open' },
  source: { row: 'g.id', record: 's.golden_id' },
}
const refused = (filter: Filter) =>
  assert.throws(
    () => conditionOf(list, filter, new Set()),
    (e) => e instanceof FilterError && e.code === 'FILTER_TOO_LARGE',
  )

test('limits the tests, the depth and the parts of a filter, also of parts that test nothing', () => {
  const many = (n: number, part: Filter): Filter[] => Array.from({ length: n }, () => part)
  refused({ and: many(101, { open: true }) })
  refused({ or: many(1_000, {}) })
  refused({ and: many(30, { or: many(30, {}) }) })
  const names = Array.from({ length: 501 }, (_, i) => `n${i}`)
  for (const part of ['system', 'object', 'id']) refused({ source: { [part]: names } })
  let deep: Filter = { open: true }
  for (let i = 0; i < 10; i++) deep = { not: deep }
  refused(deep)
  assert.match(
    conditionOf(list, { and: many(100, { open: true }) }, new Set())(new Parameters()),
    /t\.open/,
  )
})

test('compares texts in the form in which they are stored', () => {
  const text = { kind: 'TEXT', type: 'text', description: '', nullable: true } as const
  const fields: ListField[] = [
    { ...text, name: 'name', sql: 'g.name', path: ['name'] },
    { ...text, name: 'number', sql: 't.number' },
    { ...text, kind: 'TEXT_LIST', name: 'names', sql: 'g.names' },
  ]
  const values = (filter: Filter) => {
    const parameters = new Parameters()
    conditionOf({ ...list, fields }, filter, new Set())(parameters)
    return parameters.values.map(String).join()
  }
  const decomposed = '\u200bSchlo\u0308ssl\u00a0\u00a0AG'
  assert.equal(values({ name: { eq: decomposed } }), '{"name":"Schl\u00f6ssl AG"}')
  assert.equal(values({ name: { contains: ` ${decomposed}_ ` } }), '% Schl\u00f6ssl AG\\_ %')
  assert.equal(values({ number: { eq: decomposed } }), 'Schl\u00f6ssl AG')
  assert.equal(values({ number: { in: [decomposed] } }), 'Schl\u00f6ssl AG')
  assert.equal(values({ names: { containsAny: [decomposed] } }), 'Schl\u00f6ssl AG')
  assert.equal(
    values({ source: { id: [decomposed] } }),
    'Schl\u00f6ssl  AG',
    'ids keep their blanks',
  )
})
