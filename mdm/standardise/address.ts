import { countryCode, isCountryWord } from './country.ts'
import { fold, isPlaceholder, words } from './text.ts'

/**
 * A postal address as a source gives it: parts, or one text in `street` if the source has no parts.
 */
export interface AddressParts {
  street?: string | null
  city?: string | null
  region?: string | null
  postcode?: string | null
  country?: string | null
}

/**
 * A postal address for comparison. `street`: its words without number and unit, types and
 * directions in one spelling.
 */
export interface Address {
  number?: string
  street: string[]
  unit?: string
  city?: string
  postcode?: string
  region?: string
  country?: string
}

/** Street types and directions, one spelling each. They are almost no evidence. */
const TYPES = new Map<string, string>()
for (const line of [
  'st street str strasse strase',
  'av ave avenue aven avenida avda',
  'rd road',
  'bd blvd boulevard boul bvd bulevar',
  'dr drive drv',
  'ln lane',
  'pl place platz plaza piazza',
  'ct court crt',
  'cres crescent cresc cr',
  'hwy highway',
  'pkwy parkway pky',
  'sq square',
  'tce terrace terr ter',
  'cl close',
  'way weg wy',
  'allee allee',
  'gasse g',
  'rue r',
  'via v',
  'calle c',
  'cct circuit crct',
  'cir circle',
  'grove gr',
  'parade pde',
  'n north nord norte',
  's south sued sud sur',
  'e east ost est este',
  'w west ouest oeste',
  'ne northeast',
  'nw northwest',
  'se southeast',
  'sw southwest',
  'fl floor etage',
  'bldg building gebaeude',
])
  for (const form of line.split(' ')) TYPES.set(form, line.split(' ')[0]!)

/**
 * Returns whether a word of a street line is a type of way or a direction: "street", "strasse",
 * "north".
 */
export function isStreetType(token: string): boolean {
  return TYPES.get(token) === token
}

const UNIT =
  /\b(?:apt|apartment|unit|suite|ste|flat|room|rm|wohnung|whg|appt|piso|int|level|fl|floor|etage|stock|og|#)\.? ?#?([0-9]{1,4}[a-z]?|[a-z])\b/
const POSTBOX = /\b(?:p\.? ?o\.? ?box|postfach|boite postale|apartado) ?(\d+)/
/** Words and signs that announce a house number: "No. 321", "Nr. 5", "#321". */
const NUMBER_MARK = /(?:\b(?:no|nr|num|numero|number|house)\b\.?|#) ?(?=\d)/g
/** A house that has several numbers: "4753-59", "1710-1718". Shorter ones may be block and house. */
const NUMBER_RANGE = /\b(\d{3,6}) ?- ?(\d{2,6})\b/
/** Streets that are counted: "22nd Street" is also written "22 Street". */
const ORDINAL = /^(\d+)(?:st|nd|rd|th|er|e|eme)$/
const ORDINAL_WORDS = new Map(
  'first second third fourth fifth sixth seventh eighth ninth tenth'
    .split(' ')
    .map((word, i) => [word, String(i + 1)]),
)
const UK_POSTCODE = /\b([a-z]{1,2}\d[a-z\d]?) ?(\d[a-z]{2})\b/
const NL_POSTCODE = /\b(\d{4}) ?([a-z]{2})\b(?=[ ,]|$)/
const REGIONS = new Set(
  (
    'al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh ok or pa ri sc sd tn tx ut vt va wa wv wi wy dc ' +
    'nsw vic qld sa tas act nt on qc bc ab mb sk ns nb nl pe'
  ).split(' '),
)

/**
 * Reads an address from its parts or from one text; null if it is empty. In a text the parts are
 * found from the end: country, postcode, region. Then the last piece between commas or line breaks
 * is the city, if it has no number and something is left before it.
 */
export function parseAddress(value: AddressParts | string): Address | null {
  const parts = typeof value === 'string' ? splitText(value) : value
  const address: Address = { street: [] }
  const country = parts.country ? countryCode(parts.country) : null
  if (country) address.country = country
  if (parts.postcode) {
    const postcode = fold(parts.postcode)
      .replace(/[^a-z0-9]/g, '')
      .slice(0, 12)
    if (postcode && !/^0+$/.test(postcode)) address.postcode = usZip(postcode)
  }
  if (parts.region) address.region = foldCity(parts.region)
  if (parts.city) {
    const city = foldCity(parts.city)
    if (city && !isPlaceholder(city)) address.city = city
  }
  if (parts.street) readStreet(fold(parts.street), address)
  if (
    !address.number &&
    address.street.length === 0 &&
    !address.city &&
    !address.postcode &&
    !address.region &&
    !address.country
  )
    return null
  return address
}

/** ZIP+4 is a finer code of one place, so only five digits are compared. */
function usZip(postcode: string): string {
  return /^\d{9}$/.test(postcode) ? postcode.slice(0, 5) : postcode
}

/**
 * Returns a city's name in one word. Additions after "am", "an der", "upon" stay; "Saint" and "St."
 * become one.
 */
function foldCity(text: string): string {
  return words(fold(text).replace(/\(.*?\)/g, ' '))
    .map((w) => (w === 'saint' || w === 'sankt' || w === 'sainte' ? 'st' : w))
    .join('')
    .slice(0, 40)
}

function readStreet(folded: string, address: Address): void {
  let line = folded.replace(/[\r\n]+/g, ', ')
  const box = POSTBOX.exec(line)
  if (box) {
    address.number = box[1]!
    address.street.push('pobox')
    line = line.replace(POSTBOX, ' ')
  }
  const unit = UNIT.exec(line)
  if (unit) {
    address.unit = unit[1]!
    line = line.replace(UNIT, ' ')
  }
  const tokens = words(firstOfRange(line.replace(NUMBER_MARK, ' ')))
  let numberAt = -1
  for (const [index, token] of tokens.entries())
    if (/^\d{1,6}[a-z]?$/.test(token) && !address.number) {
      address.number = token
      numberAt = index
    }
  for (const [index, token] of tokens.entries()) {
    if (index === numberAt) continue
    for (const word of splitCompound(token)) address.street.push(TYPES.get(word) ?? counted(word))
  }
  if (address.street.length > 12) address.street.length = 12
}

/** Returns a street line with the first number of a range alone: "4753-59 W Lake" is "4753 W Lake". */
function firstOfRange(line: string): string {
  return line.replace(NUMBER_RANGE, (whole, first: string, last: string) => {
    const end = Number(first.slice(0, Math.max(0, first.length - last.length)) + last)
    return end > Number(first) && end - Number(first) < 100 ? first : whole
  })
}

/** Returns an ordinal as its number: "22nd" and "second" are "22" and "2". */
function counted(word: string): string {
  return ORDINAL_WORDS.get(word) ?? ORDINAL.exec(word)?.[1] ?? word
}

/** Splits compounds: "hauptstrasse", "hauptstr" and "haupt strasse" become "haupt" and "st". */
function splitCompound(token: string): string[] {
  const m =
    /^(.{3,}?)(strasse|strase|str|gasse|allee|weg|platz|straat|laan|gatan|vej|ring|damm|ufer)$/.exec(
      token,
    )
  return m ? [m[1]!, m[2] === 'straat' ? 'st' : m[2]!] : [token]
}

function splitText(text: string): AddressParts {
  let pieces = fold(text)
    .split(/[,;\r\n]+/)
    .map((piece) => piece.trim())
    .filter(Boolean)
  const parts: AddressParts = {}
  const last = pieces.at(-1)
  if (last && pieces.length > 1 && !REGIONS.has(last) && countryCode(last)) {
    parts.country = last
    pieces.pop()
  } else if (last && pieces.length > 1) {
    const country = /(?<!\bnew) ([a-z]{5,})$/.exec(last)?.[1]
    if (country && isCountryWord(country)) {
      parts.country = country
      pieces[pieces.length - 1] = last.slice(0, -country.length).trim()
    }
  }
  for (let i = pieces.length - 1; i >= 0 && !parts.postcode; i--) {
    const found = findPostcode(pieces[i]!, i === 0)
    if (found) {
      parts.postcode = found.postcode
      pieces[i] = found.rest
    }
  }
  pieces = pieces.filter(Boolean)
  const tail = pieces.at(-1)
  if (tail && pieces.length > 1) {
    if (tail.length <= 3 && !/\d/.test(tail)) {
      parts.region = tail
      pieces.pop()
    } else {
      const m = /^(.+) ([a-z]{2,3})$/.exec(tail)
      if (m && REGIONS.has(m[2]!)) {
        parts.region = m[2]!
        pieces[pieces.length - 1] = m[1]!
      }
    }
  }
  if (pieces.length > 1 && !/\d/.test(pieces.at(-1)!)) parts.city = pieces.pop()!
  parts.street = pieces.join(', ')
  return parts
}

/**
 * Finds a postcode inside one piece. In the first piece, a number in front is the house number,
 * never a postcode.
 */
function findPostcode(piece: string, first: boolean): { postcode: string; rest: string } | null {
  for (const pattern of [UK_POSTCODE, NL_POSTCODE]) {
    const m = pattern.exec(piece)
    if (m && !(first && m.index === 0 && pattern === NL_POSTCODE))
      return {
        postcode: m[1]! + m[2]!,
        rest: `${piece.slice(0, m.index)} ${piece.slice(m.index + m[0].length)}`.trim(),
      }
  }
  const m =
    /(?:^|[ -])(\d{4,6})(?:-\d{4})?$/.exec(piece) ??
    (first ? null : /^(?:[a-z]{1,2}-)?(\d{4,6})(?= |$)/.exec(piece))
  if (!m || (first && m.index === 0)) return null
  return {
    postcode: m[1]!,
    rest: `${piece.slice(0, m.index)} ${piece.slice(m.index + m[0].length)}`.trim(),
  }
}
