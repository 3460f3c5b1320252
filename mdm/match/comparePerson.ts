import type { PersonFeature } from './featureTypes.ts'
import type { GivenNames } from './givenNames.ts'
import { MISSING } from './priors.ts'
import { ABJAD_LETTERS_MAX, isOneInTwoScripts, type Scripts, scriptsOf } from './scripts.ts'
import { differInTwoLetters, editDistance, jaroWinkler } from './similarity.ts'

const GIVEN = {
  EQUAL: 0,
  FORM: 1,
  NEAR: 2,
  SIMILAR: 3,
  INITIAL: 4,
  DIFFERENT: 5,
  OTHER: 6,
  ALIKE: 7,
} as const
const SURNAME = { EQUAL: 0, NEAR: 1, SIMILAR: 2, DIFFERENT: 3 } as const

/** Agreement of two persons' names: a level and bits for given name and surname each. */
export interface PersonAgreement {
  given: number
  givenBits: number
  surname: number
  surnameBits: number
}

const direct: PersonAgreement = { given: 0, givenBits: 0, surname: 0, surnameBits: 0 }

/**
 * Compares given names and surnames that have fields of their own. If the names agree only
 * crosswise (the source swapped the fields), the crosswise agreement counts, one level lower.
 */
export function comparePersons(
  a: PersonFeature,
  b: PersonFeature,
  givenNames: GivenNames,
  out: PersonAgreement,
): void {
  const scripts = scriptsOf(a, b)
  bestGiven(a.g, a.gb, b.g, givenNames, scripts, out)
  bestSurname(a.s, a.sb, b.s, givenNames, scripts, out)
  if (out.surname === SURNAME.EQUAL) out.given = besideEqualSurname(out.given, a, b, givenNames)
  const agrees =
    (out.given !== MISSING && out.given <= GIVEN.NEAR) ||
    (out.surname !== MISSING && out.surname <= SURNAME.NEAR)
  if (agrees || a.g.length + a.s.length === 0 || b.g.length + b.s.length === 0) return
  bestGiven(a.g, a.gb, b.s, givenNames, scripts, direct)
  bestSurname(a.s, a.sb, b.g, givenNames, scripts, direct)
  const crosswise =
    (direct.given === MISSING || direct.given <= GIVEN.NEAR) &&
    (direct.surname === MISSING || direct.surname <= SURNAME.NEAR) &&
    direct.given + direct.surname > 2 * MISSING
  if (!crosswise) return
  out.given = direct.given === MISSING ? MISSING : Math.max(direct.given, GIVEN.FORM)
  out.givenBits = direct.givenBits
  out.surname = direct.surname === MISSING ? MISSING : Math.max(direct.surname, SURNAME.NEAR)
  out.surnameBits = direct.surnameBits
}

/**
 * Returns the level of the given names beside an equal surname: relatives are named alike, a man and a
 * woman have one short form ("Petar Stoyanov", "Petya Stoyanova"), and languages that write the surname
 * first have given names of syllables.
 */
function besideEqualSurname(
  level: number,
  a: PersonFeature,
  b: PersonFeature,
  givenNames: GivenNames,
): number {
  if (level === GIVEN.DIFFERENT) return GIVEN.OTHER
  if (level === MISSING || level === GIVEN.EQUAL || level === GIVEN.INITIAL) return level
  if (level === GIVEN.FORM && haveSurnamesOfTwoSexes(a.s, b.s, givenNames)) return GIVEN.OTHER
  const pairs = a.g.flatMap((one) => b.g.map((other) => [one, other] as const))
  if (
    a.s.some((surname) =>
      pairs.every(([one, other]) => givenNames.haveOtherSyllables(surname, [one], [other])),
    )
  )
    return GIVEN.OTHER
  const isNear = level === GIVEN.NEAR || level === GIVEN.SIMILAR
  // Relatives have names that are known somewhere: of two unknown ones that differ inside, one is a slip.
  const isOne = ([one, other]: readonly [string, string]) =>
    givenNames.isOneMiswritten(one, other) ||
    (level === GIVEN.NEAR &&
      one[0] === other[0] &&
      one.at(-1) === other.at(-1) &&
      !givenNames.isGivenName(one) &&
      !givenNames.isGivenName(other))
  if (!isNear || pairs.some(isOne)) return level
  // In a word that is no name, two letters can be replaced by two slips.
  const areTwo = ([one, other]: readonly [string, string]) =>
    differInTwoLetters(one, other) && givenNames.isGivenName(one) && givenNames.isGivenName(other)
  return pairs.every(areTwo) ? GIVEN.OTHER : GIVEN.ALIKE
}

/** Returns whether one has the man's form of a surname and the other the woman's: Stoyanov, Stoyanova. */
function haveSurnamesOfTwoSexes(
  a: readonly string[],
  b: readonly string[],
  givenNames: GivenNames,
): boolean {
  return a.every((one) => b.every((other) => one !== other && givenNames.isOneSurname(one, other)))
}

function bestGiven(
  a: readonly string[],
  bits: readonly number[],
  b: readonly string[],
  givenNames: GivenNames,
  scripts: Scripts,
  out: PersonAgreement,
): void {
  out.given = MISSING
  out.givenBits = 0
  for (let i = 0; i < a.length; i++)
    for (let j = 0; j < b.length; j++) {
      const level = givenLevel(a[i]!, b[j]!, givenNames, scripts)
      if (out.given === MISSING || level < out.given) {
        out.given = level
        out.givenBits = bits[i]!
      }
    }
}

function bestSurname(
  a: readonly string[],
  bits: readonly number[],
  b: readonly string[],
  givenNames: GivenNames,
  scripts: Scripts,
  out: PersonAgreement,
): void {
  out.surname = MISSING
  out.surnameBits = 0
  for (let i = 0; i < a.length; i++)
    for (let j = 0; j < b.length; j++) {
      const level = surnameLevel(a[i]!, b[j]!, givenNames, scripts)
      if (out.surname === MISSING || level < out.surname) {
        out.surname = level
        out.surnameBits = bits[i]!
      }
    }
}

/**
 * Returns whether neither the first nor the last letter agrees. Such names are not compared letter
 * by letter: typing errors hit both ends only rarely.
 */
function bothEndsDiffer(a: string, b: string): boolean {
  return (
    a.charCodeAt(0) !== b.charCodeAt(0) && a.charCodeAt(a.length - 1) !== b.charCodeAt(b.length - 1)
  )
}

function givenLevel(a: string, b: string, givenNames: GivenNames, scripts: Scripts): number {
  if (a === b) return GIVEN.EQUAL
  if (isOneInTwoScripts(a, b, scripts)) return GIVEN.FORM
  const shortest = Math.min(a.length, b.length)
  if (shortest === 1) return a[0] === b[0] ? GIVEN.INITIAL : GIVEN.DIFFERENT
  if (scripts === 'HAN' || givenNames.isManAndWoman(a, b)) return GIVEN.OTHER
  if (scripts === 'ABJAD' && shortest <= ABJAD_LETTERS_MAX) return GIVEN.DIFFERENT
  if (givenNames.isSame(a, b) || isOneOf(a, b, givenNames) || isOneOf(b, a, givenNames))
    return GIVEN.FORM
  // Two initials: "jb" for "jeanbaptiste".
  if (shortest === 2 && a.length + b.length > 6 && a[0] === b[0]) return GIVEN.INITIAL
  if (givenNames.areSpelledAlike(a, b) || isTurned(a, b)) return GIVEN.FORM
  if (bothEndsDiffer(a, b) || givenNames.haveOtherSeconds(a, b)) return GIVEN.DIFFERENT
  const longest = Math.max(a.length, b.length)
  const edits = editDistance(a, b, 2)
  if (edits === 1 && shortest >= 3) return GIVEN.NEAR
  if (edits === 2 && longest >= 7 && !differInTwoLetters(a, b)) return GIVEN.NEAR
  const alike = jaroWinkler(a, b)
  return (edits === 2 && longest >= 5) || alike >= 0.85 ? GIVEN.SIMILAR : GIVEN.DIFFERENT
}

/** Returns whether two given names of two words, in one, stand in the other order. */
function isTurned(a: string, b: string): boolean {
  return a.length === b.length && a.length >= TURNED_LETTERS_MIN && (a + a).includes(b)
}
const TURNED_LETTERS_MIN = 6

/**
 * Returns whether one name is the first of several, "wolf" of "wolfdieter", or a later one by which
 * the person is called. "Ana" and "Anabel" are two names.
 */
function isOneOf(short: string, long: string, givenNames: GivenNames): boolean {
  if (short.length < 3 || long.length < short.length + 3) return false
  if (long.startsWith(short))
    return !givenNames.isGivenName(long) || givenNames.isWholeGivenName(long.slice(short.length))
  return (
    short.length >= CALLED_LETTERS_MIN &&
    long.endsWith(short) &&
    givenNames.isWholeGivenName(long.slice(0, -short.length))
  )
}
const CALLED_LETTERS_MIN = 4

function surnameLevel(a: string, b: string, givenNames: GivenNames, scripts: Scripts): number {
  if (a === b || givenNames.isOneSurname(a, b)) return SURNAME.EQUAL
  if (isOneInTwoScripts(a, b, scripts)) return SURNAME.NEAR
  if (bothEndsDiffer(a, b))
    return isHalfOf(a, b) || isHalfOf(b, a) ? SURNAME.SIMILAR : SURNAME.DIFFERENT
  const longest = Math.max(a.length, b.length)
  const edits = editDistance(a, b, 2)
  if ((edits === 1 && longest >= 4) || (edits === 2 && longest >= 7)) return SURNAME.NEAR
  if (edits === 1 || (edits === 2 && longest >= 5)) return SURNAME.SIMILAR
  if (jaroWinkler(a, b) >= 0.88 && !haveOtherEnds(a, b)) return SURNAME.SIMILAR
  return isHalfOf(a, b) || isHalfOf(b, a) ? SURNAME.SIMILAR : SURNAME.DIFFERENT
}

/** Letters of a second surname, or of the second part of one. */
const SECOND_LETTERS_MIN = 4

/**
 * Returns whether two surnames share no more than their beginning: the second surnames of
 * "santamariavela" and "santamarialozano" are two, as are "schwarzenberg" and "schwarzkopf".
 */
function haveOtherEnds(a: string, b: string): boolean {
  const shortest = Math.min(a.length, b.length)
  let same = 0
  while (same < shortest && a[same] === b[same]) same++
  const [restA, restB] = [a.slice(same), b.slice(same)]
  return (
    Math.min(restA.length, restB.length) >= SECOND_LETTERS_MIN && jaroWinkler(restA, restB) < 0.7
  )
}

/** Returns whether one name is a half of the other, a double name: "meierschmidt" and "schmidt". */
function isHalfOf(short: string, long: string): boolean {
  return (
    short.length >= 5 &&
    long.length > short.length + 2 &&
    (long.startsWith(short) || long.endsWith(short))
  )
}
