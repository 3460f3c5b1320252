import { doubleMetaphone } from 'double-metaphone'
import { givenNameForm } from './personName.ts'

const CACHED_WORDS_MAX = 300_000
const cache = new Map<string, string>()

/** A word by its sound, short and foreign forms of given names made one; words with digits stay as they are. Never empty. */
export function phoneticCode(word: string): string {
  const known = cache.get(word)
  if (known !== undefined) return known
  if (cache.size >= CACHED_WORDS_MAX) cache.clear()
  const form = givenNameForm(word)
  const result = /\d/.test(form) ? form : doubleMetaphone(form)[0] || form
  cache.set(word, result)
  return result
}
