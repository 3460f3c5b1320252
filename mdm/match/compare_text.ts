import type { Said } from './compare_name.ts'
import type { TextFeature } from './feature_types.ts'
import { wordSimilarity } from './similarity.ts'

const PRODUCT = { EQUAL: 0, MODEL: 1, NEAR: 2, ALIKE: 3, SOMEWHAT: 4, LITTLE: 5, DIFFERENT: 6, OTHER_MODEL: 7 } as const
const TEXT = { EQUAL: 0, NEAR: 1, ALIKE: 2, SOMEWHAT: 3, DIFFERENT: 4 } as const

interface Overlap {
  cosine: number
  shared: number
}
const overlap: Overlap = { cosine: 0, shared: 0 }
const indexOf = new Map<string, number>()

/** Cosine over words weighted by their bits; words of five letters and more also count when equal but for typing. */
function measure(a: TextFeature, b: TextFeature): void {
  let normA = 0
  let normB = 0
  let dot = 0
  let shared = 0
  indexOf.clear()
  for (let j = 0; j < b.t.length; j++) {
    normB += b.b[j]! * b.b[j]!
    indexOf.set(b.t[j]!, j)
  }
  for (let i = 0; i < a.t.length; i++) {
    const bits = a.b[i]!
    normA += bits * bits
    const at = indexOf.get(a.t[i]!)
    if (at !== undefined) {
      dot += bits * b.b[at]!
      shared += bits
      continue
    }
    if (a.t[i]!.length < 5 || a.t.length > 30 || b.t.length > 30) continue
    for (let j = 0; j < b.t.length; j++) {
      const alike = b.t[j]![0] === a.t[i]![0] ? wordSimilarity(a.t[i]!, b.t[j]!) : 0
      if (alike >= 0.8) {
        dot += bits * b.b[j]! * alike
        shared += Math.min(bits, b.b[j]!) * alike
        break
      }
    }
  }
  overlap.cosine = normA > 0 && normB > 0 ? dot / Math.sqrt(normA * normB) : 0
  overlap.shared = shared
}

/**
 * Compares two product names: model numbers first (one equal or one holding the other is strong; both having only different ones
 * counts against), then the words by rarity.
 */
export function compareProducts(a: TextFeature, b: TextFeature, said: Said): void {
  measure(a, b)
  said.bits = overlap.shared
  const { cosine } = overlap
  if (cosine > 0.999) {
    said.level = PRODUCT.EQUAL
    return
  }
  let modelBits = 0
  for (let i = 0; i < a.m.length; i++)
    for (let j = 0; j < b.m.length; j++)
      if (sameModel(a.m[i]!, b.m[j]!)) modelBits = Math.max(modelBits, Math.min(a.mb[i]!, b.mb[j]!))
  if (modelBits > 0) {
    said.level = PRODUCT.MODEL
    said.bits = Math.max(modelBits, said.bits)
  } else if (a.m.length > 0 && b.m.length > 0) said.level = cosine >= 0.25 ? PRODUCT.OTHER_MODEL : PRODUCT.DIFFERENT
  else
    said.level =
      cosine >= 0.75
        ? PRODUCT.NEAR
        : cosine >= 0.5
          ? PRODUCT.ALIKE
          : cosine >= 0.3
            ? PRODUCT.SOMEWHAT
            : cosine >= 0.12
              ? PRODUCT.LITTLE
              : PRODUCT.DIFFERENT
}

/** Equal, or one with a suffix for colour or market of up to three letters ("dvpnc800h", "dvpnc800hs"). */
function sameModel(a: string, b: string): boolean {
  if (a === b) return true
  const short = a.length < b.length ? a : b
  const long = a.length < b.length ? b : a
  return (
    short.length >= 5 &&
    long.length - short.length <= 3 &&
    long.startsWith(short) &&
    /^[a-z]+$/.test(long.slice(short.length))
  )
}

/** Compares two longer texts. */
export function compareTexts(a: TextFeature, b: TextFeature, said: Said): void {
  measure(a, b)
  said.bits = overlap.shared
  const { cosine } = overlap
  said.level =
    cosine > 0.999
      ? TEXT.EQUAL
      : cosine >= 0.7
        ? TEXT.NEAR
        : cosine >= 0.4
          ? TEXT.ALIKE
          : cosine >= 0.15
            ? TEXT.SOMEWHAT
            : TEXT.DIFFERENT
}
