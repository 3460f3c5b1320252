import assert from 'node:assert/strict'
import { test } from 'node:test'
import { passesFormat } from '../../../mdm/golden/format.ts'
import type { Format } from '../../../schema/policy.ts'

const cases: [Format, string[], string[]][] = [
  ['EMAIL', ['a@b.co', 'ü.x+y@mail.example'], ['a@b', 'a b@c.de', '@x.de', 'a@b..', 'a@b.c d']],
  ['PHONE', ['+493012345678', '+14155552671'], ['030 12345678', '+4930', '+999123456789']],
  [
    'DOMAIN',
    ['example.com', 'müller.de', 'a.b-c.co.uk'],
    ['localhost', '-a.de', 'a..de', 'http://x.de'],
  ],
  ['COUNTRY', ['DE', 'JP'], ['XX', 'Germany', 'de ']],
  ['CURRENCY', ['EUR', 'JPY'], ['eur', 'EURO', 'ZZZ']],
  ['DATE', ['2024-02-29', '1999-12-31'], ['2026-02-30', '2026-13-01', '2023-02-29', '01.02.2026']],
  ['TAX_ID', ['DE136695976', '12-3456789', 'IT00743110157'], ['DE136695977', 'abc', '123']],
  ['GTIN', ['4006381333931', '96385074'], ['4006381333932', '123', 'abcdefgh']],
  ['IBAN', ['DE89370400440532013000'], ['DE89370400440532013001', 'XX00']],
  ['LEI', ['5493001KJTIIGC8Y1R12'], ['5493001KJTIIGC8Y1R13', '5493']],
]
for (const [format, good, bad] of cases)
  test(`${format} accepts only values in its form`, () => {
    for (const v of good) assert.equal(passesFormat(format, v), true, v)
    for (const v of bad) assert.equal(passesFormat(format, v), false, v)
  })

test('rejects values that are not text or too long, without an error', () => {
  for (const v of [null, 1, {}, [], 'x'.repeat(1_000_000), '\u0000', '\ud800'])
    assert.equal(passesFormat('EMAIL', v), false)
})
