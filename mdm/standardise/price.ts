import { currencyExponents, exponentOf } from '../../schema/currencyExponents.ts'

/** A price in whole units of its currency (not in cents), with the currency if it is known. */
export interface Price {
  amount: number
  currency?: string
}

const SYMBOLS = new Map(
  Object.entries({
    $: 'USD',
    '€': 'EUR',
    '£': 'GBP',
    '¥': 'JPY',
    eur: 'EUR',
    usd: 'USD',
    gbp: 'GBP',
    chf: 'CHF',
    jpy: 'JPY',
  }),
)
/**
 * A code next to the number. Codes within other words are not read: "all", "top" and "try" are
 * codes too.
 */
const CODE_AND_NUMBER = /^\s*([a-z]{3})\s*[-+\d.,' ]+$|^[-+\d.,' ]+([a-z]{3})\s*$/

/** Returns an amount in the smallest unit of its currency as a price. */
export function priceOfMinorUnits(minorUnits: number, currency: string): Price {
  return { amount: minorUnits / 10 ** exponentOf(currency), currency }
}

/**
 * Reads "$1,299.00", "1.299,00 €", "EUR 12", "12.5"; returns null when there is no number above
 * zero in it.
 */
export function parsePrice(text: string): Price | null {
  const lower = text.slice(0, 60).toLowerCase()
  const number = parseNumber(lower)
  if (number === null || number <= 0) return null
  const currency = currencyIn(lower)
  return currency ? { amount: number, currency } : { amount: number }
}

function currencyIn(lower: string): string | undefined {
  const symbol = /[$€£¥]|\b(?:eur|usd|gbp|chf|jpy)\b/.exec(lower)
  if (symbol) return SYMBOLS.get(symbol[0])
  const [, before, after] = CODE_AND_NUMBER.exec(lower) ?? []
  const code = (before ?? after ?? '').toUpperCase()
  return currencyExponents.has(code) ? code : undefined
}

/**
 * Returns the first number of a text, with either sign for thousands and decimals; null if there is
 * none.
 */
export function parseNumber(text: string): number | null {
  const found = /[-+]?\d[\d.,' ]*/.exec(text.slice(0, 60))
  if (!found) return null
  let digits = found[0].replace(/[' ]/g, '').replace(/[.,]+$/, '')
  const comma = digits.lastIndexOf(',')
  const dot = digits.lastIndexOf('.')
  if (comma >= 0 && dot >= 0)
    digits = comma > dot ? digits.replaceAll('.', '').replace(',', '.') : digits.replaceAll(',', '')
  else if (comma >= 0)
    digits =
      /,\d{3}(,|$)/.test(digits) && !/^-?0,/.test(digits)
        ? digits.replaceAll(',', '')
        : digits.replace(',', '.')
  else if (dot >= 0 && digits.indexOf('.') !== dot) digits = digits.replaceAll('.', '')
  const value = Number(digits)
  return Number.isFinite(value) ? value : null
}
