/** An amount as the graph shows it. */
export interface Money {
  minorUnits: number
  currency: string
}

const digits = new Map<string, number>()

/** Digits after the point of a currency, from CLDR; 2 for a code that it does not know. */
function digitsOf(currency: string): number {
  const known = digits.get(currency)
  if (known !== undefined) return known
  let found = 2
  if (/^[A-Z]{3}$/.test(currency))
    found =
      new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? found
  digits.set(currency, found)
  return found
}

/** 123450 minor units of EUR -> "1234.50". */
export function decimalOf({ minorUnits, currency }: Money): string {
  const places = digitsOf(currency)
  const sign = minorUnits < 0 ? '-' : ''
  const all = String(Math.abs(minorUnits)).padStart(places + 1, '0')
  return places === 0 ? `${sign}${all}` : `${sign}${all.slice(0, -places)}.${all.slice(-places)}`
}

/** An amount without a currency is none. */
export function moneyOf(minorUnits: unknown, currency: unknown): Money | null {
  return typeof minorUnits === 'number' && typeof currency === 'string' && currency !== ''
    ? { minorUnits, currency }
    : null
}
