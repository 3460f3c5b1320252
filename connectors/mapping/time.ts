import { asciiDigits } from '../../schema/kit/asciiDigits.ts'
import { normalCode } from '../../schema/kit/normalText.ts'
import {
  clock,
  type DateOrder,
  dayIn,
  dayText,
  isWritten,
  notATime,
  notThere,
  readText,
  type Written,
} from './writtenTime.ts'
import { instantIn, localIn } from './zones.ts'

export type { DateOrder } from './writtenTime.ts'

/** How a source system writes times. */
export interface TimeForms {
  dates: DateOrder
  /** The IANA time zone of times without an offset; null is UTC. */
  zone: string | null
}

/** The text of a time is shorter. */
const charsMax = 120

const ISO: TimeForms = { dates: null, zone: null }

type Read =
  | { written: Written }
  /** Microseconds since 1970. `day` is the local one where an offset is stated, null if unclear. */
  | { instant: bigint; day?: string | null }
  | { fault: string }

/**
 * Parses a moment into microseconds since 1970; null where it is not one. It accepts ISO 8601, its
 * variants, dates as people write them (README.md) and a count since 1970. A count is in seconds
 * below 10^11, in milliseconds below 10^14, in microseconds below 10^17, else in nanoseconds.
 */
export function parseMoment(value: unknown, forms: TimeForms = ISO): bigint | null {
  const read = readTime(value, forms.dates)
  if ('instant' in read) return read.instant
  return 'written' in read ? instantOf(read.written, forms.zone) : null
}

/**
 * Parses a calendar day into `2026-03-01`; null where it is not one. A moment is the day that is
 * written, whatever its offset; a count since 1970 is the day in the zone of the source system.
 */
export function parseDay(value: unknown, forms: TimeForms = ISO): string | null {
  const read = readTime(value, forms.dates)
  if ('written' in read) return dayText(read.written)
  if (!('instant' in read) || smallCount(value)) return null
  return read.day === undefined ? dayOf(read.instant, forms.zone) : read.day
}

/** Returns why a value is not a time, as the end of a sentence. */
export function timeFault(value: unknown, forms: TimeForms): string {
  const read = readTime(value, forms.dates)
  if ('fault' in read) return read.fault
  return 'written' in read
    ? `a time in ${read.written.zone || 'a zone'}, which is not a known zone or means several; write an offset such as +02:00`
    : 'a moment whose day is unclear; write 2026-03-01'
}

/**
 * Returns whether systems write a value where there is no time: 0, 00000000, 0000-00-00, the first
 * day of the year 1.
 */
export function isNoTime(value: unknown): boolean {
  if (value === 0) return true
  if (typeof value !== 'string') return false
  const text = value.trim()
  return (
    /^0+$|^0{4}[-/.]0{2}[-/.]0{2}(?:[T ][0:.]*Z?)?$|^\/Date\(-62135596800000\)\/$/.test(text) ||
    /^(?:0001-01-01|01[/.]01[/.]0001|1\/1\/0001)(?:[T ][0:.]*(?:Z|\+00:00)?)?$/.test(text)
  )
}

/** Days at which clocks begin, which some systems write for a missing time. */
const ORIGINS = new Set(['1970-01-01', '1900-01-01', '1899-12-30', '1899-12-31', '1753-01-01'])

/** Returns whether a value is the first day of some clock. */
export function isOrigin(value: unknown): boolean {
  return ORIGINS.has(parseDay(value) ?? '')
}

/** Returns whether a value is the last day of the calendar, which systems write for "never". */
export function isNever(value: unknown): boolean {
  return parseDay(value) === '9999-12-31'
}

/** The first and the last microsecond of the years 1 to 9999; a column holds no more. */
const microsMin = -62_135_596_800_000_000n
const microsMax = 253_402_300_799_999_999n

function readTime(value: unknown, order: DateOrder): Read {
  const read = readAnyTime(value, order)
  if (!('instant' in read)) return read
  return read.instant < microsMin || read.instant > microsMax ? notThere : read
}

function readAnyTime(value: unknown, order: DateOrder): Read {
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || value <= 0) return notATime
    return Number.isSafeInteger(value) ? readDigits(String(value)) : readSeconds(String(value))
  }
  if (typeof value !== 'string' || value.length > charsMax) return notATime
  const text = asciiDigits(normalCode(value))
  if (/^\d+$/.test(text)) {
    if (text.length < 8) return spreadsheetDay(text)
    const read = readDigits(text)
    return text.length === 8 && 'instant' in read ? notATime : read
  }
  if (/^\d+[.,]\d+$/.test(text)) return readSeconds(text.replace(',', '.'))
  const timed = EDM_TIME.exec(text)
  if (timed) return atTimeOfDay(readAnyTime(timed[1], order), timed)
  const odata = /^\/Date\((-?\d+)([+-]\d{4})?\)\/$/.exec(text)
  return odata ? readOdata(odata[1] ?? '', odata[2]) : readText(text, order)
}

/** A date or a time in digits alone, or a count since 1970. */
function readDigits(text: string): Read {
  const compact = /^(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(?:(\d{2})(\d{3})?)?)?$/.exec(text)
  if (compact && /^(?:19|20|21|9999)/.test(text)) {
    const [, year, month, day, hour = '0', minute = '0', second = '0', ms = '0'] = compact
    const written = { ...dayIn(year, month, day), ...clock(hour, minute, second, `${ms}000`) }
    if (isWritten(written)) {
      if (text.length !== 12) return { written: { ...written, zone: '' } }
      return {
        fault: 'either the minute of a day or a count of milliseconds; write 2026-03-01T09:30',
      }
    }
    // As a count it would be a day some six hundred years from now.
    if (text.length > 12) return notThere
  }
  const n = BigInt(text)
  if (text.length > 19 || n <= 0n) return notATime
  if (n < 100_000_000_000n) return { instant: n * 1_000_000n }
  if (n < 100_000_000_000_000n) return { instant: n * 1_000n }
  return { instant: n < 100_000_000_000_000_000n ? n : n / 1_000n }
}

/** A count of seconds with a fraction. */
function readSeconds(text: string): Read {
  const m = /^(\d{9,11})\.(\d{1,9})$/.exec(text)
  if (!m) return /^\d{5}\./.test(text) ? spreadsheetDay(text) : notATime
  const micros = BigInt((m[2] ?? '').slice(0, 6).padEnd(6, '0'))
  return { instant: BigInt(m[1] ?? 0) * 1_000_000n + micros }
}

function spreadsheetDay(text: string): { fault: string } {
  return /^[2-6]\d{4}/.test(text)
    ? { fault: 'the day number of a spreadsheet, whose first day is not known; write 2026-03-01' }
    : notATime
}

/** A number below 10^8 is no time since 1970 that a business knows, but it may count versions. */
function smallCount(value: unknown): boolean {
  return typeof value === 'number' && value < 100_000_000
}

/**
 * OData counts milliseconds in UTC and states the offset in minutes, others write it as hours and
 * minutes: the day is unclear where the two give different ones.
 */
function readOdata(ms: string, offset: string | undefined): Read {
  const instant = BigInt(ms) * 1_000n
  if (!offset) return { instant }
  const sign = offset.startsWith('-') ? -1n : 1n
  const digits = Number(offset.slice(1))
  const days = [digits, Math.floor(digits / 100) * 60 + (digits % 100)].map((minutes) =>
    dayOf(instant + sign * BigInt(minutes) * 60_000_000n, null),
  )
  return { instant, day: days[0] === days[1] ? (days[0] ?? null) : null }
}

/** A day and a time of day as OData writes one (Edm.Time): `/Date(1772323200000)/ PT09H30M00S`. */
const EDM_TIME = /^(.+) PT(?:(\d{1,2})H)?(?:(\d{1,2})M)?(?:(\d{1,2})(?:\.(\d{1,9}))?S)?$/

/** The day is the one that is written, or that of a count in UTC; the time is that of the source. */
function atTimeOfDay(day: Read, [, , hour, minute, second, fraction]: RegExpExecArray): Read {
  if ('fault' in day) return day
  const text = 'written' in day ? dayText(day.written) : dayOf(day.instant, null)
  const [y, m, d] = text?.split('-') ?? []
  const time = clock(hour ?? '0', minute ?? '0', second ?? '0', fraction ?? '')
  const written = { ...dayIn(y, m, d), ...time, zone: '' }
  return isWritten(written) ? { written } : notThere
}

function instantOf(w: Written, zone: string | null): bigint | null {
  // Not Date.UTC, for which the year 50 is 1950.
  const at = new Date(0)
  at.setUTCFullYear(w.year, w.month - 1, w.day)
  at.setUTCHours(w.hour, w.minute, w.second)
  const ms = instantIn(w.zone || zone || 'Z', at.getTime())
  return ms === null ? null : BigInt(ms) * 1_000n + BigInt(w.micros)
}

function dayOf(micros: bigint, zone: string | null): string | null {
  const ms = Number(micros / 1_000n)
  const at = new Date(zone === null ? ms : localIn(zone, ms))
  return Number.isNaN(at.getTime()) || at.getUTCFullYear() > 9999 || at.getUTCFullYear() < 1
    ? null
    : at.toISOString().slice(0, 10)
}
