import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ARRAYS } from '../../../mdm/db/arrays.ts'

test('an array literal holds each text as it is, with quotes and backslashes', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('"', '\\', ',', '}', 'x') }))
  fc.assert(
    fc.property(fc.array(fc.option(text)), (list) => {
      // Postgres writes NULL in capitals, and reads both forms.
      const literal = String(ARRAYS.texts.serialize(list)).replace(/(?<=[{,])null(?=[,}])/g, 'NULL')
      assert.deepEqual(ARRAYS.texts.parse(literal), list)
    }),
  )
})
