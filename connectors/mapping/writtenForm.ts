import { Decimal } from 'decimal.js'
import { normalCode } from '../../schema/kit/normalText.ts'
import type { Json } from '../connection/contract.ts'
import type { Form } from './convert.ts'
import { countryLike } from './country.ts'
import type { DecimalSeparator } from './number.ts'
import { isEmpty } from './path.ts'
import { parseDay, type TimeForms } from './time.ts'
import { localIn } from './zones.ts'

/** How the source system writes values. */
export interface WrittenForms {
  times: TimeForms
  separator: DecimalSeparator
}

/**
 * Returns a canonical value in the form in which `current` is written; without one, in that of the
 * record, else in the plain form of JSON. Returns null where the form of `current` is read but cannot be written.
 */
export function writtenLike(
  value: unknown,
  form: Form,
  current: unknown,
  { times, separator }: WrittenForms,
  raw: Readonly<Record<string, unknown>> = {},
): Json | null {
  if (form === 'date')
    return dayLike(String(value), isEmpty(current) ? odataTimeIn(raw) : current, times)
  if (form === 'number' || form === 'integer')
    return numberLike(new Decimal(Number(value)), current, separator)
  if (form === 'boolean') return booleanLike(value === true, current)
  if (form === 'country' && typeof current === 'string' && typeof value === 'string')
    return countryLike(value, current)
  if (form === 'currency') return currencyLike(String(value), current)
  return String(value)
}

/** Returns a code in the type of the value that stands there: 3, "3", true, "true". */
export function codeLike(code: string, current: unknown): Json {
  if (typeof current === 'number' && code.trim() !== '' && Number.isFinite(Number(code)))
    return Number(code)
  if (typeof current === 'boolean' && /^(?:true|false)$/i.test(code))
    return code.toLowerCase() === 'true'
  return code
}

/** Returns a number as a number, or as a text with the decimal separator of the source system. */
export function numberLike(number: Decimal, current: unknown, separator: DecimalSeparator): Json {
  if (typeof current === 'string' && !isEmpty(current)) {
    const places = /^-?\d+[.,](\d{1,12})$/.exec(current.trim())?.[1]?.length ?? 0
    const text = number.toFixed(Math.max(places, number.decimalPlaces()))
    return separator === 'COMMA' ? text.replace('.', ',') : text
  }
  return number.toNumber() + 0
}

/** Currencies are written in capitals, or as Stripe does. */
export function currencyLike(code: string, current: unknown): string {
  const isLower = typeof current === 'string' && /^[a-z]{3}$/.test(current.trim())
  return isLower ? code.toLowerCase() : code
}

/** OData V2 has no other form of a day, so a missing one is written like another of the record. */
function odataTimeIn(raw: Readonly<Record<string, unknown>>): unknown {
  return Object.values(raw).some((v) => typeof v === 'string' && /^\/Date\(-?\d+/.test(v))
    ? '/Date(0)/'
    : undefined
}

/** Words for true and false that belong together. */
const PAIRS: readonly (readonly [string, string])[] = [
  ['true', 'false'],
  ['t', 'f'],
  ['yes', 'no'],
  ['y', 'n'],
  ['1', '0'],
  ['on', 'off'],
  ['active', 'inactive'],
  ['ja', 'nein'],
  ['j', 'n'],
  ['oui', 'non'],
  ['sí', 'no'],
  ['vrai', 'faux'],
  ['wahr', 'falsch'],
]

function booleanLike(value: boolean, current: unknown): Json | null {
  if (typeof current === 'number') return value ? 1 : 0
  if (typeof current !== 'string' || isEmpty(current)) return value
  const text = normalCode(current)
  const pair = PAIRS.find((words) => words.includes(text.toLowerCase()))
  if (!pair) return null
  const word = pair[value ? 0 : 1]
  if (text === text.toUpperCase()) return word.toUpperCase()
  return /^\p{Lu}/u.test(text) ? word.slice(0, 1).toUpperCase() + word.slice(1) : word
}

/**
 * Returns a day as the one that stands there is written: its separators, its time of day and zone.
 * A count since 1970 moves by whole days of the source system's zone.
 */
function dayLike(day: string, current: unknown, times: TimeForms): Json | null {
  const now = parseDay(current, times)
  // 00000000 or 0 stand for no day.
  if (now === null) return isEmpty(current) || /^[\d:./T Z-]*$/.test(String(current)) ? day : null
  const [year = '', month = '', date = ''] = day.split('-')
  if (typeof current === 'number') return Number(movedCount(String(current), now, day, times.zone))
  const text = String(current).trim()
  const yearFirst = /^\d{4}([-/.]?)\d{2}\1\d{2}(?!\d{1,4}$)/.exec(text)
  if (yearFirst)
    return [year, month, date].join(yearFirst[1] ?? '') + text.slice(yearFirst[0].length)
  const odata = /^\/Date\((-?\d+)((?:[+-]\d{4})?\)\/.*)$/.exec(text)
  if (odata) {
    const zone = /^[+-]/.test(odata[2] ?? '') ? null : times.zone
    return `/Date(${movedCount(odata[1] ?? '', now, day, zone, 1_000n)}${odata[2] ?? ''}`
  }
  if (/^\d{9,19}$/.test(text)) return movedCount(text, now, day, times.zone)
  const yearLast = /^(\d{1,2})([./-])(\d{1,2})\2\d{4}(?!\d)/.exec(text)
  if (!yearLast) return null
  const isMonthFirst = yearLast[2] !== '.' && times.dates === 'MDY'
  const [first, second] = isMonthFirst ? [month, date] : [date, month]
  const shortened = (part: string, like = '') => (like.length === 1 ? String(Number(part)) : part)
  const parts = [shortened(first, yearLast[1]), shortened(second, yearLast[3]), year]
  return parts.join(yearLast[2]) + text.slice(yearLast[0].length)
}

/**
 * Moves a count since 1970 from one day to another, at the same time of day in the zone. The units
 * of a count are as in time.ts.
 */
function movedCount(
  count: string,
  from: string,
  to: string,
  zone: string | null,
  perSecond = unitsPerSecond(count),
): string {
  const ms = Number((BigInt(count) * 1_000n) / perSecond)
  const days = Date.parse(to) - Date.parse(from)
  // A day on which clocks change has 23 or 25 hours.
  const drift = zone === null ? 0 : localIn(zone, ms + days) - (localIn(zone, ms) + days)
  return String(BigInt(count) + (BigInt(days - drift) * perSecond) / 1_000n)
}

function unitsPerSecond(count: string): bigint {
  if (count.length < 12) return 1n
  if (count.length < 15) return 1_000n
  return count.length < 18 ? 1_000_000n : 1_000_000_000n
}
