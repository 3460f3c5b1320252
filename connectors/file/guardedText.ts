/** A spreadsheet takes a cell for a formula that begins with one of these, in full width too. */
const STARTS = String.raw`=+@\-\uff0b\uff0d\uff1d\uff20\u2212`
/** Characters that may stand before the start: blanks, invisible ones and quotes. */
const SKIPPED = String.raw`\s\p{Cc}\p{Default_Ignorable_Code_Point}"'`
/** Where a program may end a cell that takes another delimiter or ignores quotes. */
const ENDS = String.raw`,;|\t\r\n`

const FORMULA = new RegExp(`^[${SKIPPED}]*[${STARTS}]`, 'u')
/** A tab or a line break at the start moves what follows into a cell of its own. */
const MOVED = /^'*[\t\r\n]/
/** A number that keeps its zeros behind an apostrophe. */
const GUARDED_NUMBER = /^'+\d[\d ./-]*$/
const TOKEN = new RegExp(
  `([${ENDS}])|([${STARTS}])|([${SKIPPED}])|[^${ENDS}${STARTS}${SKIPPED}]+`,
  'gu',
)
const END = new RegExp(`[${ENDS}]`)
const APOSTROPHE = "'"
/** Most texts: they begin with a letter or a digit, and nothing in them ends a cell. */
const HARMLESS = /^[A-Za-z0-9][\w .:/@+#-]*$/

/**
 * Returns a text for a cell of a CSV file that no spreadsheet takes for a formula: an apostrophe
 * stands before it, and one before each start of a formula after a delimiter or a line break within
 * it. `unguardedText` returns the text again. Texts without a danger stay as they are.
 */
export function guardedText(text: string): string {
  if (HARMLESS.test(text)) return text
  const inner = withInnerStarts(text, (before) => before + APOSTROPHE)
  const isDangerous = FORMULA.test(text) || MOVED.test(text) || inner !== text
  return isDangerous || unguardedText(text) !== text ? APOSTROPHE + inner : text
}

/**
 * Returns the text of a cell that `guardedText` or a spreadsheet has written with an apostrophe.
 */
export function unguardedText(cell: string): string {
  if (!cell.startsWith(APOSTROPHE)) return cell
  const text = cell.slice(1)
  const bare = withInnerStarts(text, (before) =>
    before.endsWith(APOSTROPHE) ? before.slice(0, -1) : before,
  )
  const isGuarded =
    bare !== text || FORMULA.test(text) || MOVED.test(text) || GUARDED_NUMBER.test(cell.trimEnd())
  return isGuarded ? bare : cell
}

/**
 * Changes what stands between a delimiter and the start of a formula after it. One pass, because a
 * regular expression that looks ahead from each of many tabs takes quadratic time.
 */
function withInnerStarts(text: string, change: (before: string) => string): string {
  if (!END.test(text)) return text
  let changed = ''
  /** The characters since the last delimiter; null where another has followed it. */
  let before: string | null = null
  for (const [token, end, start, skipped] of text.matchAll(TOKEN)) {
    if (skipped !== undefined && before !== null) {
      before += token
      continue
    }
    if (before !== null) changed += start === undefined ? before : change(before)
    before = end === undefined ? null : ''
    changed += token
  }
  return changed + (before ?? '')
}
