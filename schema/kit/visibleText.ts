/**
 * Characters that act instead of being seen, or that hide what is seen: control characters (ESC,
 * BEL, CSI, line breaks), line separators, bidirectional overrides, invisible characters and halves
 * of characters. A terminal obeys them, and people are deceived by them.
 */
const ACTING =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\ufff9-\ufffb]/gu
const VISIBLE = /^[ -~]*$/

const SHORT = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
])

/**
 * Returns the text in one line, with an escape in place of each character that acts or hides: `\n`,
 * `\x1b`, `\u202e`, `\u{e0001}`. Nothing is left out. A backslash of the text stays as it is, so
 * only JSON restores the text exactly.
 */
export function visibleText(text: string): string {
  return VISIBLE.test(text) ? text : text.replace(ACTING, escapeOf)
}

function escapeOf(character: string): string {
  const short = SHORT.get(character)
  if (short !== undefined) return short
  const code = character.codePointAt(0) ?? 0
  const hex = code.toString(16)
  if (code > 0xffff) return `\\u{${hex}}`
  return code > 0xff ? `\\u${hex.padStart(4, '0')}` : `\\x${hex.padStart(2, '0')}`
}

/** Returns the lines of a text, each in its visible form; only a line feed ends a line. */
export function visibleLines(text: string): string[] {
  return text.split('\n').map(visibleText)
}

/**
 * Returns a JSON text in which the characters that act or hide are escapes of JSON, so that it can
 * be printed and parses to the same value. They can stand only within texts; the blanks between the
 * parts stay.
 */
export function visibleJson(json: string): string {
  return json.replace(ACTING, (character) =>
    JSON_BLANKS.has(character)
      ? character
      : [...Array(character.length).keys()]
          .map((n) => `\\u${character.charCodeAt(n).toString(16).padStart(4, '0')}`)
          .join(''),
  )
}

const JSON_BLANKS = new Set(['\n', '\r', '\t'])
