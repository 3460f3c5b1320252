import { unicodeForm } from './unicodeForm.ts'

/** Text that is its own normal form: printable ASCII with single blanks inside. */
const NORMAL = /^(?:[!-~]+(?: [!-~]+)*)?$/
const ASCII = /^[\n\r -~]*$/

/** Line breaks of other systems: vertical tab, form feed, NEL, line and paragraph separator. */
const LINE_BREAKS = /\r\n?|[\v\f\u0085\u2028\u2029]/g
/** Blanks of every width, no-break ones among them; the empty braille cell looks like one. */
const BLANKS = /[\t\p{Zs}\u2800]/gu
/** Hyphens that look as the one on the keyboard. */
const HYPHENS = /[\u2010\u2011]/g
/** Characters of damaged text: NUL, and the C1 codes, which windows-1252 uses for letters. */
const DAMAGE = /[\0\x80-\x84\x86-\x9f]/g

/**
 * Scripts in which joiners change the word: Persian needs the non-joiner between letters, Indic
 * scripts form half letters and conjuncts with both.
 */
const JOINING = String.raw`\p{scx=Arab}\p{scx=Syrc}\p{scx=Nkoo}\p{scx=Mong}\p{scx=Deva}\p{scx=Beng}\p{scx=Guru}\p{scx=Gujr}\p{scx=Orya}\p{scx=Taml}\p{scx=Telu}\p{scx=Knda}\p{scx=Mlym}\p{scx=Sinh}\p{scx=Khmr}\p{scx=Mymr}\p{scx=Tibt}`
const JAMO = String.raw`[\u1100-\u115e\u1161-\u11ff]`
const PICTURE = String.raw`(?![©®™])\p{Extended_Pictographic}`

/**
 * Invisible characters where they carry meaning. The bounds of the look-behinds keep the work in
 * proportion to the length of the text.
 */
const MEANINGFUL = [
  // A joiner between letters of a joining script, once.
  String.raw`(?<=[${JOINING}])[\u200c\u200d](?=[${JOINING}])`,
  // The parts of one emoji: families, flags, presentation and keycaps.
  String.raw`(?<=${PICTURE}[\ufe0f\u{1f3fb}-\u{1f3ff}]?)\u200d(?=\p{Extended_Pictographic})`,
  String.raw`(?<=${PICTURE})[\ufe0e\ufe0f]`,
  String.raw`(?<=[0-9#*])\ufe0f(?=\u20e3)`,
  String.raw`(?<=\u{1f3f4}[\u{e0020}-\u{e007e}]{0,8})[\u{e0020}-\u{e007f}]`,
  // Variants of one ideograph, as Japanese registers of names distinguish them.
  String.raw`(?<=\p{Unified_Ideograph})[\ufe00-\ufe0d\u{e0100}-\u{e01ef}]`,
  String.raw`(?<=\p{scx=Mong})[\u180b-\u180f]`,
  // Old Hangul syllables without a first or a middle letter.
  String.raw`(?<=${JAMO})[\u115f\u1160]|[\u115f\u1160](?=${JAMO})`,
].join('|')
/** Characters that are invisible but have a place in the list above. */
const CONTEXTUAL = String.raw`[\u200c\u200d\u115f\u1160\u180b-\u180f\ufe00-\ufe0f\u{e0020}-\u{e007f}\u{e0100}-\u{e01ef}]`
/** Control characters without the line feed, and all that Unicode says to ignore in display. */
const INVISIBLE = String.raw`[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]|(?!\n)\p{Cc}`
const HIDDEN = new RegExp(INVISIBLE, 'gu')
const HIDDEN_ANYWHERE = new RegExp(`(?!${CONTEXTUAL})(?:${INVISIBLE})`, 'gu')
const REPEATED_JOINERS = /([\u200c\u200d])[\u200c\u200d]+/g
const HIDDEN_HERE = new RegExp(`(${MEANINGFUL})|${CONTEXTUAL}`, 'gu')

/**
 * Returns the form in which a text is stored and compared: Unicode NFC, without invisible
 * characters, with one plain blank for any run of blanks and none at the ends. Texts that people
 * cannot tell apart become equal; other letters, cases and full-width forms stay. A joiner of a
 * Persian or Indic word or of an emoji stays. NUL and C1 control codes become U+FFFD. Idempotent.
 */
export function normalText(text: string): string {
  return NORMAL.test(text) ? text : searchText(text).trim()
}

/** Returns the normal form of a part of a text, which may begin or end with a blank. */
export function searchText(text: string): string {
  if (NORMAL.test(text)) return text
  return visible(text).replace(/ {2,}/g, ' ')
}

/**
 * Returns the normal form of an id: NFC, without invisible characters and blanks at the ends. Blanks
 * inside stay as many as they are, because ids of fixed width differ by them.
 */
export function normalId(id: string): string {
  return NORMAL.test(id) ? id : visible(id).trim()
}

/**
 * Returns the normal form of a code, an address or a number: the compatibility form (NFKC), so that
 * full-width letters and digits are plain ones, without any invisible character.
 */
export function normalCode(text: string): string {
  if (NORMAL.test(text)) return text
  if (ASCII.test(text)) return normalText(text)
  return normalText(unicodeForm(text, 'NFKC').replace(HIDDEN, ''))
}

/** Returns whether nothing of a text can be seen. */
export function isBlank(text: string): boolean {
  if (text.trim() === '') return true
  // A visible first character settles nearly every text.
  const first = text.charCodeAt(0)
  return (first > 0x7e || first < 0x20) && normalText(text) === ''
}

function visible(text: string): string {
  const lines = text.replace(LINE_BREAKS, '\n')
  if (ASCII.test(lines)) return lines
  const shown = lines
    .toWellFormed()
    .replace(DAMAGE, '\ufffd')
    .replace(BLANKS, ' ')
    .replace(HYPHENS, '-')
    .replace(HIDDEN_ANYWHERE, '')
    .replace(REPEATED_JOINERS, '$1')
    .replace(HIDDEN_HERE, '$1')
  return unicodeForm(shown, 'NFC')
}
