/** The order of day and month in dates with slashes; with null such a date is rejected. */
export type DateOrder = 'DMY' | 'MDY' | null

const ISO =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?$/i

/**
 * Parses a moment into microseconds since 1970; null where it is not one. It accepts ISO 8601 and
 * its variants with a blank for the T and offsets with or without a colon; without an offset it is
 * UTC. A count since 1970 is in seconds below 10^11, in milliseconds below 10^14, else in
 * microseconds.
 */
export function parseMoment(value: unknown): bigint | null {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? fromCount(BigInt(value)) : null
  if (typeof value !== 'string') return null
  const text = value.trim()
  if (/^\d{9,17}$/.test(text)) return fromCount(BigInt(text))
  const odata = /^\/Date\((\d+)(?:[+-]\d{4})?\)\/$/.exec(text)
  if (odata) return BigInt(odata[1] ?? 0) * 1000n
  const m = ISO.exec(text)
  if (!m) return null
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = m
  if (!isDay(Number(year), Number(month), Number(day))) return null
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return null
  // Not Date.UTC, for which the year 50 is 1950.
  const at = new Date(0)
  at.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  at.setUTCHours(Number(hour), Number(minute), Number(second))
  return (
    BigInt(at.getTime()) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, '0')) - offsetMicros(zone)
  )
}

/**
 * Parses a calendar day into `2026-03-01`, in UTC where the value is a moment; null where it is not
 * one.
 */
export function parseDay(value: unknown, order: DateOrder): string | null {
  if (typeof value === 'string') {
    const text = value.trim()
    const iso =
      /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text) ?? /^((?:19|20)\d{2})(\d{2})(\d{2})$/.exec(text)
    if (iso) return day(iso[1], iso[2], iso[3])
    const dotted = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(text)
    if (dotted) return day(dotted[3], dotted[2], dotted[1])
    const slashed = /^(\d{1,2})[/-](\d{1,2})[/-](\d{4})$/.exec(text)
    if (slashed && order)
      return order === 'DMY'
        ? day(slashed[3], slashed[2], slashed[1])
        : day(slashed[3], slashed[1], slashed[2])
  }
  const micros = parseMoment(value)
  if (micros === null) return null
  const at = new Date(Number(micros / 1000n))
  return Number.isNaN(at.getTime()) ? null : at.toISOString().slice(0, 10)
}

function fromCount(n: bigint): bigint | null {
  if (n <= 0n) return null
  if (n < 100_000_000_000n) return n * 1_000_000n
  return n < 100_000_000_000_000n ? n * 1000n : n
}

function offsetMicros(zone: string): bigint {
  const m = /^([+-])(\d{2}):?(\d{2})$/.exec(zone)
  if (!m) return 0n
  const minutes = BigInt(Number(m[2]) * 60 + Number(m[3]))
  return (m[1] === '-' ? -minutes : minutes) * 60_000_000n
}

function day(y: string | undefined, m: string | undefined, d: string | undefined): string | null {
  if (!isDay(Number(y), Number(m), Number(d))) return null
  return `${String(y).padStart(4, '0')}-${String(m).padStart(2, '0')}-${String(d).padStart(2, '0')}`
}

function isDay(y: number, m: number, d: number): boolean {
  if (y < 1 || m < 1 || m > 12 || d < 1) return false
  return d <= new Date(Date.UTC(2000 + (y % 400), m, 0)).getUTCDate()
}
