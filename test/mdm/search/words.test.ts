import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { rank, searchText } from '../../../mdm/search/rank.ts'
import { canBeMistyped, wholeOf, wordsOf } from '../../../mdm/search/words.ts'

test('every text folds to words of lower-case letters and digits', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
      for (const word of wordsOf(text)) assert.match(word, /^[a-z0-9]{1,40}$/)
    }),
  )
})

test('case, accents and punctuation do not change words', () => {
  const folded = wordsOf('Straße Søren İzmir Łódź Ñandú')
  assert.deepEqual(folded, ['strasse', 'soren', 'izmir', 'lodz', 'nandu'])
  assert.deepEqual(wordsOf('STRASSE, SOREN; IZMIR - LODZ (NANDU)'), folded)
  assert.equal(wholeOf(wordsOf('DE 136.695-976')), wholeOf(wordsOf('de136695976')))
  assert.equal(wholeOf(wordsOf('% _ \\')), null)
  assert.deepEqual(wordsOf('東京'), ['dong', 'jing'])
})

test('numbers and short words are not looked for with errors', () => {
  assert.deepEqual(['abc', 'abcd', 'a1cde', '12345'].map(canBeMistyped), [
    false,
    true,
    false,
    false,
  ])
})

const value = (text: string) => ({ field: { path: ['name'], scopes: [] }, text })

test('a value ranks itself as equal, above each other value', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      (own, other) => {
        const search = searchText(own)
        const found = rank(search, [value(own)])
        if (search.whole === null) return
        assert.equal(found?.match, 'EQUAL')
        const of = rank(search, [value(other)])
        assert.ok(!of || of.score <= (found?.score ?? 0), `${own} finds ${other} before itself`)
      },
    ),
  )
})

test('scores are between 0 and 1, whatever the values', () => {
  const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 6 })
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), texts, (text, values) => {
      const found = rank(searchText(text), values.map(value))
      if (found) assert.ok(found.score > 0 && found.score <= 1, String(found.score))
    }),
  )
})

test('each caller that appends changes of golden records writes their words', () => {
  const writers = globSync('mdm/**/*.ts').filter(
    (file) =>
      !file.startsWith('mdm/feed/') && /\bawait appendChanges\(/.test(readFileSync(file, 'utf8')),
  )
  assert.ok(writers.length >= 3)
  const forgetful = writers.filter((f) => !/\bawait saveSearchText\(/.test(readFileSync(f, 'utf8')))
  assert.deepEqual(forgetful, [])
})
