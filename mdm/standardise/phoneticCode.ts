import { doubleMetaphone } from 'double-metaphone'
import { givenNameForm } from './personName.ts'

const CACHED_WORDS_MAX = 300_000
const cache = new Map<string, string>()

/**
 * Returns the phonetic code of a word. Short and foreign forms of given names get one code; words
 * with digits stay unchanged. Never empty.
 */
export function phoneticCode(word: string): string {
  const known = cache.get(word)
  if (known !== undefined) return known
  if (cache.size >= CACHED_WORDS_MAX) cache.clear()
  const form = givenNameForm(word)
  const result = /\d/.test(form) ? form : doubleMetaphone(form)[0] || form
  cache.set(word, result)
  return result
}
