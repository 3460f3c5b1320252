import { isCountryWord } from '../standardise/country.ts'
import { isBusinessWord, isCompanionWord, isSchoolWord } from './businessWords.ts'
import { CAPS } from './caps.ts'
import type { NameFeature } from './featureTypes.ts'
import type { GivenNames } from './givenNames.ts'
import {
  areFatherAndSon,
  haveOtherGivenOfSyllables,
  isGivenAt,
  isOneSpelled,
  isOnlyAlike,
  PARTICLE_BITS_MAX,
} from './givenNamesOf.ts'
import { haveOtherKeys } from './haveOtherKeys.ts'
import { MISSING } from './priors.ts'
import { ABJAD_LETTERS_MAX, isOneInTwoScripts, scriptsOf } from './scripts.ts'
import { differInTwoLetters, wordSimilarity } from './similarity.ts'

/** Levels of the column "name", in the order of priors.ts. */
export const NAME = {
  EQUAL: 0,
  TYPING: 1,
  HOLDS: 2,
  OVERLAP: 3,
  SOME: 4,
  NOTHING: 5,
  SISTERS: 6,
  /** Organisations of one name: other legal forms, or a word for another kind of body. */
  KINDRED: 7,
  /** Persons: one surname, other given names. */
  RELATIVES: 8,
  /** Persons: one surname, given names that are alike, but not by a slip. */
  ALIKE: 9,
} as const

/**
 * Agreement of two values: the level, and the bits of the part they share (for the level's rarity).
 */
export interface Agreement {
  level: number
  bits: number
}

/** Similarity of two words that more than a slip separates, such as "haruka" and "haruto". */
const ONLY_SIMILAR = 0.7
/** Similarity of a word and its consonants in another script. */
const IN_TWO_SCRIPTS = 0.8
/** Similarity of a word and its abbreviation. */
const ABBREVIATED = 0.74
/** A beginning of so many letters, transliterated, is two or more Chinese characters. */
const HALF_LETTERS_MIN = 6
const usedB = new Uint8Array(64)
const usedA = new Uint8Array(64)

/**
 * Compares two names word by word: equal words first, then words equal but for typing, short forms
 * and initials, then words written apart or together. The words left over on either side decide the
 * level. Words count by their rarity.
 */
export function compareNames(
  a: NameFeature,
  b: NameFeature,
  givenNames: GivenNames,
  out: Agreement,
): void {
  const n = Math.min(a.t.length, 64)
  const m = Math.min(b.t.length, 64)
  const person = a.o !== 1 && b.o !== 1
  const scripts = scriptsOf(a, b)
  const inHan = scripts === 'HAN'
  usedA.fill(0, 0, n)
  usedB.fill(0, 0, m)
  let massA = 0
  let massB = 0
  for (let i = 0; i < n; i++) massA += Math.min(a.b[i]!, CAPS.wordBits)
  for (let j = 0; j < m; j++) massB += Math.min(b.b[j]!, CAPS.wordBits)
  let sharedA = 0
  let sharedB = 0
  let shared = 0
  let exact = 0
  let inexact = 0
  let worst = 1
  let firstAlike = 1
  let otherFirst = false
  let otherGiven = false
  let alikeAt: [number, number] | undefined
  let sharesSurname = false
  let otherForm = false
  for (let i = 0; i < n; i++)
    for (let j = 0; j < m; j++)
      if (usedB[j] === 0 && a.t[i] === b.t[j]) {
        usedA[i] = 1
        usedB[j] = 1
        // A word that names the place of one of the records has fewer bits in that record.
        const bitsA = Math.min(a.b[i]!, CAPS.wordBits)
        const bitsB = Math.min(b.b[j]!, CAPS.wordBits)
        sharedA += bitsA
        sharedB += bitsB
        shared += Math.min(bitsA, bitsB)
        exact++
        break
      }
  const restA = n - exact
  const restB = m - exact
  if (restA > 0 && restB > 0)
    for (let i = 0; i < n; i++) {
      if (usedA[i] === 1) continue
      const token = a.t[i]!
      let best = 0
      let at = -1
      for (let j = 0; j < m; j++) {
        if (usedB[j] === 1) continue
        const other = b.t[j]!
        if (inHan) continue
        if (person && givenNames.isOther(token, other)) {
          otherGiven = true
          continue
        }
        let alike = wordSimilarity(token, other)
        if (scripts === 'ABJAD' && Math.min(token.length, other.length) <= ABJAD_LETTERS_MAX) {
          if (alike > 0) otherGiven = true
          alike = 0
        }
        if (alike < 0.9 && givenNames.isSame(token, other)) alike = 0.9
        if (alike < 0.9 && person && isOneSpelled(token, other, givenNames)) alike = 0.9
        if (alike < IN_TWO_SCRIPTS && isOneInTwoScripts(token, other, scripts))
          alike = IN_TWO_SCRIPTS
        if (alike < ABBREVIATED && !person && isAbbreviation(token, other)) alike = ABBREVIATED
        if (
          alike === 0 &&
          person &&
          token[0] === other[0] &&
          (token.length === 1 || other.length === 1)
        )
          alike = 0.75
        if (alike > best) {
          best = alike
          at = j
        }
      }
      if (at >= 0 && best >= 0.5) {
        usedA[i] = 1
        usedB[at] = 1
        const bitsA = Math.min(a.b[i]!, CAPS.wordBits)
        const bitsB = Math.min(b.b[at]!, CAPS.wordBits)
        if (best < worst) worst = best
        if (i === 0 && at === 0 && n > 1) {
          firstAlike = best
          otherFirst =
            differInTwoLetters(token, b.t[at]!) && isOnlyAlike(token, b.t[at]!, givenNames)
        }
        if (person && givenNames.isOneSurname(token, b.t[at]!)) sharesSurname = true
        else if (person && givenNames.isSame(token, b.t[at]!)) otherForm = true
        else if (person && scripts === undefined && isOnlyAlike(token, b.t[at]!, givenNames))
          alikeAt = [i, at]
        sharedA += bitsA * best
        sharedB += bitsB * best
        shared += Math.min(bitsA, bitsB) * best
        inexact++
      }
    }
  out.bits = Math.min(shared, CAPS.nameBits)
  if (person && a.h && b.h && a.h !== b.h && exact + inexact > 0) {
    out.level = NAME.RELATIVES
    return
  }
  if (exact + inexact === 0 && (a.z === 2) !== (b.z === 2)) {
    out.level = MISSING
    return
  }
  if (person && scripts === undefined && haveOtherGivenOfSyllables(a, b, givenNames)) {
    out.level = exact + inexact < Math.max(n, m) ? NAME.RELATIVES : NAME.ALIKE
    return
  }
  const leftA = n - exact - inexact
  const leftB = m - exact - inexact
  if (leftA === 0 && leftB === 0) {
    if (inexact === 0) out.level = person && areFatherAndSon(a.t, b.t) ? NAME.RELATIVES : NAME.EQUAL
    // "Stadt" may begin "Stadtwerke" as well as abbreviate it.
    else if (!person && worst === ABBREVIATED) out.level = NAME.HOLDS
    else if (person && otherFirst && inexact === 1) out.level = NAME.RELATIVES
    // One short form of a man's name and of a woman's, beside a surname of each.
    else if (sharesSurname && otherForm) out.level = NAME.RELATIVES
    else if (alikeAt && (exact > 0 || sharesSurname) && isGivenAt(a, b, alikeAt, givenNames))
      out.level = NAME.ALIKE
    else if (person && firstAlike === ONLY_SIMILAR) out.level = NAME.OVERLAP
    else out.level = sharedA / massA > 0.7 ? NAME.TYPING : NAME.OVERLAP
    return
  }
  if (inHan && exact === 0 && n === 1 && m === 1) {
    const [short, long] = a.t[0]!.length < b.t[0]!.length ? [a, b] : [b, a]
    if (!isOneWord(long, short)) {
      const half = short.t[0]!.length >> 1
      const isHalf = half >= HALF_LETTERS_MIN && long.t[0]!.startsWith(short.t[0]!.slice(0, half))
      out.level = isHalf ? NAME.OVERLAP : NAME.NOTHING
      out.bits = isHalf ? Math.min(massA, massB) / 2 : 0
    } else {
      const rest = long.t[0]!.slice(short.t[0]!.length)
      out.level = isCompanionWord(rest) ? NAME.KINDRED : NAME.HOLDS
      out.bits = Math.min(massA, massB)
    }
    return
  }
  if (
    !otherGiven &&
    !inHan &&
    (isSameWithoutBlanks(a, b, n, m, person, givenNames) || isRestJoined(a, b, n, m))
  ) {
    out.level = NAME.TYPING
    out.bits = Math.min(Math.max(massA, massB), CAPS.nameBits)
    return
  }
  const partA = massA > 0 ? sharedA / massA : 0
  const partB = massB > 0 ? sharedB / massB : 0
  const high = Math.max(partA, partB)
  const low = Math.min(partA, partB)
  if (person && leftA > 0 && leftB > 0 && areRelatives(a, b, n, m, givenNames)) {
    out.level = NAME.RELATIVES
    return
  }
  if (!person && exact + inexact > 0 && high > 0.3 && nameOneCompanion(a, b, n, m)) {
    out.level = NAME.KINDRED
    return
  }
  if (leftA > 0 && leftB > 0) {
    if (
      !person &&
      exact + inexact > 0 &&
      hasOnlyBusinessWordsLeft(a, n, usedA) &&
      hasOnlyBusinessWordsLeft(b, m, usedB) &&
      low > 0.3
    ) {
      out.level = NAME.SISTERS
      return
    }
    out.level = low >= 0.5 ? NAME.OVERLAP : high >= 0.3 && shared >= 4 ? NAME.SOME : NAME.NOTHING
    return
  }
  if (isAcronym(a, b) || isAcronym(b, a) || isOneWord(a, b) || isOneWord(b, a))
    out.level = NAME.HOLDS
  else if (high >= 0.75 && (low >= 0.35 || exact + inexact >= 2)) out.level = NAME.HOLDS
  else if (high >= 0.5) out.level = low >= 0.25 ? NAME.OVERLAP : NAME.SOME
  else out.level = high >= 0.3 ? NAME.SOME : NAME.NOTHING
}

/** Returns whether what is left over on both sides begins with a given name. */
function isGivenLeft(
  a: NameFeature,
  b: NameFeature,
  n: number,
  m: number,
  givenNames: GivenNames,
): boolean {
  const [i, j] = [usedA.subarray(0, n).indexOf(0), usedB.subarray(0, m).indexOf(0)]
  return i >= 0 && j >= 0 && isGivenAt(a, b, [i, j], givenNames)
}

/**
 * Returns whether two persons share a surname and have other given names. A shared word is the
 * surname if it stands last in both names, or if it is the only one and no known given name: many
 * languages write the surname first.
 */
function areRelatives(
  a: NameFeature,
  b: NameFeature,
  n: number,
  m: number,
  givenNames: GivenNames,
): boolean {
  if (
    hasOnlyGivenNamesLeft(a, n, usedA, givenNames) &&
    hasOnlyGivenNamesLeft(b, m, usedB, givenNames)
  )
    return true
  if (a.o !== 2 || b.o !== 2) return false
  const isSharedLast = usedA[n - 1] === 1 && usedB[m - 1] === 1
  const isOwnFirst = usedA[0] === 0 && usedB[0] === 0
  if (isSharedLast && isOwnFirst)
    return mayBeginWithGivenName(a, n, givenNames) || mayBeginWithGivenName(b, m, givenNames)
  return sharesOnlySurname(a, n, usedA, givenNames) && sharesOnlySurname(b, m, usedB, givenNames)
}

/** Returns whether one word is shared besides particles, and it is no given name. */
function sharesOnlySurname(
  name: NameFeature,
  count: number,
  used: Uint8Array,
  givenNames: GivenNames,
): boolean {
  const words = name.t.filter(
    (_, i) => i < count && used[i] === 1 && name.b[i]! > PARTICLE_BITS_MAX,
  )
  return words.length === 1 && !givenNames.isKnown(words[0]!)
}

function mayBeginWithGivenName(name: NameFeature, count: number, givenNames: GivenNames): boolean {
  return givenNames.isKnown(name.t[0]!) || !givenNames.isKnown(name.t[count - 1]!)
}

/** Returns whether the words left over are given names, and no shared word is one. */
function hasOnlyGivenNamesLeft(
  name: NameFeature,
  count: number,
  used: Uint8Array,
  givenNames: GivenNames,
): boolean {
  for (let i = 0; i < count; i++)
    if (givenNames.isKnown(name.t[i]!) === (used[i] === 1)) return false
  return true
}

/**
 * Returns whether the words left over on one side only name another body beside the organisation:
 * "Hagen" and "Hagen Verwaltungs", a university and its press. Numbers are none of these words: a
 * branch or a fund is written with and without its number, and with that of the year before.
 */
function nameOneCompanion(a: NameFeature, b: NameFeature, n: number, m: number): boolean {
  return hasOnlyCompanionWordsLeft(a, n, usedA) || hasOnlyCompanionWordsLeft(b, m, usedB)
}

/** A companion may be a school, whose name alone does not part it: "School of Nursing". */
function hasOnlyCompanionWordsLeft(name: NameFeature, count: number, used: Uint8Array): boolean {
  let companions = 0
  for (let i = 0; i < count; i++)
    if (used[i] === 0) {
      const word = name.t[i]!
      if (isCompanionWord(word) || isOtherCountry(name, word)) companions++
      else if (!isSchoolWord(word)) return false
    }
  return companions > 0
}

/**
 * Returns whether a word is a country that is not the record's own: "Acme Mexico" is another company
 * than "Acme", unless both are known to be in Mexico.
 */
function isOtherCountry(name: NameFeature, word: string): boolean {
  return isCountryWord(word) && name.p?.includes(word) !== true
}

/**
 * Returns whether two organisations have legal forms, and none in common, over all their names. A
 * name without its form says nothing.
 */
export function haveOtherLegalForms(a: readonly NameFeature[], b: readonly NameFeature[]): boolean {
  return haveOtherKeys(a, b, (name) => name.f)
}

/**
 * Returns whether the names at `at` are only what two branches have in common: each record has a
 * longer name that adds its own line of business or place. "Acme" of "Acme India" is no evidence
 * for "Acme Singapore", which is called "Acme" too.
 */
export function areBranches(
  a: readonly NameFeature[],
  b: readonly NameFeature[],
  at: readonly [number, number],
): boolean {
  const ownA = branchWords(a, a[at[0]]!)
  const ownB = branchWords(b, b[at[1]]!)
  return ownA.some((one) => ownB.some((other) => !one.some((word) => other.includes(word))))
}

/** Returns what the longer names add to a name, where it is lines of business and places alone. */
function branchWords(names: readonly NameFeature[], short: NameFeature): string[][] {
  return names
    .filter(({ t }) => t.length > short.t.length && short.t.every((word) => t.includes(word)))
    .map(({ t, p }) => ({ own: t.filter((word) => !short.t.includes(word)), p }))
    .filter(({ own, p }) => own.every((word) => isBusinessWord(word) || p?.includes(word)))
    .map(({ own }) => own)
}

/**
 * Returns whether one word is an abbreviation of four letters or more: "bouwbedr" for
 * "bouwbedrijf".
 */
function isAbbreviation(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  return (
    short.length >= 4 &&
    short.length < long.length &&
    long.startsWith(short) &&
    !isCompanionWord(long)
  )
}

/**
 * Returns whether two names differ only in blanks: "Good Will" and "Goodwill", "JanDaniel Bothma".
 */
function isSameWithoutBlanks(
  a: NameFeature,
  b: NameFeature,
  n: number,
  m: number,
  person: boolean,
  givenNames: GivenNames,
): boolean {
  const joinedA = a.t.join('')
  const joinedB = b.t.join('')
  if (joinedA.length < 5 || Math.abs(joinedA.length - joinedB.length) > 1) return false
  if (joinedA === joinedB) return true
  if (joinedA.length < 8 || wordSimilarity(joinedA, joinedB) < 0.85) return false
  if (n !== m) return true
  // Letters that differ are few in a whole name, and many in the given name alone.
  if (person && isGivenLeft(a, b, n, m, givenNames)) return false
  if (person && a.t[n - 1] === b.t[m - 1] && differInTwoLetters(a.t[0]!, b.t[0]!)) return false
  return !onlyInitialsDiffer(a.t, b.t, n)
}

/**
 * Returns whether what is left over is one word on one side and its parts on the other, wherever it
 * stands: "Xiu Ying Zhang" and "Zhang Xiuying".
 */
function isRestJoined(a: NameFeature, b: NameFeature, n: number, m: number): boolean {
  const restA = a.t.filter((_, i) => i < n && usedA[i] === 0)
  const restB = b.t.filter((_, i) => i < m && usedB[i] === 0)
  if (restA.length === restB.length || Math.min(restA.length, restB.length) !== 1) return false
  const [joined, other] = [restA.join(''), restB.join('')]
  return joined.length >= 5 && joined === other
}

const ROMAN_OR_DIGIT = /\d|^[ivx]+ [ivx]+$/

/** "John A Smith" and "John B Smith" are one letter apart, and two people; so are funds II and III. */
function onlyInitialsDiffer(a: readonly string[], b: readonly string[], n: number): boolean {
  for (let i = 0; i < n; i++)
    if (
      a[i] !== b[i] &&
      (a[i]!.length === 1 || b[i]!.length === 1 || ROMAN_OR_DIGIT.test(`${a[i]} ${b[i]}`))
    )
      return true
  return false
}

/**
 * Returns whether the words left over only name a company of a group or a branch: "Acme London" in
 * London, "Acme Paris" in Paris.
 */
function hasOnlyBusinessWordsLeft(name: NameFeature, count: number, used: Uint8Array): boolean {
  for (let i = 0; i < count; i++)
    if (
      used[i] === 0 &&
      !isBusinessWord(name.t[i]!) &&
      !isCountryWord(name.t[i]!) &&
      !name.p?.includes(name.t[i]!)
    )
      return false
  return true
}

/**
 * Returns whether another script writes the name as one word that begins with the other name:
 * "longshengrunjixie" and "Longshengrun".
 */
function isOneWord(long: NameFeature, short: NameFeature): boolean {
  return (
    long.t.length === 1 &&
    short.t[0]!.length >= 6 &&
    long.t[0]!.length > short.t[0]!.length &&
    long.t[0]!.startsWith(short.t[0]!)
  )
}

/**
 * Returns whether the first name is an acronym of the second: one word of three letters or more,
 * made of the first letters of the other's words, as "BMW" for "Bayerische Motoren Werke".
 */
function isAcronym(short: NameFeature, long: NameFeature): boolean {
  const word = short.t[0]!
  if (short.t.length !== 1 || word.length < 3 || long.t.length !== word.length) return false
  for (let i = 0; i < word.length; i++) if (long.t[i]![0] !== word[i]) return false
  return true
}
