import type { NameFeature } from './featureTypes.ts'
import type { GivenNames } from './givenNames.ts'

/** Words of a person's name with fewer bits are particles. */
export const PARTICLE_BITS_MAX = 1

/** Returns whether two words are one given name in two spellings. */
export function isOneSpelled(a: string, b: string, givenNames: GivenNames): boolean {
  return (
    givenNames.areSpelledAlike(a, b) && (givenNames.isGivenName(a) || givenNames.isGivenName(b))
  )
}

/** Returns whether two words of names that count as nearly equal differ by more than a slip. */
export function isOnlyAlike(a: string, b: string, givenNames: GivenNames): boolean {
  return Math.min(a.length, b.length) > 1 && !givenNames.isOneMiswritten(a, b)
}

/**
 * Returns whether the words at `at` are given names rather than surnames: by what words are known,
 * else by their place. A name that may be an organisation's has given names only where they are known.
 */
export function isGivenAt(
  a: NameFeature,
  b: NameFeature,
  [i, j]: readonly [number, number],
  givenNames: GivenNames,
): boolean {
  if (Math.min(a.b[i]!, b.b[j]!) <= PARTICLE_BITS_MAX) return false
  const isOneKnown = givenNames.isGivenName(a.t[i]!)
  const isTwoKnown = givenNames.isGivenName(b.t[j]!)
  if ((a.o !== 2 || b.o !== 2) && !(isOneKnown && isTwoKnown)) return false
  const isKnown = isOneKnown || isTwoKnown
  const isOtherKnown = a.t.some(
    (word, at) => at !== i && b.t.includes(word) && givenNames.isGivenName(word),
  )
  if (isKnown !== isOtherKnown) return isKnown
  if (a.t[0] === b.t[0] && givenNames.isSurnameFirst(a.t[0]!)) return true
  return i < a.t.length - 1 || j < b.t.length - 1
}

/**
 * Returns whether two persons of one surname have given names of other syllables, in languages whose
 * given names consist of syllables; the surname stands first or last.
 */
export function haveOtherGivenOfSyllables(
  a: NameFeature,
  b: NameFeature,
  givenNames: GivenNames,
): boolean {
  // Nearly all names end here.
  const ends = (words: readonly string[]) => [words[0]!, words.at(-1)!]
  const isFirst = ({ o, t }: NameFeature) =>
    o === 2 && (givenNames.isSurnameFirst(t[0]!) || givenNames.isSurnameFirst(t.at(-1)!))
  if (!isFirst(a) || !isFirst(b)) return false
  const [givenA, givenB] = [givenNames.vietnameseGiven(a.t), givenNames.vietnameseGiven(b.t)]
  if (givenA !== undefined && givenB !== undefined) {
    const isOneSurname = [a.t[0]!, a.t.at(-1)!].some(
      (word) => word !== givenA && (word === b.t[0] || word === b.t.at(-1)),
    )
    return isOneSurname && givenA !== givenB
  }
  const surname = ends(a.t).find(
    (word) => ends(b.t).includes(word) && givenNames.isSurnameFirst(word),
  )
  if (surname === undefined) return false
  const given = (words: readonly string[]) => words.filter((word) => word !== surname)
  return givenNames.haveOtherSyllables(surname, given(a.t), given(b.t))
}

const CHILD_OF = new Set(['bin', 'ibn', 'ben', 'bint', 'bn'])

/** Returns whether two names have the same words about "son of": Ahmad bin Salim, Salim bin Ahmad. */
export function areFatherAndSon(a: readonly string[], b: readonly string[]): boolean {
  return a[0] !== b[0] && CHILD_OF.has(a[1]!) && CHILD_OF.has(b[1]!)
}
