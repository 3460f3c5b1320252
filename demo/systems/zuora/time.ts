/** Zone of the tenant; times are shown in it. */
const zone = 'America/Los_Angeles'

const parts = new Intl.DateTimeFormat('sv-SE', {
  timeZone: zone,
  dateStyle: 'short',
  timeStyle: 'medium',
})
const offsets = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })

/** Returns `-08:00` or `-07:00`. */
const offsetAt = (ms: number) => offsets.format(ms).slice(-6)

/** Writes a time as the API does: whole seconds in the tenant's zone, with the offset. */
export const written = (ms: number) => `${parts.format(ms).replace(' ', 'T')}${offsetAt(ms)}`

/** Writes a day in the tenant's zone. */
export const writtenDay = (ms: number) => parts.format(ms).slice(0, 10)

/** Reads a time of a filter: ISO 8601, without an offset in the tenant's zone. */
export function readTime(text: string): number | undefined {
  const [, time, offset] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,3})?(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? []
  if (time === undefined) return undefined
  const ms = offset === undefined ? inZone(time) : Date.parse(`${time}${offset}`)
  return Number.isNaN(ms) ? undefined : ms
}

/** Of an hour that the clocks show twice, the later one counts. */
function inZone(time: string): number {
  const wall = Date.parse(`${time}Z`)
  if (Number.isNaN(wall)) return wall
  const moments = ['-07:00', '-08:00'].map((offset) => Date.parse(`${time}${offset}`))
  const shown = moments.filter((ms) => written(ms).startsWith(time))
  // An hour that the clocks leave out is read in the time before it.
  return Math.max(...(shown.length > 0 ? shown : moments))
}
