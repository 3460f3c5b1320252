/** Returns a canonical value as text for people: money, addresses, lists, groups. Null: no value. */
export function valueText(value: unknown): string | null {
  if (value === null || value === undefined || value === '') return null
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  if (Array.isArray(value)) {
    const texts = value.map(valueText).filter((t) => t !== null)
    return texts.length > 0 ? texts.join(', ') : null
  }
  const group = value as Record<string, unknown>
  if (isMoney(group)) return moneyText(group)
  const parts = Object.entries(group)
    .toSorted(([a], [b]) => place(a) - place(b))
    .map(([, part]) => valueText(part))
    .filter((t) => t !== null)
  return parts.length > 0 ? parts.join(', ') : null
}

/** An address is read from the street to the country, whatever order its system stores. */
const ORDER = ['line1', 'street', 'line2', 'postcode', 'city', 'region', 'country']

function place(part: string): number {
  const at = ORDER.indexOf(part)
  return at < 0 ? ORDER.length : at
}

interface Amount {
  minorUnits: number
  currency: string
}

export function isMoney(value: unknown): value is Amount {
  const { minorUnits, currency } = (value ?? {}) as Partial<Amount>
  return typeof minorUnits === 'number' && typeof currency === 'string'
}

/** Returns an amount in its currency, with the decimals that the currency has. */
export function moneyText({ minorUnits, currency }: Amount): string {
  const format = new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
    currencyDisplay: 'code',
  })
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2
  return format.format(minorUnits / 10 ** digits).replaceAll('\u00a0', ' ')
}

/** Returns a value at risk in whole units: it ranks and is no amount of a document. */
export function roundMoneyText(units: number, currency: string | null): string {
  const text = Math.round(units).toLocaleString('en')
  return currency ? `${currency} ${text}` : text
}

/** Returns the name of a field as words: `billingAddress` as `billing address`. */
export function fieldWords(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`)
}

/** Returns a code as words: `POSSIBLE_MATCH` as `possible match`. */
export function codeWords(code: string): string {
  return code.replaceAll('_', ' ').toLowerCase()
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}
