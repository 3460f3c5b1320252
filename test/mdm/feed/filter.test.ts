import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkFilter, everything, valuesPass } from '../../../mdm/feed/filter.ts'

test('compares texts of a filter in normal form', () => {
  const given = [{ path: ['name'], in: ['Schlo\u0308ssl\u00a0AG', 7, null] }]
  const { values } = checkFilter({ ...everything, values: given })
  assert.ok(valuesPass(values ?? [], { name: 'Schl\u00f6ssl AG' }))
  assert.ok(valuesPass(values ?? [], { name: 7 }))
  assert.ok(valuesPass(values ?? [], {}))
  assert.ok(!valuesPass(values ?? [], { name: 'Schlossl AG' }))
})
