import { monthOf } from './months.ts'
import { looksLikeZone } from './zones.ts'

/** The order of day and month in dates with slashes; with null only an unambiguous one is read. */
export type DateOrder = 'DMY' | 'MDY' | null

/** A day and a time of day as they are written, with the text of the zone. */
export interface Written {
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

export const notThere = { fault: 'not a time that exists' }
export const notATime = { fault: 'not a time; write 2026-03-01 or 2026-03-01T09:30:00Z' }

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

/**
 * Reads a day as people and programs write it, alone or with a time and a zone. Returns the parts as
 * they are written, or why it is none.
 */
export function readText(
  given: string,
  order: DateOrder,
): { written: Written } | { fault: string } {
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

export function clock(hour: string, minute: string, second: string, fraction: string) {
  return {
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    micros: Number(fraction.slice(0, 6).padEnd(6, '0')),
  }
}

export function dayIn(
  year: string | undefined,
  month: string | undefined,
  day: string | undefined,
): Day {
  return { year: Number(year), month: Number(month), day: Number(day) }
}

/** A leap second is the second after; 24:00 is the end of the day. */
export function isWritten(w: Omit<Written, 'zone'>): boolean {
  if (!isDay(w) || w.minute > 59 || w.second > 60) return false
  return w.hour < 24 || (w.hour === 24 && w.minute + w.second + w.micros === 0)
}

function isDay({ year, month, day }: Day): boolean {
  if (!(year >= 1) || !(month >= 1) || month > 12 || !(day >= 1)) return false
  return day <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()
}

export function dayText({ year, month, day }: Day): string {
  const two = (n: number) => String(n).padStart(2, '0')
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`
}
