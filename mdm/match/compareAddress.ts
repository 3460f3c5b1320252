import type { AddressFeature } from './featureTypes.ts'
import { MISSING } from './priors.ts'
import { editDistance, wordSimilarity } from './similarity.ts'

const STREET = {
  HOUSE: 0,
  TYPING: 1,
  NUMBER_NEAR: 2,
  OTHER_NUMBER: 3,
  NUMBER_ONLY: 4,
  DIFFERENT: 5,
} as const
const PLACE = {
  ALL: 0,
  CITY: 1,
  POSTCODE: 2,
  OTHER_POSTCODE: 3,
  SIMILAR: 4,
  DIFFERENT: 5,
  OTHER_COUNTRY: 6,
} as const

/**
 * Agreement of two addresses: a level and bits for the street with its number, and for the place.
 */
export interface AddressAgreement {
  street: number
  streetBits: number
  place: number
  placeBits: number
}

/** Compares two addresses. Their lines may be in different order, words joined, numbers missing. */
export function compareAddresses(
  a: AddressFeature,
  b: AddressFeature,
  out: AddressAgreement,
): void {
  compareStreets(a, b, out)
  comparePlaces(a, b, out)
}

/** Bits of an equal house number: numbers of up to 6 digits contribute about this many at most. */
export const NUMBER_BITS = 6

function compareStreets(a: AddressFeature, b: AddressFeature, out: AddressAgreement): void {
  out.street = MISSING
  out.streetBits = 0
  if (a.s.length === 0 || b.s.length === 0) return
  const alike = streetSimilarity(a, b, out)
  const numbers = a.n !== undefined && b.n !== undefined
  const sameNumber = numbers && (a.n === b.n || bareNumber(a.n!) === bareNumber(b.n!))
  if (alike >= 0.95 && sameNumber) {
    out.street = STREET.HOUSE
    out.streetBits += NUMBER_BITS
  } else if (alike >= 0.6 && sameNumber) {
    out.street = STREET.TYPING
    out.streetBits += NUMBER_BITS
  } else if (alike >= 0.75)
    out.street =
      !numbers || editDistance(a.n!, b.n!, 1) <= 1 ? STREET.NUMBER_NEAR : STREET.OTHER_NUMBER
  else out.street = sameNumber ? STREET.NUMBER_ONLY : STREET.DIFFERENT
}

function bareNumber(number: string): string {
  return number.replace(/[a-z]+$/, '')
}

const used = new Uint8Array(16)

/**
 * Returns the similarity of two streets, 0 to 1: the share of words that both have, weighted by
 * bits. Also finds words written together. Sets `out.streetBits` to the bits shared.
 */
function streetSimilarity(a: AddressFeature, b: AddressFeature, out: AddressAgreement): number {
  let massA = 0
  let massB = 0
  for (let j = 0; j < b.s.length; j++) massB += b.b[j]!
  used.fill(0, 0, b.s.length)
  let sharedA = 0
  let sharedB = 0
  let left = 0
  for (let i = 0; i < a.s.length; i++) {
    massA += a.b[i]!
    let best = 0
    let at = -1
    for (let j = 0; j < b.s.length; j++) {
      if (used[j] === 1) continue
      const alike = wordSimilarity(a.s[i]!, b.s[j]!)
      if (alike > best) {
        best = alike
        at = j
      }
    }
    if (best >= 0.5) {
      used[at] = 1
      sharedA += a.b[i]! * best
      sharedB += b.b[at]! * best
    } else left++
  }
  out.streetBits = Math.min(sharedA, sharedB)
  if (massA === 0 || massB === 0) return 0
  const high = Math.max(sharedA / massA, sharedB / massB)
  const low = Math.min(sharedA / massA, sharedB / massB)
  let alike = low >= 0.5 ? (high + low) / 2 : (high + low) / 2.4
  if (high > 0.9 && low > 0.3 && alike < 0.8) alike = 0.8
  if ((left > 0 || a.s.length !== b.s.length) && alike < 0.9 && (alike > 0.2 || a.n === b.n)) {
    const joinedA = a.s.join('')
    const joinedB = b.s.join('')
    const longest = Math.max(joinedA.length, joinedB.length)
    const limit = Math.min(6, Math.floor(longest / 4))
    const edits = editDistance(joinedA, joinedB, limit)
    if (edits <= limit && 1 - edits / longest > alike) {
      alike = 1 - edits / longest
      out.streetBits = Math.min(massA, massB) * alike
    }
  }
  return alike
}

function comparePlaces(a: AddressFeature, b: AddressFeature, out: AddressAgreement): void {
  out.place = MISSING
  out.placeBits = 0
  const postcodes = a.p !== undefined && b.p !== undefined
  const cities = a.c !== undefined && b.c !== undefined
  const otherCountry = a.k !== undefined && b.k !== undefined && a.k !== b.k
  if (!postcodes && !cities) {
    if (otherCountry) out.place = PLACE.OTHER_COUNTRY
    return
  }
  const samePostcode = postcodes && a.p === b.p
  const nearPostcode =
    postcodes && !samePostcode && a.p!.length > 3 && editDistance(a.p!, b.p!, 1) <= 1
  const sameCity =
    cities &&
    (a.c === b.c ||
      wordSimilarity(a.c!, b.c!) >= 0.7 ||
      isLongerForm(a.c!, b.c!) ||
      isLongerForm(b.c!, a.c!))
  if (otherCountry && !(samePostcode && sameCity)) out.place = PLACE.OTHER_COUNTRY
  else if (samePostcode) {
    out.place = cities && !sameCity ? PLACE.POSTCODE : PLACE.ALL
    out.placeBits = Math.max(a.pb, sameCity ? a.cb : 0)
  } else if (sameCity) {
    out.place = !postcodes || nearPostcode ? PLACE.CITY : PLACE.OTHER_POSTCODE
    out.placeBits = Math.min(a.cb, b.cb)
  } else if (nearPostcode || (postcodes && a.p!.slice(0, 3) === b.p!.slice(0, 3)))
    out.place = PLACE.SIMILAR
  else out.place = PLACE.DIFFERENT
}

/** Returns whether one city name begins with the other, as "frankfurtammain" and "frankfurt". */
function isLongerForm(long: string, short: string): boolean {
  return short.length >= 4 && long.startsWith(short)
}
