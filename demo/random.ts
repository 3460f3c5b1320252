/** Seeded pseudo-random numbers: the same keys give the same sequence on every machine. */
export interface Random {
  /** Returns a number in [0, 1). */
  next(): number
  /** Returns an integer from low to high, both included. */
  between(low: number, high: number): number
  /** Returns true with the given probability. */
  chance(probability: number): boolean
  /** Returns one element of a list that is not empty. */
  pick<T>(list: readonly T[]): T
  /** Returns one element, with a probability proportional to its weight. */
  weighted<T>(list: readonly T[], weight: (item: T) => number): T
  /**
   * Replaces `#` by a digit, `N` by a digit from 2 to 9, `A` by a capital letter and `!N` by an N.
   */
  fill(pattern: string): string
  /** Returns letters and digits, as in opaque ids. */
  token(length: number): string
}

const alphanumeric = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/**
 * Hashes any keys to four 32-bit words: FNV-1a with a different offset for each word, mixed at the
 * end.
 */
function words(keys: readonly (string | number)[]): [number, number, number, number] {
  const text = keys.join('\u001f')
  const out: number[] = []
  for (const offset of [0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35]) {
    let hash = offset
    for (let at = 0; at < text.length; at++)
      hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
    hash ^= hash >>> 16
    hash = Math.imul(hash, 0x7feb352d)
    out.push((hash ^ (hash >>> 15)) | 0)
  }
  return [out[0]!, out[1]!, out[2]!, out[3]!]
}

/**
 * The generator is sfc32 (Doty-Humphrey, PractRand): small, fast and well mixed after twelve
 * rounds.
 */
export function random(...keys: readonly (string | number)[]): Random {
  let [a, b, c, counter] = words(keys)
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / 4294967296
  }
  for (let round = 0; round < 12; round++) next()
  const below = (bound: number) => Math.floor(next() * bound)
  return {
    next,
    between: (low, high) => low + below(high - low + 1),
    chance: (probability) => next() < probability,
    pick: (list) => list[below(list.length)]!,
    weighted(list, weight) {
      let rest = next() * list.reduce((sum, item) => sum + weight(item), 0)
      for (const item of list) {
        rest -= weight(item)
        if (rest < 0) return item
      }
      return list[list.length - 1]!
    },
    fill(pattern) {
      let text = ''
      for (let at = 0; at < pattern.length; at++) {
        const sign = pattern[at]!
        if (sign === '!') text += pattern[++at] ?? ''
        else if (sign === '#') text += below(10)
        else if (sign === 'N') text += 2 + below(8)
        else if (sign === 'A') text += alphanumeric[10 + below(26)]
        else text += sign
      }
      return text
    },
    token(length) {
      let text = ''
      for (let at = 0; at < length; at++) text += alphanumeric[below(62)]
      return text
    },
  }
}
