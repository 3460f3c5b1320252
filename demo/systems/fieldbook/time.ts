/** Times of one account: RFC 3339 with milliseconds and the offset of the account's zone. */
export interface Zone {
  /** Returns the text of a time that is given in milliseconds since 1970. */
  write(ms: number): string
}

const hourMs = 3_600_000
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)$/

/** `name` is a zone of the IANA database. Its offset changes at a full hour of UTC at most. */
export function zone(name: string): Zone {
  const format = new Intl.DateTimeFormat('en', { timeZone: name, timeZoneName: 'longOffset' })
  const offsets = new Map<number, string>()
  // Formatting a time in a zone takes microseconds; a fill writes the same hour often.
  const offsetAt = (ms: number): string => {
    const hour = Math.floor(ms / hourMs)
    const found = offsets.get(hour)
    if (found !== undefined) return found
    const text = format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? ''
    const offset = text.slice('GMT'.length) || '+00:00'
    offsets.set(hour, offset)
    return offset
  }
  return {
    write(ms) {
      const offset = offsetAt(ms)
      const sign = offset.startsWith('-') ? -1 : 1
      const [hours, minutes] = offset.slice(1).split(':').map(Number)
      const local = ms + sign * (hours! * hourMs + minutes! * 60_000)
      return `${new Date(local).toISOString().slice(0, 23)}${offset}`
    },
  }
}

/** Returns the milliseconds of a time in a parameter; undefined if it has another form. */
export function readTime(text: string): number | undefined {
  const ms = rfc3339.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}
