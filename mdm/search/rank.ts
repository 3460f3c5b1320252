import { editDistance } from '../match/similarity.ts'
import type { SearchField, SearchValue } from './searchFields.ts'
import { canBeMistyped, wholeOf, wordsOf } from './words.ts'

/** How a value or an id agrees with the text of a search. */
export type SearchMatch = 'ID' | 'SOURCE_ID' | 'EQUAL' | 'PREFIX' | 'WORDS' | 'SIMILAR'

/** A text to search for: as given, and folded. */
export interface SearchText {
  text: string
  words: string[]
  whole: string | null
}

export interface Ranked {
  match: SearchMatch
  /** 0 to 1. */
  score: number
  field: SearchField
  /** The value as the record has it. */
  value: string
}

/** Longer texts name nothing that a list of hits could show. */
export const searchCharsMax = 200
/** Words after these do not select records; all of them rank. */
export const searchWordsMax = 8

export function searchText(text: string): SearchText {
  const words = wordsOf(text)
  return { text, words, whole: wholeOf(words) }
}

// The order is the contract: equal before the beginning, that before words, those before errors.
const EQUAL = 0.98
const PREFIX = 0.9
const WORDS = 0.85
/** Part of the score that grows with the share of the value that the text covers. */
const COVERAGE = 0.04
/** Decides between equal scores: the first field of a type is mostly its name. */
const FIELD = 0.005
/** Least share of the text, by letters, that a record must have. */
const shareMin = 0.5
/** Least length of a part inside a word. */
const insideCharsMin = 4

/**
 * Ranks a record by the values that the caller may see. Returns null if the text is in none of them.
 */
export function rank(search: SearchText, values: readonly SearchValue[]): Ranked | null {
  const letters = search.words.reduce((n, w) => n + w.length, 0)
  if (letters === 0) return null
  const best = search.words.map(() => 0)
  let found: { ranked: Ranked; strength: number } | null = null
  for (const [index, { field, text }] of values.entries()) {
    const words = wordsOf(text)
    const strengths = search.words.map((w) => Math.max(0, ...words.map((v) => strengthOf(w, v))))
    for (const [i, s] of strengths.entries()) best[i] = Math.max(best[i] ?? 0, s)
    const whole = wholeOf(words)
    const isEqual = whole !== null && whole === search.whole
    const isPrefix = search.whole !== null && whole?.startsWith(search.whole) === true
    const weighed = weigh(search.words, strengths) / letters
    if (weighed === 0 && !isEqual && !isPrefix) continue
    const size = words.reduce((n, w) => n + w.length, 0)
    const strength =
      (isEqual ? EQUAL : isPrefix ? PREFIX : WORDS * weighed) +
      COVERAGE * Math.min(1, letters / Math.max(1, size)) * (isEqual ? 0 : 1) +
      FIELD * (1 - index / values.length)
    if (found && found.strength >= strength) continue
    const match = isEqual ? 'EQUAL' : isPrefix ? 'PREFIX' : 'WORDS'
    found = { strength, ranked: { match, score: strength, field, value: text } }
  }
  if (!found) return null
  const { ranked, strength } = found
  if (ranked.match === 'WORDS') {
    const share = weigh(search.words, best) / letters
    if (share < shareMin) return null
    // Words of several values count together: a name and a city.
    ranked.score = strength + WORDS * (share - weighedOf(search, ranked.value) / letters)
    if (best.some((s) => s < PREFIX_STRENGTH)) ranked.match = 'SIMILAR'
  }
  return asWritten(search, ranked)
}

/**
 * Words of equal sound in Chinese characters, and letters that differ by an accent, are folded alike:
 * what is written as it was typed comes first.
 */
function asWritten(search: SearchText, ranked: Ranked): Ranked {
  if (/^[ -~]*$/.test(search.text)) return ranked
  const isWritten = ranked.value
    .normalize('NFKC')
    .toLowerCase()
    .includes(search.text.normalize('NFKC').trim().toLowerCase())
  if (isWritten) return ranked
  const isHan = /\p{Script=Han}/u.test(search.text)
  return {
    ...ranked,
    score: ranked.score * (isHan ? 0.7 : 0.995),
    match: isHan ? 'SIMILAR' : ranked.match,
  }
}

function weigh(words: readonly string[], strengths: readonly number[]): number {
  return words.reduce((n, w, i) => n + w.length * (strengths[i] ?? 0), 0)
}

function weighedOf(search: SearchText, value: string): number {
  const words = wordsOf(value)
  return weigh(
    search.words,
    search.words.map((w) => Math.max(0, ...words.map((v) => strengthOf(w, v)))),
  )
}

const PREFIX_STRENGTH = 0.9

/** Returns how well a word of a value agrees with one of the search, 0 to 1. */
function strengthOf(searched: string, word: string): number {
  if (searched === word) return 1
  if (word.startsWith(searched)) return PREFIX_STRENGTH
  if (searched.length >= insideCharsMin && word.includes(searched)) return 0.75
  const edits = editsBetween(searched, word)
  return edits === null ? 0 : 0.85 * (1 - edits / searched.length)
}

/** One error in a short word and two in a long one; null if there are more. */
function editsBetween(searched: string, word: string): number | null {
  if (!canBeMistyped(searched) || !canBeMistyped(word)) return null
  const most = searched.length >= 8 ? 2 : 1
  const edits = editDistance(searched, word, most)
  return edits <= most ? edits : null
}

/** Returns whether a word may be what was meant by one of the search. */
export function resembles(searched: string, word: string): boolean {
  return strengthOf(searched, word) > 0
}
