import anyAscii from 'any-ascii'

/**
 * Longer texts are cut here before any work, so a 1 MB value costs no more than this many
 * characters.
 */
export const TEXT_CHARS_MAX = 600
/** Upper bound of the words of one text; the rest of a very long description decides nothing. */
const TEXT_WORDS_MAX = 60

const ASCII = /^[ -~]*$/
const APOSTROPHES = /['`\u00b4\u2018\u2019\u02bc\u02bb]/g

/**
 * Returns lower-case Latin letters for any script, apostrophes dropped. German umlauts become their
 * spelled-out form (ü is ue), which any-ascii would turn into a bare u. Lone surrogates become
 * U+FFFD first, so nothing downstream can throw.
 */
export function fold(text: string): string {
  const cut = decodeEntities(text.length > TEXT_CHARS_MAX ? text.slice(0, TEXT_CHARS_MAX) : text)
  if (ASCII.test(cut)) return cut.toLowerCase().replace(APOSTROPHES, '')
  const latin = cut
    .toWellFormed()
    .normalize('NFKC')
    .replace(APOSTROPHES, '')
    .replace(/[äÄ]/g, 'ae')
    .replace(/[öÖ]/g, 'oe')
    .replace(/[üÜ]/g, 'ue')
  return anyAscii(latin).toLowerCase().replace(APOSTROPHES, '')
}

/** Returns whether a text has only printable ASCII characters. */
export function isAscii(text: string): boolean {
  return ASCII.test(text)
}

const HAN = /\p{Script=Han}/u
const KANA = /[\p{Script=Hiragana}\p{Script=Katakana}]/u
const ABJAD = /[\p{Script=Arabic}\p{Script=Hebrew}]/u
const JAPANESE_FORM = /株式会社|有限会社|合同会社|㈱|㈲|[(（][株有同][)）]/

/**
 * Returns 1 for a name in Chinese characters and 2 for a Japanese one, whose sound they do not
 * tell; 3 for Arabic and Hebrew letters, which leave short vowels out; undefined for other scripts.
 * The transliteration of a Japanese name is no evidence.
 */
export function scriptOf(text: string, country?: string): 1 | 2 | 3 | undefined {
  if (ASCII.test(text)) return undefined
  if (!HAN.test(text)) return ABJAD.test(text) ? 3 : undefined
  return country === 'JP' || KANA.test(text) || JAPANESE_FORM.test(text) ? 2 : 1
}

/** Texts taken from web pages still have character references: "Fran&#231;ois", "Ben &amp; Co". */
function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text
    .replace(/&#(\d{2,6});/g, (whole, number: string) =>
      Number(number) <= CODE_POINT_MAX ? String.fromCodePoint(Number(number)) : whole,
    )
    .replace(/&(amp|quot|apos|nbsp|lt|gt);/g, ' ')
}
const CODE_POINT_MAX = 0x10ffff

/** Returns the words of a folded text: runs of letters and digits. */
export function words(folded: string): string[] {
  const found = folded.match(/[a-z0-9]+/g) ?? []
  return found.length > TEXT_WORDS_MAX ? found.slice(0, TEXT_WORDS_MAX) : found
}

/**
 * Joins runs of single letters, as in "A.B.C. Company" and "G.m.b.H.": they are one word written
 * with dots.
 */
export function joinSingleLetters(tokens: readonly string[]): string[] {
  const joined: string[] = []
  let run = ''
  for (const token of tokens) {
    if (token.length === 1 && token >= 'a' && token <= 'z') run += token
    else {
      if (run) joined.push(run)
      run = ''
      joined.push(token)
    }
  }
  if (run) joined.push(run)
  return joined
}

/**
 * Returns one spelling for words with two: ue/u, oe/o, ae/a (Müller, Mueller, Muller). For
 * comparison only, never stored as a value.
 */
export function spelling(token: string): string {
  if (token.length < 3) return token
  return token.replace(/([aou])e(?=[^e])/g, '$1')
}

/**
 * Returns whether a text has no content: dashes, "n/a", "unknown" and the like in several
 * languages. Such a value counts as missing.
 */
export function isPlaceholder(folded: string): boolean {
  return PLACEHOLDERS.has(folded.trim()) || !/[a-z0-9]/.test(folded)
}

const PLACEHOLDERS = new Set(
  (
    'n/a|na|n.a.|none|null|nil|nan|undefined|unknown|not available|not applicable|not provided|unbekannt|keine angabe|k.a.|' +
    'inconnu|non renseigne|desconocido|sconosciuto|onbekend|tbd|tba|todo|test|dummy|xxx|xx|x|asdf|?|-|--|.'
  ).split('|'),
)

/** Returns whether one letter more, less or other makes two texts equal. */
export function isOneEdit(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false
  const shortest = Math.min(a.length, b.length)
  let same = 0
  while (same < shortest && a[same] === b[same]) same++
  const [restA, restB] = [a.slice(same), b.slice(same)]
  if (restA.length === restB.length) return restA.slice(1) === restB.slice(1)
  return restA.length > restB.length ? restA.slice(1) === restB : restA === restB.slice(1)
}
