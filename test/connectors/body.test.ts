import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBody, parseObject } from '../../connectors/body.ts'
import { bounds } from '../../connectors/bounds.ts'
import { MessageError } from '../../connectors/contract.ts'
import { storable } from '../../schema/storable.ts'
import fc from '../property.ts'

const codeOf = (text: string, parse: (t: string) => unknown = parseBody) => {
  try {
    parse(text)
    return null
  } catch (e) {
    assert.ok(e instanceof MessageError, String(e))
    assert.ok(e.message.length > 0)
    return e.code
  }
}

test('rejects malformed JSON with a code', () => {
  for (const text of [
    '',
    '{',
    '{"a":}',
    '{"a":1,}',
    'nul',
    "{'a':1}",
    '{"a":"\n"}',
    '\u0000',
    '{"a":1}{"b":2}',
  ])
    assert.equal(codeOf(text), 'BROKEN_JSON', JSON.stringify(text))
})

test('rejects a body beyond the bounds of elements, nesting, fields and length, each with its code', () => {
  assert.equal(codeOf(JSON.stringify({ items: Array(10_000).fill(1) })), 'TOO_MANY_ELEMENTS')
  assert.equal(codeOf(JSON.stringify({ items: Array(bounds.arrayElementsMax).fill(1) })), null)
  assert.equal(codeOf(`${'['.repeat(33)}${']'.repeat(33)}`), 'TOO_DEEP')
  assert.equal(codeOf(`${'['.repeat(32)}${']'.repeat(32)}`), null)
  assert.match(
    String(codeOf(`${'{"a":'.repeat(500_000)}1${'}'.repeat(500_000)}`)),
    /TOO_DEEP|BROKEN_JSON/,
  )
  assert.equal(
    codeOf(
      JSON.stringify(Object.fromEntries(Array.from({ length: 2_001 }, (_, i) => [`f${i}`, 1]))),
    ),
    'TOO_MANY_ELEMENTS',
  )
  assert.equal(codeOf(`"${'x'.repeat(bounds.messageCharsMax)}"`), 'TOO_LARGE')
})

test('accepts only an object as a record', () => {
  for (const text of ['1', '"a"', 'null', '[]', '[{}]', 'true'])
    assert.equal(codeOf(text, parseObject), 'NOT_AN_OBJECT', text)
})

test('replaces NUL and lone surrogates by U+FFFD in values and names, and keeps pairs', () => {
  assert.deepEqual(
    parseBody('{"a\\u0000b":"x\\ud800y","c":["\\udc00"],"d":"\\ud83d\\ude00","e":"😀"}'),
    {
      'a\ufffdb': 'x\ufffdy',
      c: ['\ufffd'],
      d: '😀',
      e: '😀',
    },
  )
  assert.equal(storable('a\u0000\ud800b'), 'a\ufffd\ufffdb')
})

test('returns only text that Postgres can store', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })),
      (value) => {
        const text = JSON.stringify(parseBody(JSON.stringify(value)))
        assert.ok(!text.includes('\\u0000') && text.isWellFormed() && !/\\ud[89a-f]/i.test(text))
      },
    ),
  )
})

test('keeps the digits of integers beyond 2^53, as text', () => {
  assert.deepEqual(
    parseBody(
      '{"id":12345678901234567890,"n":9007199254740991,"x":0.1234567890123456789,"e":1e20}',
    ),
    {
      id: '12345678901234567890',
      n: 9007199254740991,
      x: 0.12345678901234568,
      e: 1e20,
    },
  )
})

test('keeps numbers beyond those of JavaScript as text, alone and in a list', () => {
  const digits = '9'.repeat(400)
  assert.deepEqual(parseBody(`[{"a":1e400},{"a":-1E+400,"b":1e30},{"a":${digits}}]`), [
    { a: '1e400' },
    { a: '-1E+400', b: 1e30 },
    { a: digits },
  ])
})

test('names the levels of a body that nests too deep for reading long numbers', () => {
  const body = `${'['.repeat(100_000)}12345678901234567890${']'.repeat(100_000)}`
  assert.throws(() => parseBody(body), { code: 'TOO_DEEP' })
})

test('treats a field named __proto__ like any other', () => {
  const value = parseObject('{"__proto__":{"polluted":true},"a":"\\u0000"}')
  assert.ok(Object.hasOwn(value, '__proto__'))
  assert.equal(({} as Record<string, unknown>).polluted, undefined)
})
