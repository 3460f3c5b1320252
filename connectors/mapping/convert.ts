import { parsePhoneNumberFromString } from 'libphonenumber-js/max'
import { getDomain } from 'tldts'
import { parseCountry } from './country.ts'
import { parseCurrency, parseDecimal } from './currency.ts'
import { type DateOrder, parseDay } from './time.ts'

/** What came of a raw value. `note` says what was not right with it, also where a value could still be made. */
export type Converted = { value: unknown; note?: Note } | { note: Note }
export interface Note {
  code: string
  detail: string
}

/** What a conversion may look at beside the value. */
export interface Hints {
  /** ISO 3166-1 alpha-2 of where the record is, for phone numbers without a country code. */
  country: string | null
  dates: DateOrder
}

export type Convert = (value: unknown, hints: Hints) => Converted

/**
 * The forms a mapping may ask for with `as:`; without it the field's type and @format decide. Text that fails its
 * format is kept as it came: survivorship prefers a value that passes. Numbers, dates and flags that are none are left
 * out, since their column could not hold them.
 */
export const FORMS = {
  text: (value) => text(value),
  lower: (value) => mapText(value, (t) => t.toLowerCase()),
  upper: (value) => mapText(value, (t) => t.toUpperCase()),
  email: (value) => mapText(value, (t) => t.replace(/^mailto:/i, '').toLowerCase()),
  phone: (value, hints) => mapText(value, (t) => toE164(t, hints.country) ?? t),
  domain: (value) => mapText(value, (t) => toDomain(t) ?? t),
  country: (value) => mapText(value, (t) => parseCountry(t) ?? t),
  currency: (value) => mapText(value, (t) => parseCurrency(t) ?? t),
  identifier: (value) => mapText(value, (t) => t.replace(/\s+/g, ' ').toUpperCase()),
  date: (value, hints) => {
    const day = parseDay(value, hints.dates)
    return day ? { value: day } : note('INVALID_DATE', value, 'no date; write 2026-03-01')
  },
  number: (value) => {
    const n = parseDecimal(value)
    return n ? { value: n.toNumber() } : note('INVALID_NUMBER', value, 'no number')
  },
  integer: (value) => {
    const n = parseDecimal(value)
    if (!n?.isInteger() || n.abs().greaterThan(2 ** 31 - 1))
      return note('INVALID_NUMBER', value, 'no whole number up to 2147483647')
    return { value: n.toNumber() }
  },
  boolean: (value) => {
    const flag = toBoolean(value)
    return flag === null ? note('INVALID_FLAG', value, 'neither true nor false') : { value: flag }
  },
} as const satisfies Record<string, Convert>

export type Form = keyof typeof FORMS

const TRUE = new Set(['true', 't', 'yes', 'y', '1', 'on', 'active'])
const FALSE = new Set(['false', 'f', 'no', 'n', '0', 'off', 'inactive'])

export function toBoolean(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string' && typeof value !== 'number') return null
  const word = String(value).trim().toLowerCase()
  return TRUE.has(word) ? true : FALSE.has(word) ? false : null
}

/** A single value as text; blanks in a row become one only where lines are not meant to be kept. */
export function toText(value: unknown): string | null {
  if (typeof value === 'string') return value.trim()
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  return null
}

export function note(code: string, value: unknown, what: string): { note: Note } {
  return { note: { code, detail: `${show(value)} is ${what}` } }
}

/** A value short enough to stand in a message. */
export function show(value: unknown): string {
  const shown = JSON.stringify(value) ?? String(value)
  return shown.length > 80 ? `${shown.slice(0, 77)}...` : shown
}

function text(value: unknown): Converted {
  const t = toText(value)
  return t === null ? note('NOT_TEXT', value, 'no single value') : { value: t }
}

function mapText(value: unknown, change: (text: string) => string): Converted {
  const t = toText(value)
  return t === null ? note('NOT_TEXT', value, 'no single value') : { value: change(t) }
}

const phonesMax = 50_000
const phones = new Map<string, string | null>()

/** E.164, without an extension; null where the number cannot be one, or names no country and none is known. */
function toE164(text: string, country: string | null): string | null {
  const at = `${country ?? ''}\u0000${text}`
  const known = phones.get(at)
  if (known !== undefined) return known
  const international = text.startsWith('00') ? `+${text.slice(2)}` : text
  const number =
    text.length > 64
      ? undefined
      : parsePhoneNumberFromString(international, country ? { defaultCountry: country as 'US' } : undefined)
  const e164 = number?.isPossible() ? number.number : null
  if (phones.size >= phonesMax) phones.clear()
  phones.set(at, e164)
  return e164
}

function toDomain(text: string): string | null {
  return getDomain(text.trim().toLowerCase(), { allowPrivateDomains: true })
}
