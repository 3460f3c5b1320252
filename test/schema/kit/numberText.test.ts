import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { counted, fixed, noun } from '../../../schema/kit/numberText.ts'

test('a counted noun has the form of its number', () => {
  assert.equal(counted(1, 'record'), '1 record')
  assert.equal(counted(0, 'record'), '0 records')
  assert.equal(counted(12_345, 'match', 'matches'), '12,345 matches')
  assert.equal(noun(1, 'exception'), 'exception')
})

test('what rounds to zero has no sign', () => {
  assert.equal(fixed(-0.001, 2), '0.00')
  assert.equal(fixed(-0, 0), '0')
  assert.equal(fixed(0, 2), '0.00')
  assert.equal(fixed(-0.01, 2), '-0.01')
  assert.equal(fixed(-10, 1), '-10.0')
})

test('commands count nouns by one function, and weights have no negative zero', () => {
  for (const file of globSync('cli/**/*.ts')) {
    const text = readFileSync(file, 'utf8')
    const own =
      /=== 1 \? '' : 's'|[wW]eight\.toFixed|\$\{count\((?![A-Z_']+\))[^}]*\)\} [a-z]+s\b(?!\/)/g
    for (const [found] of text.matchAll(own))
      assert.fail(`${file}: ${found}: use counted or fixed of schema/kit/numberText.ts`)
  }
})
