import { asciiDigits } from '../../schema/kit/asciiDigits.ts'
import { normalCode } from '../../schema/kit/normalText.ts'
import { monthOf } from './months.ts'
import { instantIn, localIn, looksLikeZone } from './zones.ts'

/** The order of day and month in dates with slashes; with null only an unambiguous one is read. */
export type DateOrder = 'DMY' | 'MDY' | null

/** How a source system writes times. */
export interface TimeForms {
  dates: DateOrder
  /** The IANA time zone of times without an offset; null is UTC. */
  zone: string | null
}

const ISO: TimeForms = { dates: null, zone: null }

/** A day and a time of day as they are written, with the text of the zone. */
interface Written {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  micros: number
  zone: string
}
type Day = Pick<Written, 'year' | 'month' | 'day'>

type Read =
  | { written: Written }
  /** Microseconds since 1970. `day` is the local one where an offset is stated, null if unclear. */
  | { instant: bigint; day?: string | null }
  | { fault: string }

const notThere = { fault: 'not a time that exists' }
const notATime = { fault: 'not a time; write 2026-03-01 or 2026-03-01T09:30:00Z' }

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

function readTime(value: unknown, order: DateOrder): Read {
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || value <= 0) return notATime
    return Number.isSafeInteger(value) ? readDigits(String(value)) : readSeconds(String(value))
  }
  if (typeof value !== 'string') return notATime
  const text = asciiDigits(normalCode(value))
  if (/^\d+$/.test(text)) {
    if (text.length < 8) return spreadsheetDay(text)
    const read = readDigits(text)
    return text.length === 8 && 'instant' in read ? notATime : read
  }
  if (/^\d+[.,]\d+$/.test(text)) return readSeconds(text.replace(',', '.'))
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

const YEAR_FIRST = /^(\d{4})([-/.]) ?(\d{1,2})\2 ?(\d{1,2})(?!\d)\.?/
const DOTTED = /^(\d{1,2})\. ?(\d{1,2})\. ?(\d{4}|\d{2})(?!\d)/
const SLASHED = /^(\d{1,2})([/-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)/
const DAY_FIRST =
  /^(\d{1,2})(?:st|nd|rd|th|er|\.|º)?[ -](?:of |de )?(\p{L}{3,10})\.?,?[ -](?:de )?(\d{4}|\d{2})(?!\d)/iu
const MONTH_FIRST = /^(\p{L}{3,10})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})(?!\d)/iu
const COMPACT = /^(\d{4})(\d{2})(\d{2})(?=T)/i
/** Date.toString of Java and C: Sat Oct 04 17:02:00 UTC 2025. */
const YEAR_LAST = /^(\p{L}{3} \d{1,2}) (\d{2}:\d{2}:\d{2})( \p{L}{1,5})? (\d{4})$/u
const WEEKDAY = /^(\p{L}{2,10})\.?,? (?=\p{L}|\d)/u
/** A time before its day: 5:02 pm 3/1/2026. */
const TIME_FIRST = /^(\d{1,2}:\d{2}(?::\d{2})?(?: ?[ap]\.?m\.?)?),? (?=\d|\p{L})(.+)$/iu
const CJK = /^(\d{4})年(\d{1,2})月(\d{1,2})日/

function readText(given: string, order: DateOrder): Read {
  const text = /^\d{4}-/.test(given) ? given : plainDate(given)
  const date = readDate(text, order)
  if ('fault' in date) return date
  const time = readClock(text.slice(date.length).replaceAll('\u2212', '-'))
  if (!time) return notATime
  const written = { ...date.day, ...time }
  return isWritten(written) ? { written } : notThere
}

/** Returns a text without the day of the week and with the day in front, in the order of Europe. */
function plainDate(given: string): string {
  const weekday = WEEKDAY.exec(given)
  const named = weekday !== null && monthOf(weekday[1] ?? '') === null
  const text = named ? given.slice(weekday[0].length) : given
  return text.replace(TIME_FIRST, '$2 $1').replace(CJK, '$1-$2-$3').replace(YEAR_LAST, '$1 $4 $2$3')
}

function readDate(
  text: string,
  order: DateOrder,
): { day: Day; length: number } | { fault: string } {
  const found = (m: RegExpExecArray, day: Day) => ({ day, length: m[0].length })
  const iso = YEAR_FIRST.exec(text)
  if (iso) return found(iso, dayIn(iso[1], iso[3], iso[4]))
  const compact = COMPACT.exec(text)
  if (compact) return found(compact, dayIn(compact[1], compact[2], compact[3]))
  const dotted = DOTTED.exec(text)
  if (dotted) return withYear(dotted, dotted[3], (y) => dayIn(y, dotted[2], dotted[1]))
  const slashed = SLASHED.exec(text)
  if (slashed) return readSlashed(slashed, order)
  const named = DAY_FIRST.exec(text)
  const month = named && monthOf(named[2] ?? '')
  if (named && month) return withYear(named, named[3], (y) => dayIn(y, String(month), named[1]))
  const american = MONTH_FIRST.exec(text)
  const first = american && monthOf(american[1] ?? '')
  if (american && first) return found(american, dayIn(american[3], String(first), american[2]))
  return notATime
}

/** Without an order it is read where only one order gives a day, or both the same. */
function readSlashed(
  m: RegExpExecArray,
  order: DateOrder,
): { day: Day; length: number } | { fault: string } {
  const [, a, , b, year] = m
  return withYear(m, year, (y) => {
    const days = { DMY: dayIn(y, b, a), MDY: dayIn(y, a, b) }
    if (order) return days[order]
    const possible = [days.DMY, days.MDY].filter(isDay)
    const texts = new Set(possible.map(dayText))
    if (year?.length === 4 && texts.size < 2) return possible[0] ?? days.DMY
    return { fault: `${[...texts].join(' or ')}; write dates: DMY or MDY in the mapping` }
  })
}

/** A year of two digits below 50 is in this century; 99 may mean 1999 as well as 2099. */
function withYear(
  m: RegExpExecArray,
  year: string | undefined,
  make: (year: string) => Day | { fault: string },
): { day: Day; length: number } | { fault: string } {
  if (year?.length === 2 && Number(year) >= 50)
    return { fault: `either a day of 19${year} or of 20${year}; write the year with four digits` }
  const made = make(year?.length === 2 ? `20${year}` : (year ?? ''))
  return 'fault' in made ? made : { day: made, length: m[0].length }
}

const LEAD = /^(?:T|,? (?:at |um |- )?)/i
const CLOCK =
  /^(?:(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?|(\d{1,2})\.(\d{2})(?:\.(\d{2}))?|(\d{1,2})-(\d{2})(?=$| ))/
const BASIC_CLOCK = /^(\d{2})(\d{2})(?:(\d{2})(?:[.,](\d{1,9}))?)?/
const HALF = /^ ?([ap])\.? ?m\.?(?=$|[ (])/i

/** Reads what follows a date: nothing, a zone, or a time with or without a zone. */
function readClock(rest: string): Omit<Written, keyof Day> | null {
  if (rest === '') return { ...clock('0', '0', '0', ''), zone: '' }
  const lead = LEAD.exec(rest)
  if (!lead)
    return /^(?:Z|[+-]\d{2}:?\d{2})$/i.test(rest)
      ? { ...clock('0', '0', '0', ''), zone: rest }
      : null
  const text = rest.slice(lead[0].length)
  const m = CLOCK.exec(text) ?? (/^T/i.test(rest) ? BASIC_CLOCK.exec(text) : null)
  const hourOnly = m ? null : /^(\d{1,2})(?= ?[ap]\.?m)/i.exec(text)
  const match = m ?? hourOnly
  if (!match) return null
  const hour = match[1] ?? match[5] ?? match[8] ?? ''
  const time = clock(
    hour,
    match[2] ?? match[6] ?? match[9] ?? '0',
    match[3] ?? match[7] ?? '0',
    match[4] ?? '',
  )
  let tail = text.slice(match[0].length)
  const half = HALF.exec(tail)
  if (half) {
    if (time.hour < 1 || time.hour > 12) return null
    time.hour = (time.hour % 12) + (half[1]?.toLowerCase() === 'p' ? 12 : 0)
    tail = tail.slice(half[0].length)
  }
  // Java names the zone after its offset, JavaScript in brackets; "Uhr" only says that it is a time.
  const zone = tail
    .replace(/^ ?uhr\b/i, '')
    .trim()
    .replace(/ ?\([^()]*\)$/, '')
    .replace(/^([+-]\d{2}:?\d{2}) \p{L}{1,5}$/u, '$1')
    .replace(/^(.+)\[[^\][]+\]$/, '$1')
    .replace(/^\[([^\][]+)\]$/, '$1')
  return zone === '' || looksLikeZone(zone) ? { ...time, zone } : null
}

function clock(hour: string, minute: string, second: string, fraction: string) {
  return {
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    micros: Number(fraction.slice(0, 6).padEnd(6, '0')),
  }
}

function dayIn(year: string | undefined, month: string | undefined, day: string | undefined): Day {
  return { year: Number(year), month: Number(month), day: Number(day) }
}

/** A leap second is the second after; 24:00 is the end of the day. */
function isWritten(w: Omit<Written, 'zone'>): boolean {
  if (!isDay(w) || w.minute > 59 || w.second > 60) return false
  return w.hour < 24 || (w.hour === 24 && w.minute + w.second + w.micros === 0)
}

function isDay({ year, month, day }: Day): boolean {
  if (!(year >= 1) || !(month >= 1) || month > 12 || !(day >= 1)) return false
  return day <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()
}

function dayText({ year, month, day }: Day): string {
  const two = (n: number) => String(n).padStart(2, '0')
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`
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
