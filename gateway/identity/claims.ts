import { ownValue } from '../../schema/kit/dictionary.ts'
import { normalText } from '../../schema/kit/normalText.ts'
import { unauthenticated } from './caller.ts'

/** Words of one claim. */
const wordsMax = 100
const wordCharsMax = 200
/** The claim that stands for no limit. It may be the only word. */
export const UNLIMITED = '*'

/**
 * Returns the regions or legal entities of a claim: a list of texts, or a text of words with one
 * blank between; `*` alone is no limit. Undefined for a token without the claim. Any other shape
 * could be read as wider rights than were meant, so it throws 401 with the claim and what would be
 * right.
 */
export function boundsOf(claim: unknown, name: string): string[] | undefined {
  if (claim === undefined) return undefined
  const words = listOf(claim, name)
  if (words.length === 1 && words[0] === UNLIMITED) return words
  // A text of one name with blanks, as "Alpha * Omega", must not become three words.
  if (words.includes(UNLIMITED) || (typeof claim === 'string' && claim.includes(UNLIMITED)))
    refuse(name, 'has * beside other words; * stands alone, for no limit')
  for (const word of words) {
    // Another spelling of a value matches no row, and nobody would see why.
    if (word === '' || word.length > wordCharsMax || word !== normalText(word))
      refuse(
        name,
        `has a word that is empty, longer than ${wordCharsMax} characters or with blanks at its ends or characters that cannot be seen`,
      )
  }
  return words
}

/**
 * Returns the roles of a claim. Whatever names no role gives no rights, so any shape is harmless.
 */
export function rolesOf(claim: unknown): string[] {
  const words = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []
  return words.filter((w): w is string => typeof w === 'string' && w !== '').slice(0, wordsMax)
}

function listOf(claim: unknown, name: string): string[] {
  const words = typeof claim === 'string' ? wordsOf(claim, name) : claim
  if (!Array.isArray(words) || !words.every((word): word is string => typeof word === 'string'))
    return refuse(name, 'is neither a list of texts nor a text of words with a blank between')
  if (words.length > wordsMax) refuse(name, `has more than ${wordsMax} words`)
  return words
}

function wordsOf(text: string, name: string): string[] {
  if (text === '') return []
  const words = text.split(' ')
  if (words.some((word) => word === '' || /[\s,;]/.test(word)))
    return refuse(
      name,
      'is a text with other separators than one blank; names with blanks or commas are written as a list',
    )
  return words
}

function refuse(name: string, what: string): never {
  throw unauthenticated(`The token's claim "${name}" ${what}`)
}

/** Returns the claim at a path with dots, as `realm_access.roles`. */
export function claimAt(payload: object, path: string): unknown {
  return path.split('.').reduce<unknown>((at, name) => own(at, name), payload)
}

function own(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? ownValue(value as Record<string, unknown>, name)
    : undefined
}
