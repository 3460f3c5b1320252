import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Decimal } from 'decimal.js'
import { type Converted, FORMS, type Form } from '../../connectors/mapping/convert.ts'
import { parseCountry } from '../../connectors/mapping/country.ts'
import { affixesOf, parseCurrency, toMinorUnits } from '../../connectors/mapping/currency.ts'
import { ID_FORMS } from '../../connectors/mapping/idForm.ts'
import { type DecimalSeparator, readNumber } from '../../connectors/mapping/number.ts'
import { type DateOrder, parseDay, parseMoment } from '../../connectors/mapping/time.ts'
import { exponentOf } from '../../schema/currencyExponents.ts'
import fc from '../property.ts'

const times = (dates: DateOrder = null, zone: string | null = null) => ({ dates, zone })
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
    '/Date(1772323200000)/ PT09H30M00S',
    '/Date(1772323200000)/ PT9H30M',
    '2026-03-01T00:00:00 PT09H30M00S',
    '2026-03-01T09:00:00+09:00 PT09H30M00S',
  ])
    assert.equal(parseMoment(text), at, String(text))
  assert.equal(parseMoment('2024-05-19 12:34:06.327123'), micros('2024-05-19T12:34:06.327Z') + 123n)
})

test('reads a day with a time of OData in the zone of the source', () => {
  const at = (text: string) => parseMoment(text, times(null, 'Europe/Berlin'))
  assert.equal(at('/Date(1772323200000)/ PT09H30M00S'), micros('2026-03-01T08:30:00Z'))
  assert.equal(at('/Date(1772323200000)/ PT09H30M00.5S'), micros('2026-03-01T08:30:00.500Z'))
  for (const text of [
    '/Date(1772323200000)/ PT25H',
    'PT09H30M00S',
    'yesterday PT09H',
    '2026-03-01 PT',
  ])
    assert.equal(at(text), text.endsWith(' PT') ? at('2026-03-01') : null, text)
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
        assert.equal(parseDay(d.toISOString()), d.toISOString().slice(0, 10))
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
    assert.equal(parseDay(value), '2026-03-01', String(value))
  assert.equal(parseDay('03/01/2026'), null)
  assert.equal(parseDay('03/01/2026', times('MDY')), '2026-03-01')
  assert.equal(parseDay('03/01/2026', times('DMY')), '2026-01-03')
  for (const value of ['2026-02-29', '2025-02-30', '0000-01-01', '31.04.2026', 'n/a', '2026'])
    assert.equal(parseDay(value, times('DMY')), null, value)
  assert.equal(parseDay('2024-02-29'), '2024-02-29')
  assert.equal(parseDay('2100-02-29'), null)
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

test('keeps the day that is written with an offset or a zone', () => {
  for (const value of [
    '2026-03-01T00:00:00+14:00',
    '2026-03-01T23:59:59-11:00',
    '2026-03-01T00:00+01:00[Europe/Paris]',
    '2026-03-01 00:00 Pacific/Auckland',
    '2026-03-01 20:00:00 EST',
    '2026-03-01T24:00:00',
    '2026-03-01+02:00',
    '/Date(1772316000000+0200)/',
  ])
    assert.equal(parseDay(value), '2026-03-01', value)
  assert.equal(parseDay('/Date(1772316000000+0120)/'), null, 'two hours, or one and a third')
  assert.equal(parseDay(1772316000, times(null, 'Europe/Athens')), '2026-03-01')
  assert.equal(parseDay(1772316000), '2026-02-28')
})

test('parses dates and times in the local forms of systems', () => {
  const at = micros('2026-03-01T17:02:00Z')
  for (const text of [
    '3/1/2026 5:02 pm',
    '3/1/2026, 5:02:00\u202fPM',
    '3/1/26 5:02 p.m.',
    '3-1-2026 17:02',
    '01.03.2026 17:02 Uhr',
    '1.3.26 17.02',
    '2026. 03. 01. 17:02',
    '1-Mar-2026 17:02',
    '01-MAR-26 05:02:00 PM',
    '1. März 2026 17:02',
    'March 1st, 2026 at 5:02 PM',
    'Sun, 01 Mar 2026 17:02:00 GMT',
    'Sun Mar 01 17:02:00 UTC 2026',
    'Sun Mar  1 17:02:00 2026',
    'Sun Mar 01 2026 18:02:00 GMT+0100 (Central European Standard Time)',
    '2026年3月1日 17:02',
    '5:02 pm, 3/1/2026',
    '17:02 1 March 2026',
    '2026/03/01 17:02:00.000 +0000',
    '20260301170200',
    '20260301T170200Z',
    '２０２６-０３-０１ １７:０２',
    '٢٠٢٦-٠٣-٠١ ١٧:٠٢',
    '1772384520.0',
  ])
    assert.equal(parseMoment(text, times('MDY')), at, text)
  assert.equal(parseMoment('3/1/2026 12:00 am', times('MDY')), micros('2026-03-01T00:00:00Z'))
  assert.equal(parseMoment('3/1/2026 12:30 pm', times('MDY')), micros('2026-03-01T12:30:00Z'))
  assert.equal(parseMoment('20260301'), micros('2026-03-01T00:00:00Z'))
  assert.equal(parseMoment('2026-02-28T24:00:00Z'), micros('2026-03-01T00:00:00Z'))
})

test('reads a date of unknown order only where one order is possible', () => {
  assert.equal(parseDay('31/12/2025'), '2025-12-31')
  assert.equal(parseDay('12/31/2025'), '2025-12-31')
  assert.equal(parseDay('05/05/2025'), '2025-05-05')
  for (const value of ['10/4/2025', '10/4/25', '25-10-04']) assert.equal(parseDay(value), null)
  assert.equal(parseDay('31/12/2025', times('MDY')), null, 'the configured order is wrong here')
  assert.equal(parseDay('10/4/49', times('DMY')), '2049-04-10')
  assert.equal(parseDay('10/4/50', times('DMY')), null, '1950 or 2050')
})

test('reads no date from day numbers, weeks, halves and days that do not exist', () => {
  for (const value of [
    '45934',
    45934,
    '45934.5',
    '2025-W40-6',
    '20250230',
    '20250230120000',
    '202510041702',
    '30-Feb-2025',
    '30/02/2025',
    '3/1/2026 13:00 pm',
    '3/1/2026 0:30 am',
    '2026-03-01T24:01:00',
    '2026-03-01T25:00',
    '13.13.2026',
    '1 Smarch 2026',
    '2026-03-01abc',
  ])
    assert.equal(parseDay(value, times('DMY')), null, String(value))
})

test('reads local times in the zone of the source, with the first of a repeated hour', () => {
  const berlin = times(null, 'Europe/Berlin')
  const zoned: [string, string][] = [
    ['2026-07-01 12:00', '2026-07-01T10:00:00Z'],
    ['2026-12-01 12:00', '2026-12-01T11:00:00Z'],
    ['2026-12-01 12:00Z', '2026-12-01T12:00:00Z'],
    ['2026-12-01 12:00 America/New_York', '2026-12-01T17:00:00Z'],
    ['2026-12-01 12:00 CET', '2026-12-01T11:00:00Z'],
    ['2026-10-25 02:30', '2026-10-25T00:30:00Z'],
    ['2026-10-25 03:00', '2026-10-25T02:00:00Z'],
    ['2026-03-29 02:30', '2026-03-29T01:30:00Z'],
  ]
  for (const [text, iso] of zoned) assert.equal(parseMoment(text, berlin), micros(iso), text)
  for (const unclear of ['2026-12-01 12:00 CST', '2026-12-01 12:00 Mars/Base'])
    assert.equal(parseMoment(unclear), null, unclear)
})

const n = (value: unknown, separator: DecimalSeparator = null) => {
  const read = readNumber(value, { separator })
  return 'fault' in read ? null : read.number.toNumber()
}

test('parses numbers as people and programs write them', () => {
  const cases: [string, number][] = [
    ['1,234.50', 1234.5],
    ['1.234,50', 1234.5],
    ["1'234.50", 1234.5],
    ['1’234.50', 1234.5],
    ['1 234,50', 1234.5],
    ['1\u202f234\u00a0567,8', 1_234_567.8],
    ['12,34,567.5', 1_234_567.5],
    ['1,23,456', 123_456],
    ['1.234.567', 1_234_567],
    ['0,125', 0.125],
    ['-0,500', -0.5],
    [',5', 0.5],
    ['1234,567', 1234.567],
    ['1,2345', 1.2345],
    ['12,5', 12.5],
    ['3.00E+07', 30_000_000],
    ['1,5E+3', 1500],
    ['1e5', 100_000],
    ['-7', -7],
    ['−7', -7],
    ['7-', -7],
    ['(1,234.50)', -1234.5],
    ['12,-', 12],
    ["1'234.–", 1234],
    ['１２３４．５', 1234.5],
    ['١٬٢٣٤٫٥٦٧', 1234.567],
    ['१२,३४,५६७', 1_234_567],
  ]
  for (const [text, value] of cases) assert.equal(n(text), value, text)
  for (const v of ['', 'abc', '1,2,3', '--1', 'NaN', 'Infinity', '0x10', Number.NaN, null, {}])
    assert.equal(n(v), null, String(v))
  for (const v of ['12 34', '1,23,45', '0,123,456', '1234.567,8', '(-5)', '-5-', '19%', '5²', '½'])
    assert.equal(n(v), null, v)
  assert.ok(Object.is(n('-0'), 0), 'not minus zero')
})

test('reads a number with two readings only by the separator of the source', () => {
  for (const text of ['1,234', '1.234', '-12,000', '999.999']) assert.equal(n(text), null, text)
  assert.equal(n('1.234', 'POINT'), 1.234)
  assert.equal(n('1,234', 'POINT'), 1234)
  assert.equal(n('1.234', 'COMMA'), 1234)
  assert.equal(n('1,234', 'COMMA'), 1.234)
  assert.equal(n('12,50', 'POINT'), 12.5, 'it can only be a decimal comma')
  const amount = (text: string, decimals: number) => {
    const read = readNumber(text, { separator: null, decimals })
    return 'fault' in read ? null : read.number.toNumber()
  }
  assert.equal(amount('1.234', 3), 1.234, 'dinars')
  assert.equal(amount('1,234', 3), null)
  assert.equal(amount('5,000', 0), 5000, 'yen')
  assert.equal(amount('5.000', 0), null)
})

test('takes the signs of the amount’s own currency off, and no other', () => {
  const amount = (text: string, currency: string) => {
    const read = readNumber(text, { separator: null, affixes: affixesOf(currency) })
    return 'fault' in read ? null : read.number.toNumber()
  }
  const cases: [string, string, number | null][] = [
    ['€ 1.234,50', 'EUR', 1234.5],
    ['1.234,50 €-', 'EUR', -1234.5],
    ['-€5', 'EUR', -5],
    ['($1,234.50)', 'USD', -1234.5],
    ['US$ 5', 'USD', 5],
    ['US$ 5', 'CAD', null],
    ['$.50', 'USD', 0.5],
    ['5 kr.', 'DKK', 5],
    ['Fr. 12.50', 'CHF', 12.5],
    ['12.50 USD', 'EUR', null],
    ['£5', 'EUR', null],
    ['₹1,00,000', 'INR', 100_000],
  ]
  for (const [text, currency, value] of cases) assert.equal(amount(text, currency), value, text)
  assert.equal(n('€ 5'), null, 'a plain number has no currency')
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
    FORMS[form](value, { country, times: times(), separator: null })
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
    ['number', '1e400', 'INVALID_NUMBER'],
    ['number', '1e-400', 'INVALID_NUMBER'],
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
  for (const yes of ['T', 'true', 'YES', '1', true, 1, 'X', 'Ja', 'Oui', '-1', 'WAHR', '1.0'])
    assert.deepEqual(made('boolean', yes), { value: true })
  for (const no of ['F', 'false', 'No', '0', false, 0, 'Nein', 'non', 'FALSCH', '0.0'])
    assert.deepEqual(made('boolean', no), { value: false })
  assert.deepEqual(made('date', '0000-00-00'), { value: null }, 'no day, and no mistake')
  assert.deepEqual(made('date', '99991231'), { value: '9999-12-31' })
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
