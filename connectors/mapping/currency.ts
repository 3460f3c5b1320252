import { Decimal } from 'decimal.js'
import { currencyExponents, exponentOf } from '../../schema/currencyExponents.ts'
import { normalCode } from '../../schema/kit/normalText.ts'

/** Returns the ISO 4217 code in capitals, or null. */
export function parseCurrency(value: string): string | null {
  const code = normalCode(value).toUpperCase()
  return currencyExponents.has(code) ? code : null
}

const affixesByCurrency = new Map<string, readonly string[]>()

/**
 * Returns what may stand beside an amount of this currency, in lower case and the longest first: its
 * code and its signs ($, US$, €, kr). Those of another currency contradict the record.
 */
export function affixesOf(currency: string): readonly string[] {
  const known = affixesByCurrency.get(currency)
  if (known) return known
  const signs = (['symbol', 'narrowSymbol'] as const).map((currencyDisplay) =>
    signOf(currency, currencyDisplay),
  )
  const dollar = signs.some((s) => s.endsWith('$')) ? [`${currency.slice(0, 2)}$`, '$'] : []
  const own = currency === 'CHF' ? ['Fr', 'SFr'] : []
  const affixes = [...new Set([currency, ...signs, ...dollar, ...own].map((s) => s.toLowerCase()))]
    .filter((s) => s !== '')
    .sort((a, b) => b.length - a.length)
  affixesByCurrency.set(currency, affixes)
  return affixes
}

function signOf(currency: string, currencyDisplay: 'symbol' | 'narrowSymbol'): string {
  return (
    new Intl.NumberFormat('en', { style: 'currency', currency, currencyDisplay })
      .formatToParts(0)
      .find((p) => p.type === 'currency')?.value ?? ''
  )
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
  const exact = exactMinorUnits(amount, currency, scale)
  const whole = exact.toDecimalPlaces(0, Decimal.ROUND_HALF_EVEN)
  if (whole.abs().greaterThan(Number.MAX_SAFE_INTEGER)) return null
  return { value: whole.toNumber() + 0, rounded: !whole.equals(exact) }
}

/** Returns an amount in the smallest unit of its currency, not rounded; `scale` as above. */
export function exactMinorUnits(amount: Decimal, currency: string, scale: number): Decimal {
  return amount.times(new Decimal(10).pow(exponentOf(currency) - scale))
}
