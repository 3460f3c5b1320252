import { Decimal } from 'decimal.js'
import { exponentOf } from '../../schema/currencyExponents.ts'

/** An amount as the graph returns it. */
export interface Money {
  minorUnits: number
  currency: string
}

/** Returns the amount as a decimal number: 123450 minor units of EUR are "1234.50". */
export function decimalOf({ minorUnits, currency }: Money): string {
  const places = exponentOf(currency)
  const sign = minorUnits < 0 ? '-' : ''
  const all = String(Math.abs(minorUnits)).padStart(places + 1, '0')
  return places === 0 ? `${sign}${all}` : `${sign}${all.slice(0, -places)}.${all.slice(-places)}`
}

/** Returns an amount that may be finer than the smallest unit: 0.05 minor units of EUR are "0.0005". */
export function exactDecimalOf({ minorUnits, currency }: Money): string {
  return new Decimal(minorUnits).dividedBy(10 ** exponentOf(currency)).toFixed()
}

/** Returns null for an amount without a currency. */
export function moneyOf(minorUnits: unknown, currency: unknown): Money | null {
  return typeof minorUnits === 'number' && typeof currency === 'string' && currency !== ''
    ? { minorUnits, currency }
    : null
}
