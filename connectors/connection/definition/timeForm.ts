import { localIn } from '../../mapping/zones.ts'

/**
 * How a bound is written: a count since 1970 (s, ms, us), iso, date, or a pattern of yyyy, MM, dd,
 * HH, mm, ss, SSS and SSSSSS with other letters in quotes.
 */
export interface TimeForm {
  text: string
  /** The zone in which dates and patterns are written. */
  zone: string
}

const WORDS = ['s', 'ms', 'us', 'iso', 'date'] as const
const TOKEN = /'([^']*)'|yyyy|MM|dd|HH|mm|SSSSSS|SSS|ss|[TZ]|[^A-Za-z']/g

export function isTimeForm(text: string): boolean {
  return (WORDS as readonly string[]).includes(text) || text.replace(TOKEN, '') === ''
}

/** Returns the smallest step of a form in microseconds. */
export function stepOf(text: string): bigint {
  if (text === 'us' || text.includes('SSSSSS')) return 1n
  if (text === 'ms' || text === 'iso' || text.includes('SSS')) return 1_000n
  return text === 's' || text.includes('ss') ? 1_000_000n : 86_400_000_000n
}

/** Writes a moment in microseconds since 1970; what the form does not hold is cut off. */
export function timeText(micros: bigint, form: TimeForm | string): string {
  const { text, zone } = typeof form === 'string' ? { text: form, zone: 'UTC' } : form
  if (text === 'us') return String(micros)
  if (text === 'ms') return String(floor(micros, 1_000n))
  if (text === 's') return String(floor(micros, 1_000_000n))
  const ms = Number(floor(micros, 1_000n))
  if (text === 'iso') return new Date(ms).toISOString()
  const local = new Date(zone === 'UTC' ? ms : localIn(zone, ms)).toISOString()
  const digits = `${local.slice(20, 23)}${String(((micros % 1_000n) + 1_000n) % 1_000n).padStart(3, '0')}`
  const parts = new Map([
    ['yyyy', local.slice(0, 4)],
    ['MM', local.slice(5, 7)],
    ['dd', local.slice(8, 10)],
    ['HH', local.slice(11, 13)],
    ['mm', local.slice(14, 16)],
    ['ss', local.slice(17, 19)],
    ['SSS', digits.slice(0, 3)],
    ['SSSSSS', digits],
  ])
  return (text === 'date' ? 'yyyy-MM-dd' : text).replace(
    TOKEN,
    (token, quoted?: string) => quoted ?? parts.get(token) ?? token,
  )
}

function floor(micros: bigint, step: bigint): bigint {
  const rest = ((micros % step) + step) % step
  return (micros - rest) / step
}
