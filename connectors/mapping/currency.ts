import { Decimal } from 'decimal.js'
import { currencyExponents, exponentOf } from '../../schema/currencyExponents.ts'

/** Returns the ISO 4217 code in capitals, or null. */
export function parseCurrency(value: string): string | null {
  const code = value.trim().toUpperCase()
  return currencyExponents.has(code) ? code : null
}

const PLAIN = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?$/i
const COMMA_THOUSANDS = /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/
const COMMA_DECIMALS = /^[+-]?(\d{1,3}(\.\d{3})+|\d+),\d{1,2}$/

/**
 * Parses a number as people and programs write it: 1234.5, 1,234.50, 1.234,50, 3.00E+07. "1.234" is
 * between 1 and 2.
 */
export function parseDecimal(value: unknown): Decimal | null {
  if (typeof value === 'number') return Number.isFinite(value) ? new Decimal(value) : null
  if (typeof value !== 'string') return null
  const text = value.trim().replace(/[\s\u00a0\u202f']/g, '')
  if (PLAIN.test(text)) return new Decimal(text)
  if (COMMA_THOUSANDS.test(text)) return new Decimal(text.replaceAll(',', ''))
  if (COMMA_DECIMALS.test(text)) return new Decimal(text.replaceAll('.', '').replace(',', '.'))
  return null
}

export interface MinorUnits {
  value: number
  /** The amount had more decimals than the currency has; it was rounded half to even. */
  rounded: boolean
}

/**
 * Returns an amount in the smallest unit of its currency; null beyond 2^53. `scale` is the number
 * of decimals that the source has already shifted: 0 for amounts in whole units, the source's own
 * exponent for amounts in minor units.
 */
export function toMinorUnits(amount: Decimal, currency: string, scale: number): MinorUnits | null {
  const exact = amount.times(new Decimal(10).pow(exponentOf(currency) - scale))
  const whole = exact.toDecimalPlaces(0, Decimal.ROUND_HALF_EVEN)
  if (whole.abs().greaterThan(Number.MAX_SAFE_INTEGER)) return null
  return { value: whole.toNumber() + 0, rounded: !whole.equals(exact) }
}
