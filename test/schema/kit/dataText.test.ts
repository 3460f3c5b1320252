import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dataNumber, dataText } from '../../../schema/kit/dataText.ts'
import fc from '../../property.ts'

test('is the text that String gives, also where data has fields named as its methods', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.equal(dataText(value), String(value))
      assert.equal(dataNumber(value), Number(value))
    }),
  )
  const trap = JSON.parse('{"toString":"a","valueOf":{},"constructor":null,"__proto__":1}')
  assert.throws(() => String(trap), TypeError)
  assert.equal(dataText(trap), '[object Object]')
  assert.equal(dataText([trap, null, [trap]]), '[object Object],,[object Object]')
  assert.equal(dataNumber(trap), Number.NaN)
})
