import { InvalidArgumentError } from 'commander'

const UNIT_SECONDS = new Map(Object.entries({ s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 }))
const secondsMax = 10 * 366 * 86_400

/** Parses the value of a flag that is a duration, as 90s, 15m, 8h, 7d or 2w. Returns seconds. */
export function parseDuration(text: string): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhdw])$/.exec(text) ?? []
  const value = Number(count) * (UNIT_SECONDS.get(unit) ?? Number.NaN)
  if (!(value <= secondsMax))
    throw new InvalidArgumentError(
      'It must be a number with a unit, up to ten years: 90s, 15m, 8h, 7d or 2w.',
    )
  return value
}
