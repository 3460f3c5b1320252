import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CursorPosition, decodeCursor, encodeCursor } from '../../../mdm/feed/cursor.ts'
import fc from '../../property.ts'

const place: fc.Arbitrary<CursorPosition> = fc.oneof(
  fc.record(
    { kind: fc.constant('TAIL' as const), position: fc.maxSafeNat() },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      kind: fc.constant('SCAN' as const),
      position: fc.maxSafeNat(),
      scanned: fc.option(fc.uuid(), { nil: null }),
    },
    { noNullPrototype: true },
  ),
)
const code = (code: string) => (e: unknown) => e instanceof Error && 'code' in e && e.code === code

test('a cursor decodes to the position that it encodes (FEED 4.1)', () => {
  fc.assert(
    fc.property(fc.uuid(), place, (epoch, p) =>
      assert.deepEqual(decodeCursor(encodeCursor(epoch, p)), { epoch, place: p }),
    ),
  )
})

test('a cursor that is changed or truncated is CURSOR_INVALID (FEED 4.2)', () => {
  fc.assert(
    fc.property(
      fc.uuid(),
      place,
      fc.nat(),
      fc.integer({ min: 1, max: 63 }),
      (epoch, p, at, shift) => {
        const text = encodeCursor(epoch, p)
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
        const i = at % text.length
        const other = alphabet[(alphabet.indexOf(text[i] ?? '') + shift) % 64]
        assert.throws(
          () => decodeCursor(text.slice(0, i) + other + text.slice(i + 1)),
          code('CURSOR_INVALID'),
        )
        assert.throws(() => decodeCursor(text.slice(0, i)), code('CURSOR_INVALID'))
        assert.throws(() => decodeCursor(`${text}A`), code('CURSOR_INVALID'))
      },
    ),
  )
})

test('garbage of any kind is CURSOR_INVALID (FEED 4.2)', () => {
  for (const text of [
    '',
    '0',
    'null',
    'ü',
    ' ',
    '\u0000',
    '42',
    '{"position":1}',
    'A'.repeat(1_000_000),
    '../../etc',
    '=',
  ])
    assert.throws(
      () => decodeCursor(text),
      code('CURSOR_INVALID'),
      JSON.stringify(text.slice(0, 20)),
    )
  fc.assert(
    fc.property(fc.string(), (text) =>
      assert.throws(() => decodeCursor(text), code('CURSOR_INVALID')),
    ),
  )
})
