/**
 * Scripts of two names: both in Chinese characters, both in Arabic or Hebrew letters, or the first
 * or the second of them in such letters.
 */
export type Scripts = 'HAN' | 'ABJAD' | 'ABJAD_FIRST' | 'ABJAD_SECOND' | undefined

/**
 * Without vowels each letter counts: words of up to so many letters that differ in one are two names
 * ("syd" and "swd", Saeed and Saud), not a slip.
 */
export const ABJAD_LETTERS_MAX = 4

/** Letters that one script keeps apart and the other does not, each class as one letter. */
const CLASSES: readonly (readonly [RegExp, string])[] = [
  [/([tdg])h/g, '$1'],
  [/[bpvf]/g, 'b'],
  [/[kqcx]/g, 'k'],
  [/[gj]/g, 'j'],
  [/z/g, 's'],
]
/** Shorter skeletons fit too many names. */
const SKELETON_LETTERS_MIN = 2

/** Returns what the scripts of two names mean for comparing them. */
export function scriptsOf(a: { z?: 1 | 2 | 3 }, b: { z?: 1 | 2 | 3 }): Scripts {
  if (a.z === 3 && b.z === 3) return 'ABJAD'
  if (a.z === 3 && b.z === undefined) return 'ABJAD_FIRST'
  if (b.z === 3 && a.z === undefined) return 'ABJAD_SECOND'
  return a.z !== undefined && b.z !== undefined && a.z !== 3 && b.z !== 3 ? 'HAN' : undefined
}

/** Returns whether two words can be one name, in Arabic or Hebrew letters and in Latin ones. */
export function isOneInTwoScripts(a: string, b: string, scripts: Scripts): boolean {
  if (scripts === 'ABJAD_FIRST') return isOneSkeleton(a, b)
  return scripts === 'ABJAD_SECOND' && isOneSkeleton(b, a)
}

/**
 * Returns whether a word that was transliterated from Arabic or Hebrew and a word in Latin letters can
 * be one name: "fysl" and "faisal". Those scripts leave short vowels out, so only consonants compare.
 * The article may be written in one with the word: "lkhtyb" and "khatib".
 */
function isOneSkeleton(abjad: string, latin: string): boolean {
  const other = skeleton(latin)
  if (other.length < SKELETON_LETTERS_MIN) return false
  return skeleton(abjad) === other || (abjad.startsWith('l') && skeleton(abjad.slice(1)) === other)
}

function skeleton(word: string): string {
  let letters = word.replace(/[aeiouyw]/g, '')
  for (const [written, letter] of CLASSES) letters = letters.replace(written, letter)
  return letters.replace(/(.)\1+/g, '$1').replace(/(?<=.)h$/, '')
}
