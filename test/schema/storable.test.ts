import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unicodeForm } from '../../schema/kit/unicodeForm.ts'
import { isStorable, storableJson } from '../../schema/storable.ts'
import fc from '../property.ts'

test('writes JSON that Postgres can store, and no other value than was given', () => {
  const texts = fc.string({ unit: fc.constantFrom('\\', 'u', 'd800', '0000', '\ud800', '\0', 'a') })
  fc.assert(
    fc.property(fc.dictionary(texts, texts), (value) => {
      const json = storableJson(value)
      for (const text of Object.entries(JSON.parse(json) as object).flat())
        assert.ok(isStorable(text))
      if (Object.entries(value).flat().every(isStorable)) assert.equal(json, JSON.stringify(value))
    }),
  )
  assert.equal(storableJson(['a\ud83d', '\\ud800', 'b\0']), '["a\\ufffd","\\\\ud800","b\\ufffd"]')
})

test('a character with thousands of marks is left as it is, and costs little', () => {
  const tower = `a${'\u0301\u0316'.repeat(500_000)}`
  assert.equal(unicodeForm(tower, 'NFC'), tower)
  assert.equal(unicodeForm('e\u0301', 'NFC'), 'é')
  assert.equal(unicodeForm(`e${'\u0301'.repeat(30)}`, 'NFC'), `é${'\u0301'.repeat(29)}`)
})
