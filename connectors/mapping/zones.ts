/**
 * Abbreviations that mean one offset everywhere, in minutes. CST, EST, IST and BST mean several.
 */
const ABBREVIATIONS = new Map(
  Object.entries({
    z: 0,
    ut: 0,
    utc: 0,
    gmt: 0,
    wet: 0,
    west: 60,
    cet: 60,
    mez: 60,
    cest: 120,
    mesz: 120,
    eet: 120,
    eest: 180,
    msk: 180,
    jst: 540,
    kst: 540,
    edt: -240,
    mdt: -360,
    mst: -420,
    pdt: -420,
    pst: -480,
  }),
)

const offsetHoursMax = 18

const formats = new Map<string, Intl.DateTimeFormat | null>()
const formatsMax = 1_000

/** Returns whether a name is one of the IANA time zone database: Europe/Berlin, UTC. */
export function isZone(name: string): boolean {
  return formatOf(name) !== null
}

/**
 * Returns the milliseconds since 1970 of a local time, given as if it were UTC; null for a zone that
 * is not known. `zone` is an offset (+02:00, +0200, UTC+2), an abbreviation or an IANA name. An hour
 * that occurs twice when clocks go back is the first of the two; a time that clocks skip is moved
 * forward by what they skip.
 */
export function instantIn(zone: string, localMs: number): number | null {
  const fixed = fixedOffset(zone)
  if (fixed !== null) return localMs - fixed * 60_000
  const format = formatOf(zone)
  if (!format) return null
  const dayMs = 86_400_000
  const before = offsetAt(format, localMs - dayMs)
  const after = offsetAt(format, localMs + dayMs)
  const instants = [before, after].map((o) => localMs - o * 60_000)
  const valid = instants.filter((ms) => offsetAt(format, ms) * 60_000 === localMs - ms)
  return valid.length > 0 ? Math.min(...valid) : (instants[0] ?? null)
}

/** Returns the local time in an IANA zone at an instant, as if it were UTC; both in milliseconds. */
export function localIn(zone: string, instantMs: number): number {
  const format = formatOf(zone)
  return format ? instantMs + offsetAt(format, instantMs) * 60_000 : instantMs
}

/** Returns whether a text can name a zone, known or not: a day does not depend on it. */
export function looksLikeZone(text: string): boolean {
  return fixedOffset(text) !== null || /^\p{L}{1,6}$/u.test(text) || isZone(text)
}

/** Returns the offset of a fixed zone in minutes, or null. */
function fixedOffset(zone: string): number | null {
  const known = ABBREVIATIONS.get(zone.toLowerCase())
  if (known !== undefined) return known
  const m = /^(?:utc|gmt)?([+-])(\d{1,2})(?::?(\d{2}))?$/i.exec(zone)
  if (!m) return null
  const [hours, minutes] = [Number(m[2]), Number(m[3] ?? 0)]
  if (hours > offsetHoursMax || minutes > 59) return null
  return (m[1] === '-' ? -1 : 1) * (hours * 60 + minutes)
}

function offsetAt(format: Intl.DateTimeFormat, ms: number): number {
  if (Number.isNaN(new Date(ms).getTime())) return 0
  const name = format.formatToParts(ms).find((p) => p.type === 'timeZoneName')?.value ?? ''
  const m = /([+-])(\d{2}):(\d{2})/.exec(name)
  return m ? (m[1] === '-' ? -1 : 1) * (Number(m[2]) * 60 + Number(m[3])) : 0
}

function formatOf(name: string): Intl.DateTimeFormat | null {
  const known = formats.get(name)
  if (known !== undefined) return known
  let format: Intl.DateTimeFormat | null = null
  // "+02:00" would pass as a zone, and "EST" is an alias that means one of several.
  if (/^[A-Za-z_]+\/[A-Za-z0-9_+/-]+$|^UTC$/.test(name))
    try {
      format = new Intl.DateTimeFormat('en', { timeZone: name, timeZoneName: 'longOffset' })
    } catch (e) {
      if (!(e instanceof RangeError)) throw e
    }
  if (formats.size >= formatsMax) formats.clear()
  formats.set(name, format)
  return format
}
