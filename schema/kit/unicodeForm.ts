/**
 * Combining marks in a row from which on a text is left as it is: no writing has so many. ICU sorts
 * the marks of a character in a time that grows with the square of their number, so 1 MB of them
 * would take minutes.
 */
const marksMax = 64
const TOO_MANY_MARKS = new RegExp(String.raw`\p{M}{${marksMax + 1}}`, 'u')

/** Returns a text in a normal form of Unicode; unchanged if a character has too many marks. */
export function unicodeForm(text: string, form: 'NFC' | 'NFD' | 'NFKC'): string {
  return text.length > marksMax && TOO_MANY_MARKS.test(text) ? text : text.normalize(form)
}
