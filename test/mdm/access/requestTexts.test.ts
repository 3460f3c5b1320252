import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  faultOfIdempotencyKey,
  faultOfReason,
  normalReason,
} from '../../../mdm/access/requestTexts.ts'

test('a reason is stored as people write it, without what hides or acts', () => {
  for (const [given, stored] of [
    ['a  b\n c', 'a  b\n c'],
    ['\u202eno\u2066 \x1b[31mred\x9b2J\u200b ', 'no [31mred\ufffd2J'],
    ['a\u2028b\r\nc', 'a\nb\nc'],
  ] as const) {
    assert.equal(normalReason(given), stored)
    assert.equal(faultOfReason(stored), null)
  }
  for (const given of ['', ' \n ', '\u200b\u202e\ufeff', 'x'.repeat(2_001), 'a\0', 'a\ud800'])
    assert.match(faultOfReason(normalReason(given)) ?? '', /say why/, JSON.stringify(given))
})

test('an idempotency key has visible characters in one line', () => {
  assert.equal(faultOfIdempotencyKey('7d444840-9dc0-11d1-b245-5ffdce74fad2'), null)
  assert.equal(faultOfIdempotencyKey('order 7 · Größe'), null)
  const hostile = ['\n', '\t', '\x1b', '\x85', '\x9b', '\u200b', '\u202e', '\u2028', '\0', '\ud800']
  for (const key of ['', ' ', 'x'.repeat(201), ...hostile.map((c) => `a${c}b`)])
    assert.match(faultOfIdempotencyKey(key) ?? '', /can be seen/, JSON.stringify(key))
})
