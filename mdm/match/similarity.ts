/**
 * Longest text that the edit distance reads; longer texts are cut, so that one call stays bounded.
 */
const EDIT_CHARS_MAX = 64

const rows = [
  new Uint16Array(EDIT_CHARS_MAX + 2),
  new Uint16Array(EDIT_CHARS_MAX + 2),
  new Uint16Array(EDIT_CHARS_MAX + 2),
]
/** Texts of up to this many characters fit the bits of one number. */
const BITS = 31
/** Positions of each character of one text, as bits; all zero between two calls. */
const positions = new Uint32Array(65_536)
const codesA = new Uint16Array(EDIT_CHARS_MAX)
const codesB = new Uint16Array(EDIT_CHARS_MAX)

/**
 * Returns the number of edits (insert, delete, replace, swap of neighbours) that turn one text into
 * the other: Damerau's distance in its restricted form. Returns `limit + 1` as soon as it is over
 * the limit.
 */
export function editDistance(a: string, b: string, limit: number): number {
  if (a === b) return 0
  let n = Math.min(a.length, EDIT_CHARS_MAX)
  let m = Math.min(b.length, EDIT_CHARS_MAX)
  if (Math.abs(n - m) > limit) return limit + 1
  let start = 0
  while (start < n && start < m && a.charCodeAt(start) === b.charCodeAt(start)) start++
  while (n > start && m > start && a.charCodeAt(n - 1) === b.charCodeAt(m - 1)) {
    n--
    m--
  }
  n -= start
  m -= start
  if (n === 0 || m === 0) return Math.min(n + m, limit + 1)
  if (limit === 1) {
    if (n === 1 && m === 1) return 1
    const swapped =
      n === 2 &&
      m === 2 &&
      a.charCodeAt(start) === b.charCodeAt(start + 1) &&
      a.charCodeAt(start + 1) === b.charCodeAt(start)
    return swapped ? 1 : 2
  }
  if (n <= m && n <= BITS) return editsByBits(a, b, start, n, m, limit)
  if (m <= BITS) return editsByBits(b, a, start, m, n, limit)
  return editsByRows(a, b, start, n, m, limit)
}

/**
 * `editDistance` of the `n` characters of `a` from `start` on, 31 at most, and the `m` of `b`: one
 * column of the table is the bits of a number (H. Hyyrö, "A bit-vector algorithm for computing
 * Levenshtein and Damerau edit distances", 2003).
 */
function editsByBits(
  a: string,
  b: string,
  start: number,
  n: number,
  m: number,
  limit: number,
): number {
  for (let i = 0; i < n; i++) positions[a.charCodeAt(start + i)]! |= 1 << i
  const last = 1 << (n - 1)
  let above = -1
  let below = 0
  let diagonal = 0
  let before = 0
  let distance = n
  for (let j = 0; j < m; j++) {
    const at = positions[b.charCodeAt(start + j)]! | 0
    const swapped = ((~diagonal & at) << 1) & before
    diagonal = ((((at & above) + above) | 0) ^ above) | at | below | swapped
    const right = below | ~(diagonal | above)
    const left = diagonal & above
    if ((right & last) !== 0) distance++
    else if ((left & last) !== 0) distance--
    // Each character left can save one edit.
    if (distance - (m - 1 - j) > limit) {
      distance = limit + 1
      break
    }
    const shifted = (right << 1) | 1
    above = (left << 1) | ~(diagonal | shifted)
    below = diagonal & shifted
    before = at
  }
  for (let i = 0; i < n; i++) positions[a.charCodeAt(start + i)] = 0
  return Math.min(distance, limit + 1)
}

function editsByRows(
  a: string,
  b: string,
  start: number,
  n: number,
  m: number,
  limit: number,
): number {
  for (let i = 0; i < n; i++) codesA[i] = a.charCodeAt(start + i)
  for (let j = 0; j < m; j++) codesB[j] = b.charCodeAt(start + j)
  // Only cells within `limit` of the diagonal can be within the limit; cells beside that band count
  // as over it.
  let before = rows[0]!
  let previous = rows[1]!
  let current = rows[2]!
  const over = limit + 1
  for (let j = 0; j <= m; j++) previous[j] = j <= limit ? j : over
  for (let i = 1; i <= n; i++) {
    const from = i > limit ? i - limit : 1
    const to = Math.min(i + limit, m)
    current[from - 1] = from === 1 && i <= limit ? i : over
    let least = current[from - 1]!
    const ca = codesA[i - 1]!
    const caBefore = i > 1 ? codesA[i - 2]! : -1
    for (let j = from; j <= to; j++) {
      const cb = codesB[j - 1]!
      let d = previous[j - 1]!
      if (ca !== cb) {
        const up = previous[j]!
        const left = current[j - 1]!
        if (up < d) d = up
        if (left < d) d = left
        d++
        if (i > 1 && j > 1 && ca === codesB[j - 2] && caBefore === cb) {
          const swap = before[j - 2]! + 1
          if (swap < d) d = swap
        }
        if (d > over) d = over
      }
      current[j] = d
      if (d < least) least = d
    }
    if (to < m) current[to + 1] = over
    if (least > limit) return over
    const spare = before
    before = previous
    previous = current
    current = spare
  }
  return previous[m]! > limit ? over : previous[m]!
}

const takenB = new Uint8Array(EDIT_CHARS_MAX)
const matchedA = new Uint16Array(EDIT_CHARS_MAX)

/**
 * Returns Jaro's similarity with Winkler's bonus of a tenth per common leading letter, up to four.
 * 1 is equal, 0 nothing in common.
 */
export function jaroWinkler(a: string, b: string): number {
  if (a === b) return 1
  const n = Math.min(a.length, EDIT_CHARS_MAX)
  const m = Math.min(b.length, EDIT_CHARS_MAX)
  if (n === 0 || m === 0) return 0
  const window = Math.max(0, (Math.max(n, m) >> 1) - 1)
  takenB.fill(0, 0, m)
  let matches = 0
  for (let i = 0; i < n; i++) {
    const code = a.charCodeAt(i)
    const to = Math.min(m - 1, i + window)
    for (let j = Math.max(0, i - window); j <= to; j++)
      if (takenB[j] === 0 && b.charCodeAt(j) === code) {
        takenB[j] = 1
        matchedA[matches++] = code
        break
      }
  }
  if (matches === 0) return 0
  let outOfPlace = 0
  let at = 0
  for (let j = 0; j < m; j++)
    if (takenB[j] === 1 && b.charCodeAt(j) !== matchedA[at++]) outOfPlace++
  const jaro = (matches / n + matches / m + (matches - outOfPlace / 2) / matches) / 3
  let prefix = 0
  while (prefix < 4 && prefix < n && prefix < m && a.charCodeAt(prefix) === b.charCodeAt(prefix))
    prefix++
  return jaro + prefix * 0.1 * (1 - jaro)
}

/**
 * Returns the similarity of two words, 0 to 1. Words of up to 3 letters must be equal (or differ by
 * one letter of three, 0.5), words of up to 7 may differ by one edit, longer ones by two.
 */
export function wordSimilarity(a: string, b: string): number {
  if (a === b) return 1
  const n = a.length
  const m = b.length
  const longest = Math.max(n, m)
  const shortest = Math.min(n, m)
  if (shortest < 3 || longest - shortest > 2) return 0
  const sameStart = a.charCodeAt(0) === b.charCodeAt(0)
  // One edit leaves at least one end of a word unchanged.
  if (longest <= 7 && !sameStart && a.charCodeAt(n - 1) !== b.charCodeAt(m - 1)) return 0
  const limit = longest <= 7 ? 1 : 2
  const edits = editDistance(a, b, limit)
  if (edits > limit)
    return sameStart &&
      longest >= 5 &&
      longest - shortest <= 1 &&
      jaroWinkler(a, b) >= 0.9 &&
      !isDigits(a)
      ? 0.7
      : 0
  if (isDigits(a) || isDigits(b)) return 0
  if (longest === 3) return 0.5
  return 1 - (edits / longest) * 0.9
}

/**
 * Returns whether two words of one length have two or more other letters in the same places, and not
 * swapped or moved ones: "rosalind" and "rosamund", but not "narendra" and "narender". Slips of the
 * pen leave out, double or swap letters more often than they replace two.
 */
export function differInTwoLetters(a: string, b: string): boolean {
  if (a.length !== b.length) return false
  let first = 0
  while (first < a.length && a[first] === b[first]) first++
  let last = a.length - 1
  while (last > first && a[last] === b[last]) last--
  if (last <= first) return false
  const isShifted = (one: string, other: string) =>
    one.slice(first + 1, last + 1) === other.slice(first, last)
  const isSwapped = last === first + 1 && a[first] === b[last] && a[last] === b[first]
  return !isSwapped && !isShifted(a, b) && !isShifted(b, a)
}

function isDigits(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c < 48 || c > 57) return false
  }
  return true
}
