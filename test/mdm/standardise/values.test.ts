import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countryCode } from '../../../mdm/standardise/country.ts'
import { parseDate } from '../../../mdm/standardise/date.ts'
import { parseDomain } from '../../../mdm/standardise/domain.ts'
import { parseEmail } from '../../../mdm/standardise/email.ts'
import { parseIdentifier } from '../../../mdm/standardise/identifier.ts'
import { parsePhone } from '../../../mdm/standardise/phone.ts'
import { parseNumber, parsePrice } from '../../../mdm/standardise/price.ts'
import { parseProductName } from '../../../mdm/standardise/productName.ts'
import { fold } from '../../../mdm/standardise/text.ts'
import { isGtinCheckDigitValid, mod97 } from '../../../schema/kit/checkDigits.ts'

test('reads dates of many formats', () => {
  for (const text of [
    '2026-03-01',
    '20260301',
    '01.03.2026',
    '3/1/2026',
    '1 March 2026',
    'Mar 1, 2026',
    '1. märz 2026',
    '2026-03-01T10:00:00Z',
    '01-03-2026',
    '1.3.26',
  ])
    assert.deepEqual(parseDate(fold(text)), [2026, 3, 1], text)
  assert.deepEqual(parseDate('25/12/1985'), [1985, 12, 25])
  assert.deepEqual(parseDate('12/25/1985'), [1985, 12, 25])
  assert.deepEqual(parseDate('1985'), [1985, 0, 0])
  assert.deepEqual(parseDate('31.12.75'), [1975, 12, 31])
  assert.deepEqual(parseDate('1791-12-05'), [1791, 12, 5])
  assert.deepEqual(parseDate('1946-15-21'), [1946, 15, 21], 'an impossible date still has digits')
  for (const text of ['', 'soon', '99999999', '9999-12-31', '0000-00-00'])
    assert.equal(parseDate(text), null, text)
})

test('reads phone numbers with written, given or unknown country, extensions and dummies', () => {
  assert.equal(parsePhone('+49 (0)30 1234567'), '+49301234567')
  assert.equal(parsePhone('0049 30 1234567'), '+49301234567')
  assert.equal(parsePhone('030 1234567', 'DE'), '+49301234567')
  assert.equal(parsePhone('(212) 736-5000 ext. 12', 'US'), '+12127365000')
  assert.equal(parsePhone('5350650'), '5350650')
  for (const text of ['', '12', '0000000', '1234567', 'call me', '111-111-1111'])
    assert.equal(parsePhone(text), null, text)
})

test('removes tags and dots of mail hosts from an email, and rejects dummies', () => {
  assert.deepEqual(parseEmail('john.smith+news@gmail.com'), {
    local: 'johnsmith',
    domain: 'gmail.com',
  })
  assert.deepEqual(parseEmail('john.smith@acme.com'), { local: 'john.smith', domain: 'acme.com' })
  assert.deepEqual(parseEmail('acme <info@acme.com>'), { local: 'info', domain: 'acme.com' })
  for (const text of ['test@test.com', 'noemail@acme.com', 'no at sign', '@acme.com', 'a@'])
    assert.equal(parseEmail(text), null, text)
})

test('reduces a domain to its registrable part, and drops shared hosts', () => {
  assert.deepEqual(parseDomain('https://shop.acme.co.uk/x?y'), {
    domain: 'acme.co.uk',
    label: 'acme',
  })
  for (const text of ['gmail.com', '10.0.0.1', 'localhost', ''])
    assert.equal(parseDomain(text), null, text)
})

test('finds the scheme of an identifier by its check digits, and rejects dummies', () => {
  assert.deepEqual(parseIdentifier('de 136695976'), {
    scheme: 'VAT:DE',
    value: 'DE136695976',
    checked: true,
  })
  assert.equal(parseIdentifier('de136695977')?.checked, false)
  assert.equal(parseIdentifier('5493001kjtiigc8y1r12')?.scheme, 'LEI')
  assert.equal(parseIdentifier('gb82 west 1234 5698 7654 32')?.scheme, 'IBAN')
  assert.deepEqual(parseIdentifier('4006381333931'), {
    scheme: 'GTIN',
    value: '04006381333931',
    checked: true,
  })
  assert.equal(parseIdentifier('ab-12345')?.value, 'AB12345')
  for (const text of ['000-00-0000', '123456789', '99999', 'n/a', 'none', 'x'])
    assert.equal(parseIdentifier(text), null, text)
  assert.equal(mod97('3214282912345698765432161182'), 1)
  assert.ok(isGtinCheckDigitValid('4006381333931') && !isGtinCheckDigitValid('4006381333932'))
})

test('reads prices and numbers in both notations', () => {
  assert.deepEqual(parsePrice('$1,299.00'), { amount: 1299, currency: 'USD' })
  assert.deepEqual(parsePrice('1.299,00 €'), { amount: 1299, currency: 'EUR' })
  assert.equal(parseNumber('12,5'), 12.5)
  assert.equal(parseNumber('1,234,567'), 1_234_567)
  assert.equal(parsePrice('free'), null)
})

test('reads countries by code and by name in several languages', () => {
  for (const text of ['DE', 'deu', 'Germany', 'Deutschland', 'Allemagne', 'Alemania'])
    assert.equal(countryCode(text), 'DE', text)
  for (const text of ['England', 'UK', 'Great Britain']) assert.equal(countryCode(text), 'GB', text)
  assert.equal(countryCode('Atlantis'), null)
})

test('joins model numbers of products, ignores measures and formats, and separates variants', () => {
  const a = parseProductName('Sony DVP-FX820/R Portable DVD Player, red')
  const b = parseProductName('Sony Portable DVD Player DVPFX820R')
  assert.deepEqual(a?.models, b?.models)
  assert.deepEqual(a?.variants, ['red'])
  assert.deepEqual(parseProductName('Canon EF 75-300mm f/4-5.6 lens')?.models, [])
  // UTF-8 read as Latin-1.
  assert.deepEqual(parseProductName('Ã³Ã¼Ã¾ Â½Ã¹Ã²')?.models, [])
  assert.deepEqual(parseProductName('Drive 120 GB 7200rpm USB2')?.models, [])
  assert.ok(parseProductName('Drive 120 GB')?.tokens.includes('120gb'))
})

test('folds any text: lone surrogates, NUL, a megabyte', () => {
  assert.equal(typeof fold('\ud800\u0000abc'), 'string')
  assert.ok(fold('ä'.repeat(1_000_000)).length < 3000)
})
