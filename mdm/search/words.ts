import { fold } from '../standardise/text.ts'

/** Longest word that is stored and searched; the rest of a longer one is cut. */
export const wordCharsMax = 40
/** Largest number of words of one value: those after it are not searched. */
const wordsPerValueMax = 60
/** Marks a whole value among the words of a record. No word contains it. */
export const WHOLE = '='
/** The word of a record of whose values some are not among its words as a whole. */
export const UNSURE = WHOLE
/** Whole values of more characters, such as descriptions, are found by their words only. */
const wholeCharsMax = 120

/** Chinese characters have no blanks between words: each counts as a word. */
const HAN = /\p{Script=Han}/gu
const hasHan = /\p{Script=Han}/u

/** Returns the folded words of a text: lower-case Latin letters and digits, whatever its script. */
export function wordsOf(text: string): string[] {
  const folded = fold(hasHan.test(text) ? text.replace(HAN, ' $& ') : text)
  const found = folded.match(/[a-z0-9]+/g) ?? []
  return found.slice(0, wordsPerValueMax).map((w) => w.slice(0, wordCharsMax))
}

/**
 * Returns a text as one word, so that identifiers are equal however they are punctuated:
 * `DE 136.695.976` and `de136695976`. Null if nothing of it can be searched.
 */
export function wholeOf(words: readonly string[]): string | null {
  const whole = words.join('')
  return whole.length === 0 || whole.length > wholeCharsMax ? null : WHOLE + whole
}

/** Words in which a typing error is looked for: of letters, and not too short. */
const MISTYPED = /^[a-z]{4,24}$/

/** Returns whether a search looks for words that resemble this one. Numbers with an error are others. */
export function canBeMistyped(word: string): boolean {
  return MISTYPED.test(word)
}

/** One text of every script that the fold knows to treat specially: its result is the fold's version. */
const SAMPLE = 'Straße Søren İzmir ΑΘΗΝΑ Москва 東京 محمد Ñandú Łódź d’Or G.m.b.H. Ünïcödé'

/** A number that changes when other words are written for equal values. */
const rules = 2

/** Returns a text that changes when the words of equal values do. */
export function foldVersion(): string {
  return `${rules} ${wordsOf(SAMPLE).join(' ')} ${wordsPerValueMax} ${wholeCharsMax}`
}
