/** Built on first use. Unicode keeps the ten digits of a script together, in order. */
let digitOf: Map<string, string> | undefined

/** Returns the text with the decimal digits of all scripts as 0 to 9. */
export function asciiDigits(text: string): string {
  return text.replace(/(?![0-9])\p{Nd}/gu, (c) => {
    digitOf ??= digitsOfScripts()
    return digitOf.get(c) ?? c
  })
}

/** The planes in which scripts have digits. */
const codePointsMax = 0x20000

function digitsOfScripts(): Map<string, string> {
  const digits = new Map<string, string>()
  for (let at = 0x80; at < codePointsMax; at++) {
    const c = String.fromCodePoint(at)
    if (/\p{Nd}/u.test(c)) digits.set(c, String(digits.size % 10))
  }
  return digits
}
