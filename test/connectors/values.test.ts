import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Decimal } from 'decimal.js'
import { type Converted, FORMS, type Form } from '../../connectors/mapping/convert.ts'
import { parseCountry } from '../../connectors/mapping/country.ts'
import { parseCurrency, parseDecimal, toMinorUnits } from '../../connectors/mapping/currency.ts'
import { ID_FORMS } from '../../connectors/mapping/idForm.ts'
import { parseDay, parseMoment } from '../../connectors/mapping/time.ts'
import { exponentOf } from '../../schema/currencyExponents.ts'
import fc from '../property.ts'

const micros = (iso: string) => BigInt(Date.parse(iso)) * 1000n

test('parses moments in every form that the systems write', () => {
  const at = micros('2026-03-01T09:30:00Z')
  for (const text of [
    '2026-03-01T09:30:00Z',
    '2026-03-01T09:30:00.000+0000',
    '2026-03-01T10:30:00+01:00',
    '2026-03-01 09:30:00',
    '2026-03-01 9:30:00',
    '2026-03-01T09:30',
    '2026-03-01 09:30:00.000000 UTC',
    '1772357400',
    1772357400,
    1772357400000,
    '1772357400000000',
    '/Date(1772357400000)/',
  ])
    assert.equal(parseMoment(text), at, String(text))
  assert.equal(parseMoment('2024-05-19 12:34:06.327123'), micros('2024-05-19T12:34:06.327Z') + 123n)
})

test('returns null for what is not a moment', () => {
  for (const value of [
    '',
    'yesterday',
    '2026-13-01',
    '2026-02-30',
    '2026-03-01T25:00:00Z',
    'NaN',
    {},
    [],
    null,
    true,
    1.5,
    -5,
    0,
  ])
    assert.equal(parseMoment(value), null, JSON.stringify(value))
})

test('parses what toISOString writes to the millisecond', () => {
  fc.assert(
    fc.property(
      fc.date({
        min: new Date('0001-01-01T00:00:00Z'),
        max: new Date('9999-12-31T23:59:59Z'),
        noInvalidDate: true,
      }),
      (d) => {
        assert.equal(parseMoment(d.toISOString()), BigInt(d.getTime()) * 1000n)
        assert.equal(parseDay(d.toISOString(), null), d.toISOString().slice(0, 10))
      },
    ),
  )
})

test('parses days in ISO, basic and dotted form and of moments, with slashes only in a given order', () => {
  for (const value of [
    '2026-03-01',
    '2026-3-1',
    '20260301',
    '01.03.2026',
    '1.3.2026',
    '2026-03-01T23:59:59Z',
    1772357400,
  ])
    assert.equal(parseDay(value, null), '2026-03-01', String(value))
  assert.equal(parseDay('03/01/2026', null), null)
  assert.equal(parseDay('03/01/2026', 'MDY'), '2026-03-01')
  assert.equal(parseDay('03/01/2026', 'DMY'), '2026-01-03')
  for (const value of ['2026-02-29', '2025-02-30', '0000-01-01', '31.04.2026', 'n/a', '2026'])
    assert.equal(parseDay(value, 'DMY'), null, value)
  assert.equal(parseDay('2024-02-29', null), '2024-02-29')
  assert.equal(parseDay('2100-02-29', null), null)
})

test('converts amounts to minor units by the exponents of ISO 4217', () => {
  const minor = (amount: string, currency: string, scale = 0) =>
    toMinorUnits(new Decimal(amount), currency, scale)
  assert.deepEqual(minor('12.34', 'EUR'), { value: 1234, rounded: false })
  assert.deepEqual(minor('1234', 'JPY'), { value: 1234, rounded: false })
  assert.deepEqual(minor('1.234', 'KWD'), { value: 1234, rounded: false })
  assert.deepEqual(minor('0.1', 'CLF'), { value: 1000, rounded: false })
  assert.deepEqual(minor('0.005', 'EUR'), { value: 0, rounded: true }, 'half to even')
  assert.deepEqual(minor('0.015', 'EUR'), { value: 2, rounded: true })
  assert.deepEqual(minor('-0.004', 'EUR'), { value: 0, rounded: true })
  assert.ok(Object.is(minor('-0.004', 'EUR')?.value, 0), 'not minus zero')
  assert.deepEqual(
    minor('500', 'UGX', 2),
    { value: 5, rounded: false },
    'Stripe counts UGX in hundredths',
  )
  assert.equal(minor('90071992547409.93', 'EUR'), null, 'beyond 2^53')
  assert.equal(parseCurrency(' eur '), 'EUR')
  assert.equal(parseCurrency('EURO'), null)
})

test('converts whole units to minor units exactly', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.constantFrom('EUR', 'JPY', 'KWD', 'CLF'), (n, currency) => {
      const major = new Decimal(n).div(new Decimal(10).pow(exponentOf(currency)))
      assert.deepEqual(toMinorUnits(major, currency, 0), { value: n + 0, rounded: false })
    }),
  )
})

test('parses numbers as people and programs write them', () => {
  const n = (v: unknown) => parseDecimal(v)?.toNumber() ?? null
  assert.equal(n('1,234.50'), 1234.5)
  assert.equal(n('1.234,50'), 1234.5)
  assert.equal(n("1'234.50"), 1234.5)
  assert.equal(n('3.00E+07'), 30_000_000)
  assert.equal(n('1.234'), 1.234)
  assert.equal(n('12,5'), 12.5)
  assert.equal(n('-7'), -7)
  for (const v of ['', 'abc', '1,2,3', '--1', 'NaN', 'Infinity', '0x10', Number.NaN, null, {}])
    assert.equal(n(v), null, String(v))
})

test('parses countries by code, by name in English and their own language, and by common names', () => {
  const cases: Record<string, string[]> = {
    GB: ['gb', 'GBR', 'United Kingdom', 'England', 'UK', 'Great Britain', 'Scotland'],
    DE: ['DE', 'DEU', 'Germany', 'Deutschland', 'DEUTSCHLAND', 'Bundesrepublik Deutschland'],
    US: ['us', 'USA', 'U.S.A.', 'United States', 'United States of America'],
    VN: ['Viet Nam', 'Vietnam', 'VNM'],
    ES: ['España', 'Espana', 'Spain'],
    AT: ['Österreich', 'Osterreich', 'Austria'],
    JP: ['日本', 'Japan'],
    CN: ['中国', 'China'],
    GR: ['Ελλάδα', 'Hellas', 'Greece'],
    BG: ['България', 'Bulgaria'],
    NL: ['Nederland', 'The Netherlands', 'Holland'],
    CH: ['Schweiz', 'Suisse', 'Switzerland'],
    CI: ["Côte d'Ivoire", 'Ivory Coast'],
  }
  for (const [code, names] of Object.entries(cases))
    for (const name of names) assert.equal(parseCountry(name), code, name)
  for (const none of ['', 'XX', 'Atlantis', '12', 'ZZZ', 'constructor', '__proto__'])
    assert.equal(parseCountry(none), null, none)
})

test('keeps text that fails its format, and leaves out invalid numbers, dates and flags', () => {
  const made = (form: Form, value: unknown, country: string | null = null): Converted =>
    FORMS[form](value, { country, dates: null })
  assert.deepEqual(made('email', ' Info@Example.COM '), { value: 'info@example.com' })
  assert.deepEqual(made('email', 'not an address'), { value: 'not an address' })
  assert.deepEqual(made('phone', '030 123456', 'DE'), { value: '+4930123456' })
  assert.deepEqual(made('phone', '0049 30 123456'), { value: '+4930123456' })
  assert.deepEqual(made('phone', '+1 (415) 555-2671 x12'), { value: '+14155552671' })
  assert.deepEqual(
    made('phone', '030 123456'),
    { value: '030 123456' },
    'without a country the number is kept',
  )
  assert.deepEqual(made('domain', 'https://www.Shop.Example.co.uk/a?b'), { value: 'example.co.uk' })
  assert.deepEqual(made('domain', 'n/a'), { value: 'n/a' })
  assert.deepEqual(made('country', 'Narnia'), { value: 'Narnia' })
  assert.deepEqual(made('currency', 'euro'), { value: 'euro' })
  assert.deepEqual(made('text', 12345), { value: '12345' })
  const bad: [Form, unknown, string][] = [
    ['date', 'soon', 'INVALID_DATE'],
    ['number', 'many', 'INVALID_NUMBER'],
    ['integer', '1.5', 'INVALID_NUMBER'],
    ['integer', '3000000000', 'INVALID_NUMBER'],
    ['boolean', 'perhaps', 'INVALID_FLAG'],
    ['text', { a: 1 }, 'NOT_TEXT'],
    ['email', ['a@b.de'], 'NOT_TEXT'],
  ]
  for (const [form, value, reason] of bad) {
    const given = made(form, value)
    assert.equal(given.problem?.code, reason, `${form} ${JSON.stringify(value)}`)
    assert.ok(!('value' in given))
  }
  for (const yes of ['T', 'true', 'YES', '1', true, 1])
    assert.deepEqual(made('boolean', yes), { value: true })
  for (const no of ['F', 'false', 'No', '0', false, 0])
    assert.deepEqual(made('boolean', no), { value: false })
})

test('adds the checksum to Salesforce ids of 15 characters only', () => {
  const form = ID_FORMS.salesforce
  assert.equal(form('001D000000IqhSL'), '001D000000IqhSLIAZ')
  assert.equal(form('0015500000Xyy06'), '0015500000Xyy06AAB')
  assert.equal(form('001D000000IqhSLIAZ'), '001D000000IqhSLIAZ')
  assert.equal(form('@AccountRef1'), 'AccountRef1')
  assert.equal(form('not an id'), 'not an id')
  assert.notEqual(
    form('001D000000Iqhsl'),
    form('001D000000IqhSL'),
    'ids that differ in case are two records',
  )
})
