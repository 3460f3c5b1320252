/** What languages write differently for one sound, each as one letter. */
const SOUNDS: readonly (readonly [RegExp, string])[] = [
  [/ph/g, 'f'],
  [/([tdgb])h/g, '$1'],
  [/sch|sh|sz|tz|ts|z|c(?=[eiy])|ch(?=[aeou])/g, 's'],
  [/ck|[ckq]h?/g, 'k'],
  [/x/g, 'ks'],
  [/w|(?<=.)f/g, 'v'],
  [/dj|[jy]/g, 'i'],
  [/ou|oo|o/g, 'u'],
  [/a?[ei]+/g, 'i'],
  [/h$/, ''],
  [/(.)\1+/g, '$1'],
]
/** First letters that can stand for one sound; all others stand for themselves. */
const FIRST_LETTERS = ['ckqx', 'csztx', 'vw', 'aeijyd', 'ou', 'pf']
const FIRST_SOUNDS = Uint32Array.from({ length: 128 }, (_, code) => {
  const letter = String.fromCharCode(code)
  const own = code >= 97 && code <= 122 ? 1 << (code - 97) : 0
  return FIRST_LETTERS.reduce(
    (bits, letters) =>
      letters.includes(letter) ? bits | (1 << (letters.charCodeAt(0) - 97)) : bits,
    own,
  )
})

/** Whether two words can begin with one sound: nearly all pairs of words end here. */
function mayBeginAlike(a: string, b: string): boolean {
  return ((FIRST_SOUNDS[a.charCodeAt(0)] ?? 0) & (FIRST_SOUNDS[b.charCodeAt(0)] ?? 0)) !== 0
}

const CACHED_WORDS_MAX = 100_000
const cache = new Map<string, string>()

function soundOf(word: string): string {
  const known = cache.get(word)
  if (known !== undefined) return known
  if (cache.size >= CACHED_WORDS_MAX) cache.clear()
  let sound = word
  for (const [written, letter] of SOUNDS) sound = sound.replace(written, letter)
  cache.set(word, sound)
  return sound
}

/** A vowel that is not stressed is left out in names of so many letters: "margaret", "margret". */
const LEFT_OUT_LETTERS_MIN = 6
const OTHER_LETTERS_MAX = 3
const CONSONANT = /[^aiu]/

/**
 * Returns whether two given names are one that two languages, or two transliterations, spell
 * differently: "catherine" and "katherine", "khaled" and "khalid", "yevgeny" and "evgenii" are one;
 * "lena" and "lea", "karin" and "karina" are two.
 */
export function areSpelledAlike(a: string, b: string): boolean {
  if (!mayBeginAlike(a, b) || Math.abs(a.length - b.length) > OTHER_LETTERS_MAX) return false
  const [one, other] = [soundOf(a), soundOf(b)]
  if (one === other) return true
  const [short, long] = one.length < other.length ? [one, other] : [other, one]
  if (long.length !== short.length + 1) return false
  let same = 0
  while (same < short.length && short[same] === long[same]) same++
  if (short.slice(same) !== long.slice(same + 1)) return false
  return (
    same > 0 &&
    long.length >= LEFT_OUT_LETTERS_MIN &&
    same < short.length &&
    !CONSONANT.test(long[same]!) &&
    CONSONANT.test(long[same - 1]!) &&
    CONSONANT.test(long[same + 1]!)
  )
}
