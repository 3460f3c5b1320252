import { isEmpty } from './path.ts'

/** The places over which a text is divided: what stands between them, and what each holds now. */
export interface DividedPlaces {
  between: string
  /** UTF-16 code units, as the programs count that have such fields. */
  widths: readonly number[]
  currents: readonly unknown[]
}

/**
 * Returns the ways to divide a text over places of stated widths, the best first; none where it does
 * not fit without a cut within a word. A place keeps its text where the new one still begins with it
 * and goes on in the next place, as a street before its house number; else each place is filled.
 */
export function divisionsOf(text: string, places: DividedPlaces): string[][] {
  if (text === '') return [[]]
  const { between } = places
  const kept = keptPlaces(text, places)
  const before = kept.reduce((length, part) => length + part.length + between.length, 0)
  const made = [...new Set([kept.length, 0])].map((count) => {
    const rest = filled(text.slice(count === 0 ? 0 : before), between, places.widths.slice(count))
    return rest && [...kept.slice(0, count), ...rest]
  })
  return made.filter((division) => division !== null)
}

function keptPlaces(text: string, { between, currents }: DividedPlaces): string[] {
  const kept: string[] = []
  let rest = text
  for (const [i, current] of currents.entries()) {
    const goesOn = !isEmpty(currents[i + 1])
    if (typeof current !== 'string' || isEmpty(current) || !goesOn) break
    if (!rest.startsWith(current + between)) break
    kept.push(current)
    rest = rest.slice(current.length + between.length)
  }
  return kept
}

/** Fills each place with as many words as it holds; null where words are left. */
function filled(text: string, between: string, widths: readonly number[]): string[] | null {
  let words = text.split(between)
  const made: string[] = []
  for (const width of widths) {
    if (words.length === 0) break
    let count = words.length
    while (count > 0 && words.slice(0, count).join(between).length > width) count--
    if (count === 0) return null
    made.push(words.slice(0, count).join(between))
    words = words.slice(count)
  }
  return words.length === 0 ? made : null
}
