import { isGtinCheckDigitValid, mod97 } from '../../schema/kit/checkDigits.ts'
import type { Identifier } from './featureShapes.ts'
import { parseVatNumber } from './vatNumber.ts'

/** Identifiers longer than this are cut. */
const IDENTIFIER_CHARS_MAX = 64

/**
 * Reads an identifier: LEI (ISO 17442), IBAN (ISO 13616), GTIN-8/12/13/14, VAT numbers with country
 * prefix. Other identifiers keep their letters and digits, with their shape as the scheme ("A2-9"
 * is one letter, then a run of digits). Returns null for dummies: 000-00-0000, 123456789, 99999,
 * "n/a".
 * @param folded lower-case Latin text
 */
export function parseIdentifier(folded: string): Identifier | null {
  const bare = folded
    .replace(/[^a-z0-9]/g, '')
    .toUpperCase()
    .slice(0, IDENTIFIER_CHARS_MAX)
  if (bare.length < 2 || isDummy(bare)) return null
  if (bare.length === 20 && /^[A-Z0-9]{18}\d\d$/.test(bare) && mod97(bare) === 1)
    return { scheme: 'LEI', value: bare, checked: true }
  if (
    bare.length >= 15 &&
    bare.length <= 34 &&
    /^[A-Z]{2}\d\d/.test(bare) &&
    mod97(bare.slice(4) + bare.slice(0, 4)) === 1
  )
    return { scheme: 'IBAN', value: bare, checked: true }
  const vatNumber = parseVatNumber(bare)
  if (vatNumber) return vatNumber
  if (/^\d+$/.test(bare) && [8, 12, 13, 14].includes(bare.length) && isGtinCheckDigitValid(bare))
    return { scheme: 'GTIN', value: bare.padStart(14, '0'), checked: true }
  return { scheme: shape(bare), value: bare.replace(/^0+(?=\d)/, ''), checked: false }
}

function isDummy(bare: string): boolean {
  if (/^(.)\1*$/.test(bare)) return true
  if (bare.length >= 5 && ('0123456789012345'.includes(bare) || '9876543210'.includes(bare)))
    return true
  return /^(NA|NONE|NULL|UNKNOWN|TBD|TEST|NIL|PENDING|DUMMY|XX+)$/.test(bare)
}

/**
 * Returns the runs of letters and digits: "K2D8" for two letters and eight digits. Values of one
 * shape are one scheme.
 */
function shape(bare: string): string {
  let text = ''
  for (const run of bare.match(/[A-Z]+|\d+/g) ?? [])
    text += (run[0]! >= 'A' ? 'K' : 'D') + run.length
  return text.slice(0, 24)
}
