import { InvalidArgumentError } from 'commander'

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 }
const secondsMax = 10 * 366 * 86_400

/** A flag's value that is a length of time, in seconds: 90s, 15m, 8h, 7d. */
export function seconds(text: string): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  const value = Number(count) * (UNITS[unit] ?? Number.NaN)
  if (!(value <= secondsMax)) throw new InvalidArgumentError('It must be a number with a unit: 90s, 15m, 8h or 7d.')
  return value
}
