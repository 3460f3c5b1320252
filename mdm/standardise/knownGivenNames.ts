import { readFileSync } from 'node:fs'
import { GIVEN_NAME_FORMS } from './givenNames.ts'

const [FREQUENT, RARE] = readFileSync(new URL('givenNames.txt', import.meta.url), 'utf8')
  .split(/^#- .*$/m)
  .map(
    (part) =>
      new Set(
        part
          .split('\n')
          .filter((line) => line !== '' && !line.startsWith('#'))
          .flatMap((line) => line.split(' ')),
      ),
  ) as [Set<string>, Set<string>]
const WHOLE = new Set([...FREQUENT, ...RARE])
for (const name of GIVEN_NAME_FORMS.keys()) FREQUENT.add(name)

/**
 * Returns whether a word, standardised, is a given name somewhere. Many of them are surnames too, so
 * this does not say what a word of a name is.
 */
export function isGivenName(word: string): boolean {
  return FREQUENT.has(word) || RARE.has(word)
}

/** Returns whether a word, standardised, is a given name in several languages, or a frequent one. */
export function isFrequentGivenName(word: string): boolean {
  return FREQUENT.has(word)
}

/** Returns whether a word, standardised, is a given name that a person bears without a longer one. */
export function isWholeGivenName(word: string): boolean {
  return WHOLE.has(word)
}
