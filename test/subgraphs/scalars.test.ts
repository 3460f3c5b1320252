import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DateScalar, DateTimeScalar } from '../../subgraphs/shared/scalars.ts'

test('a DateTime is a moment that exists', () => {
  for (const [given, moment] of [
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2026-03-01T09:30:00.5+02:00', '2026-03-01T07:30:00.500Z'],
    ['2026-03-01T09:30Z', '2026-03-01T09:30:00.000Z'],
    ['2026-03-01T00:30:00+0100', '2026-02-28T23:30:00.000Z'],
    ['0099-12-31T23:59:59Z', '0099-12-31T23:59:59.000Z'],
  ] as const)
    assert.equal(DateTimeScalar.parseValue(given), moment)
  for (const given of [
    '2025-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2025-04-31T12:00:00+01:00',
    '2025-13-01T00:00:00Z',
    '2025-01-00T00:00:00Z',
    '2025-01-01T24:00:00Z',
    '2025-01-01T00:60:00Z',
    '2025-01-01T23:59:60Z',
    '2025-01-01T00:00:00',
    '2025-01-01T00:00:00+99:00',
    '2025-01-01',
    '2025-01-01T00:00:00 (noon) Z',
    '',
    null,
    1_700_000_000_000,
  ])
    assert.throws(() => DateTimeScalar.parseValue(given), { name: 'GraphQLError' }, `${given}`)
})

test('a Date is a day of the calendar', () => {
  assert.equal(DateScalar.parseValue('2024-02-29'), '2024-02-29')
  for (const given of [
    '2025-02-30',
    '2025-02-29',
    '2025-06-31',
    '2025-00-10',
    '2025-1-1',
    20250101,
  ])
    assert.throws(() => DateScalar.parseValue(given), { name: 'GraphQLError' }, `${given}`)
})
