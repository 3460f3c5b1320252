import { createRequire } from 'node:module'
import { getDomain } from 'tldts'
import { lazily } from '../../schema/kit/lazily.ts'
import { normalCode, normalText } from '../../schema/kit/normalText.ts'
import { parseCountry } from './country.ts'
import { parseCurrency } from './currency.ts'
import { type DecimalSeparator, readNumber } from './number.ts'
import { isNoTime, parseDay, type TimeForms, timeFault } from './time.ts'

const require = createRequire(import.meta.url)

/** The result of a conversion. There may be a problem beside a value. */
export type Converted = { value: unknown; problem?: Problem } | { problem: Problem }
export interface Problem {
  code: string
  detail: string
}

/** Facts of the record that conversions use. */
export interface Hints {
  /** The record's country (ISO 3166-1 alpha-2), for phone numbers without a country code. */
  country: string | null
  times: TimeForms
  separator: DecimalSeparator
}

export type Convert = (value: unknown, hints: Hints) => Converted

/**
 * The forms that `as:` in a mapping names; without it the field's type and @format decide. Text
 * that fails its format is kept unchanged: survivorship prefers a value that passes. An invalid
 * number, date or flag is left out, because its column could not hold it.
 */
export const FORMS = {
  text: (value) => text(value),
  lower: (value) => mapText(value, (t) => normalText(t.toLowerCase())),
  upper: (value) => mapText(value, (t) => normalText(t.toUpperCase())),
  email: (value) => mapCode(value, (t) => t.replace(/^mailto:/i, '').toLowerCase()),
  phone: (value, hints) => mapCode(value, (t) => toE164(t, hints.country) ?? t),
  domain: (value) => mapCode(value, (t) => toDomain(t) ?? t),
  country: (value) => mapCode(value, (t) => parseCountry(t) ?? t),
  currency: (value) => mapCode(value, (t) => parseCurrency(t) ?? t),
  identifier: (value) => mapCode(value, (t) => t.replace(/\s+/g, ' ').toUpperCase()),
  date: (value, { times }) => {
    if (isNoTime(value)) return { value: null }
    const day = parseDay(value, times)
    return day ? { value: day } : problem('INVALID_DATE', value, timeFault(value, times))
  },
  number: (value, { separator }) => {
    const read = readNumber(value, { separator })
    if ('fault' in read) return problem('INVALID_NUMBER', value, read.fault)
    const number = read.number.toNumber()
    // As null or 0 it would be another value.
    if (!Number.isFinite(number) || (number === 0 && !read.number.isZero()))
      return problem(
        'INVALID_NUMBER',
        value,
        'a number that is too large or too small to be stored',
      )
    return { value: number }
  },
  integer: (value, { separator }) => {
    const read = readNumber(value, { separator })
    if ('fault' in read) return problem('INVALID_NUMBER', value, read.fault)
    const { number } = read
    if (!number.isInteger() || number.abs().greaterThan(2 ** 31 - 1))
      return problem('INVALID_NUMBER', value, 'not an integer up to 2147483647')
    return { value: number.toNumber() }
  },
  boolean: (value) => {
    const flag = toBoolean(value)
    return flag === null
      ? problem('INVALID_FLAG', value, 'neither true nor false')
      : { value: flag }
  },
} as const satisfies Record<string, Convert>

export type Form = keyof typeof FORMS

/** Words of systems and people for true: X of SAP, -1 of Access, those of ten languages. */
const TRUE = words(
  'true t yes y 1 1.0 -1 on x ✓ ✔ ☑ active ja j oui sí si sim vrai wahr verdadero verdadeiro vero waar sant tak ano igen kyllä evet да истина はい 是',
)
const FALSE = words(
  'false f no n 0 0.0 off ✗ ✘ ☐ inactive nein non não nao faux falsch falso onwaar nee nej nei falsk nie ne nem ei hayır нет ложь いいえ 否',
)

/** Reads true or false; null for anything else. */
export function toBoolean(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string' && typeof value !== 'number') return null
  const word = normalCode(String(value)).toLowerCase()
  return TRUE.has(word) ? true : FALSE.has(word) ? false : null
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '))
}

/** Returns a single value as trimmed text; null for an object or a list. */
export function toText(value: unknown): string | null {
  if (typeof value === 'string') return value.trim()
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value)
  return null
}

function problem(code: string, value: unknown, what: string): { problem: Problem } {
  return { problem: { code, detail: `${show(value)} is ${what}` } }
}

/** Shows a value in a message, cut to 80 characters. */
export function show(value: unknown): string {
  const shown = JSON.stringify(value) ?? String(value)
  return shown.length > 80 ? `${shown.slice(0, 77).toWellFormed()}...` : shown
}

function text(value: unknown): Converted {
  return mapText(value, normalText)
}

function mapText(value: unknown, change: (text: string) => string): Converted {
  const t = toText(value)
  return t === null ? problem('NOT_TEXT', value, 'not a single value') : { value: change(t) }
}

function mapCode(value: unknown, change: (text: string) => string): Converted {
  return mapText(value, (t) => change(normalCode(t)))
}

const phonesMax = 50_000
/** A longer text is no phone number. */
const phoneCharsMax = 64
const phones = new Map<string, string | null>()
const phoneNumbers = lazily(
  () => require('libphonenumber-js/max') as typeof import('libphonenumber-js/max'),
)

/**
 * Returns E.164 without an extension; null for an impossible number, or one without any known
 * country.
 */
function toE164(text: string, country: string | null): string | null {
  if (text.length > phoneCharsMax) return null
  const at = `${country ?? ''}\u0000${text}`
  const known = phones.get(at)
  if (known !== undefined) return known
  const international = text.startsWith('00') ? `+${text.slice(2)}` : text
  const number = phoneNumbers().parsePhoneNumberFromString(
    international,
    country ? { defaultCountry: country as 'US' } : undefined,
  )
  const e164 = number?.isPossible() ? number.number : null
  if (phones.size >= phonesMax) phones.clear()
  phones.set(at, e164)
  return e164
}

function toDomain(text: string): string | null {
  return getDomain(text.trim().toLowerCase(), { allowPrivateDomains: true })
}
