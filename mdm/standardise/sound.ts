import { doubleMetaphone } from 'double-metaphone'
import { givenNameForm } from './personName.ts'

const MEMO_WORDS_MAX = 300_000
const memo = new Map<string, string>()

/** A word by its sound, short and foreign forms of given names made one; words with digits stay as they are. Never empty. */
export function sound(word: string): string {
  const known = memo.get(word)
  if (known !== undefined) return known
  if (memo.size >= MEMO_WORDS_MAX) memo.clear()
  const form = givenNameForm(word)
  const result = /\d/.test(form) ? form : doubleMetaphone(form)[0] || form
  memo.set(word, result)
  return result
}
