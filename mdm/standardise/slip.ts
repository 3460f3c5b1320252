/** Neighbours of each key, on the keyboards of most Latin alphabets. */
const ROWS = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm']
const VOWELS = 'aeiouy'

/** A letter is added or left out inside a name of so many letters, or at one of its ends. */
const INSIDE_LETTERS_MIN = 5
const END_LETTERS_MIN = 7
/** Two slips in one name happen in long names. */
const TWO_SLIPS_LETTERS_MIN = 8

function areNeighbours(a: string, b: string): boolean {
  for (let row = 0; row < ROWS.length; row++) {
    const at = ROWS[row]!.indexOf(a)
    if (at < 0) continue
    for (let other = 0; other < ROWS.length; other++) {
      const to = ROWS[other]!.indexOf(b)
      if (to >= 0) return Math.abs(row - other) <= 1 && Math.abs(at - to) <= 1
    }
  }
  return false
}

/**
 * Returns whether one given name can be the other with one or two slips of the pen, by the shape of
 * the difference: neighbours swapped, a letter doubled, one left out inside, a neighbouring key. Names
 * of relatives are alike too, but they differ elsewhere: in the first letter ("halina", "alina"), in
 * an ending ("emin", "emine"), in any letter of a short name ("lena", "lea").
 */
export function isSlip(a: string, b: string): boolean {
  let start = 0
  const shortest = Math.min(a.length, b.length)
  while (start < shortest && a[start] === b[start]) start++
  let end = 0
  while (end < shortest - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++
  const [restA, restB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)]
  const longest = Math.max(a.length, b.length)
  if (restA.length + restB.length === 1) return isLetterLeftOut(a.length > b.length ? a : b, start)
  if (restA.length === 1 && restB.length === 1) {
    if (longest < INSIDE_LETTERS_MIN || start === 0) return false
    if (areNeighbours(restA, restB)) return end > 0 || !(isVowel(restA) || isVowel(restB))
    return end > 0 && longest > INSIDE_LETTERS_MIN && isVowel(restA) && isVowel(restB)
  }
  if (restA.length === 2 && restB.length === 2 && restA[0] === restB[1] && restA[1] === restB[0])
    return true
  if (start === 0) return false
  if (longest >= INSIDE_LETTERS_MIN && isMoved(restA, restB)) return true
  // Two letters left out or doubled.
  return (
    longest >= TWO_SLIPS_LETTERS_MIN &&
    restA.length !== restB.length &&
    restA.length * restB.length <= 2
  )
}

function isLetterLeftOut(long: string, at: number): boolean {
  const letter = long[at]!
  if (at > 0 && long[at - 1] === letter) return true
  if (at === 0) return long.length >= END_LETTERS_MIN
  if (at === long.length - 1) return !'aeo'.includes(letter) && long.length >= END_LETTERS_MIN
  return long.length >= INSIDE_LETTERS_MIN
}

function isVowel(letter: string): boolean {
  return VOWELS.includes(letter)
}

/** Returns whether a letter stands at one end of one text and at the other end of the other. */
function isMoved(a: string, b: string): boolean {
  return a.slice(1) === b.slice(0, -1) || b.slice(1) === a.slice(0, -1)
}
