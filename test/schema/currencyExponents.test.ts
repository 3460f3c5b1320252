import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Decimal } from 'decimal.js'
import { parseCurrency, toMinorUnits } from '../../connectors/mapping/currency.ts'
import { comparePrices } from '../../mdm/match/compareValues.ts'
import { parsePrice, priceOfMinorUnits } from '../../mdm/standardise/price.ts'
import { currencyExponents, exponentOf } from '../../schema/currencyExponents.ts'
import { decimalOf } from '../../subgraphs/shared/money.ts'
import fc from '../property.ts'

const cldrDecimals = (currency: string) =>
  new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions()
    .maximumFractionDigits

describe('the table of currency exponents', () => {
  test('has every currency that this Node knows', () => {
    assert.deepEqual(
      Intl.supportedValuesOf('currency').filter((code) => !currencyExponents.has(code)),
      [],
    )
  })

  // CLDR omits decimals that nobody writes. Any other difference means that one of the two tables
  // has changed.
  test('differs from CLDR only where CLDR leaves out hundredths, or thousandths of IQD', () => {
    const other = [...currencyExponents].filter(
      ([code, exponent]) => cldrDecimals(code) !== exponent,
    )
    assert.deepEqual(
      other.map(([code]) => code).sort(),
      'AFN ALL COP HUF IDR IQD IRR KPW LAK LBP MGA MMK PKR SLL SOS SYP YER'.split(' '),
    )
    for (const [code] of other) assert.equal(cldrDecimals(code), 0, code)
  })

  test('gives hundredths for a code that it does not have', () => {
    assert.equal(exponentOf('EUR'), 2)
    assert.equal(exponentOf('QQQ'), 2)
  })
})

describe('one amount in every currency', () => {
  const currency = fc.constantFrom(...currencyExponents.keys())
  const minorUnits = fc.integer({ min: 1, max: 10 ** 12 })

  test('is the same for connectors, matching and the graph', () => {
    fc.assert(
      fc.property(currency, minorUnits, (code, n) => {
        const text = decimalOf({ minorUnits: n, currency: code })
        assert.equal(parseCurrency(code.toLowerCase()), code)
        assert.deepEqual(toMinorUnits(new Decimal(text), code, 0), { value: n, rounded: false })
        const price = priceOfMinorUnits(n, code)
        for (const written of [
          `${text} ${code}`,
          `${code} ${text}`,
          `${code.toLowerCase()}${text}`,
        ])
          assert.deepEqual(parsePrice(written), price, written)
        assert.equal(parsePrice(text)?.amount, price.amount)
      }),
    )
  })

  test('matches itself as a price, in minor units and as text', () => {
    for (const code of currencyExponents.keys()) {
      const price = priceOfMinorUnits(129_900, code)
      const text = parsePrice(`${decimalOf({ minorUnits: 129_900, currency: code })} ${code}`)
      assert.ok(text)
      const result = { level: -1, bits: 0 }
      comparePrices(
        [price.amount, price.currency ?? ''],
        [text.amount, text.currency ?? ''],
        result,
      )
      assert.equal(result.level, 0, code)
    }
  })

  test('has the decimals of its minor unit in the graph', () => {
    const shown = ['HUF', 'KWD', 'JPY', 'CLF', 'EUR'].map((code) =>
      decimalOf({ minorUnits: 129_900, currency: code }),
    )
    assert.deepEqual(shown, ['1299.00', '129.900', '129900', '12.9900', '1299.00'])
  })
})

describe('a currency code in the text of a price', () => {
  test('is read where it stands alone beside the number', () => {
    assert.deepEqual(parsePrice('HUF 129 900'), { amount: 129_900, currency: 'HUF' })
    assert.deepEqual(parsePrice('12.500 kwd'), { amount: 12.5, currency: 'KWD' })
  })

  test('is not read among other words, which may look like one', () => {
    assert.deepEqual(parsePrice('all 12 parts'), { amount: 12 })
    assert.deepEqual(parsePrice('try 3 for 12'), { amount: 3 })
    assert.deepEqual(parsePrice('12 xyz'), { amount: 12 })
  })
})
