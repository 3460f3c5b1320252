import { variantClass } from '../standardise/productName.ts'
import type { Agreement } from './compareName.ts'
import type { ProductFeature, TextFeature } from './featureTypes.ts'
import { MISSING, WHOLE_BITS } from './priors.ts'
import { areSequels } from './sequels.ts'
import { wordSimilarity } from './similarity.ts'

const PRODUCT = {
  EQUAL: 0,
  MODEL: 1,
  NEAR: 2,
  ALIKE: 3,
  SOMEWHAT: 4,
  LITTLE: 5,
  DIFFERENT: 6,
  OTHER_MODEL: 7,
  VARIANT: 8,
} as const
/** From here on two texts share so much that the frequency of either bounds what they share. */
const NEAR_COSINE_MIN = 0.7
const TEXT = { EQUAL: 0, NEAR: 1, ALIKE: 2, SOMEWHAT: 3, DIFFERENT: 4, SEQUELS: 5 } as const

interface Overlap {
  cosine: number
  shared: number
}
const overlap: Overlap = { cosine: 0, shared: 0 }
const indexOf = new Map<string, number>()

/** A fixed order of two texts: which of them is looked up in the other must not depend on the caller. */
function isBefore({ t: a }: TextFeature, { t: b }: TextFeature): boolean {
  if (a.length !== b.length) return a.length < b.length
  const at = a.findIndex((word, i) => word !== b[i])
  return at >= 0 && a[at]! < b[at]!
}

/**
 * Sets the cosine over words weighted by their bits. Words of five letters or more also count if
 * they are equal but for typing.
 */
function measure(one: TextFeature, other: TextFeature): void {
  const [a, b] = isBefore(one, other) ? [one, other] : [other, one]
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
      shared += Math.min(bits, b.b[at]!)
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
  const whole = Math.min(one.w ?? WHOLE_BITS, other.w ?? WHOLE_BITS)
  overlap.shared = overlap.cosine >= NEAR_COSINE_MIN ? Math.min(shared, whole) : shared
}

/** Agreement of two products: level and bits of the name, and the level of the variant. */
export interface ProductAgreement extends Agreement {
  variant: number
}

/**
 * Model numbers with fewer bits (shared by more than one record in 60) are names of series or
 * formats.
 */
const MODEL_BITS_MIN = 6

/** Names with less in common are of different products anyway. */
const OTHER_COSINE_MIN = 0.2

/**
 * Compares two products. Model numbers come first: an equal one is strong evidence, one that
 * extends the other makes a variant, and only different ones on both sides count against. Then the
 * words count by rarity. Colours and measures are a column of their own.
 */
export function compareProducts(a: ProductFeature, b: ProductFeature, out: ProductAgreement): void {
  measure(a, b)
  out.bits = overlap.shared
  out.variant = Math.max(variantLevel(a.v, b.v), variantLevel(b.v, a.v))
  const { cosine } = overlap
  const codes = compareCodes(a, b)
  const found = codes < 0 || (codes === 0 && sharesOnlySeries(a, b)) ? 0 : sharedModel(a, b)
  if (cosine >= OTHER_COSINE_MIN && (codes < 0 || areSequels(a.t, b.t)))
    out.level = PRODUCT.OTHER_MODEL
  else if (codes === EQUAL_CODES || (codes === 0 && found > 0)) {
    out.bits = Math.max(found, codes > 0 ? codeBits(a, b) : 0, overlap.shared)
    out.level = PRODUCT.MODEL
  } else if (codes === VARIANT_CODES) {
    out.bits = Math.max(codeBits(a, b), overlap.shared)
    out.level = PRODUCT.VARIANT
  } else if (cosine > 0.999) out.level = PRODUCT.EQUAL
  else if (found < 0) {
    out.bits = Math.max(-found, overlap.shared)
    out.level = PRODUCT.VARIANT
  } else if (a.m.length > 0 && b.m.length > 0 && cosine >= OTHER_COSINE_MIN)
    out.level = PRODUCT.OTHER_MODEL
  else
    out.level =
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

const EQUAL_CODES = 1
const VARIANT_CODES = 2
const OTHER_CODES = -1

/**
 * Compares model numbers that have fields of their own. They are equal if one is a number of the
 * other product, or a word of its name. Returns 0 if they are unknown.
 */
function compareCodes(a: ProductFeature, b: ProductFeature): number {
  const [n, m] = [a.k ?? 0, b.k ?? 0]
  for (let i = 0; i < n; i++) if (namesCode(b, a.m[i]!)) return EQUAL_CODES
  for (let j = 0; j < m; j++) if (namesCode(a, b.m[j]!)) return EQUAL_CODES
  if (n === 0 || m === 0) return 0
  for (let i = 0; i < n; i++)
    for (let j = 0; j < m; j++) {
      const [one, other] = [a.m[i]!, b.m[j]!]
      if (one.includes(other) || other.includes(one) || extendsModel(one, other))
        return VARIANT_CODES
    }
  return OTHER_CODES
}

/** Returns the bits of the model numbers that have fields of their own. */
function codeBits(a: ProductFeature, b: ProductFeature): number {
  return Math.max(...a.mb.slice(0, a.k ?? 0), ...b.mb.slice(0, b.k ?? 0), 0)
}

/** A shorter number is a word of a name by chance too often. */
const CODE_CHARS_MIN = 4

function namesCode(product: ProductFeature, code: string): boolean {
  return (
    product.m.some((model) => isSameModel(model, code)) ||
    (code.length >= CODE_CHARS_MIN && product.t.includes(code))
  )
}

/** Returns whether two numbers are equal but for the maker's letters before one: "HEW C8727AN". */
function isSameModel(a: string, b: string): boolean {
  if (a === b) return true
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  return (
    short.length > CODE_CHARS_MIN &&
    long.endsWith(short) &&
    /\d/.test(short) &&
    /^[a-z]{1,3}$/.test(long.slice(0, long.length - short.length))
  )
}

/**
 * Returns the bits of an equal model number, minus the bits if one only extends the other, or zero.
 */
function sharedModel(a: ProductFeature, b: ProductFeature): number {
  let equal = 0
  let variant = 0
  for (let i = 0; i < a.m.length; i++) {
    const one = a.m[i]!
    for (let j = 0; j < b.m.length; j++) {
      const bits = Math.min(a.mb[i]!, b.mb[j]!)
      if (bits < MODEL_BITS_MIN) continue
      const other = b.m[j]!
      if (one === other) {
        if (haveOtherEndings(a.m, b.m, one)) variant = Math.max(variant, bits)
        else equal = Math.max(equal, bits)
      } else if (extendsModel(one, other)) variant = Math.max(variant, bits)
    }
  }
  if (equal === 0) equal = Math.max(describedModel(a, b), describedModel(b, a))
  return equal > 0 ? equal : -variant
}

/**
 * Returns whether both products also name the number with an ending, and not with the same one:
 * "dvpfx820 dvpfx820r" and "dvpfx820 dvpfx820l" are two colours of one model.
 */
function haveOtherEndings(a: readonly string[], b: readonly string[], model: string): boolean {
  const endings = (models: readonly string[]) =>
    models.filter((other) => other !== model && other.startsWith(model))
  const [one, other] = [endings(a), endings(b)]
  return one.length > 0 && other.length > 0 && !one.some((number) => other.includes(number))
}

/** Returns the bits of the rarest model number of one that the description of the other names. */
function describedModel(one: ProductFeature, other: ProductFeature): number {
  let bits = 0
  for (const [i, model] of one.m.entries())
    if (one.mb[i]! >= MODEL_BITS_MIN && other.d.includes(model)) bits = Math.max(bits, one.mb[i]!)
  return bits
}

/**
 * Returns whether the two share only a size or a series ("dn25") while each has a longer number of
 * its own ("va2030", "va0820"), or more numbers of its own than they share.
 */
function sharesOnlySeries(a: ProductFeature, b: ProductFeature): boolean {
  let longest = 0
  let shared = 0
  for (const model of a.m)
    if (b.m.includes(model)) {
      longest = Math.max(longest, model.length)
      shared++
    }
  if (shared === 0) return false
  if (2 * shared < Math.min(a.m.length, b.m.length)) return true
  return hasLongerModel(a, b, longest) && hasLongerModel(b, a, longest)
}

function hasLongerModel(a: ProductFeature, b: ProductFeature, length: number): boolean {
  return a.m.some(
    (model) =>
      model.length > length && !b.m.some((other) => model === other || extendsModel(model, other)),
  )
}

/**
 * Returns whether two model numbers differ only in a suffix of up to three letters: "dvpfx820" and
 * "dvpfx820r", "gsd4000nww" and "gsd4000wh".
 */
function extendsModel(a: string, b: string): boolean {
  let same = 0
  while (same < a.length && same < b.length && a.charCodeAt(same) === b.charCodeAt(same)) same++
  return same >= 5 && isSuffix(a, same) && isSuffix(b, same) && /\d/.test(a.slice(0, same))
}

function isSuffix(model: string, from: number): boolean {
  if (model.length - from > 3) return false
  for (let i = from; i < model.length; i++) if (model.charCodeAt(i) < 97) return false
  return true
}

const VARIANT = { SAME: 0, SOME: 1, OTHER: 2 } as const

/**
 * Returns how colours and measures of two products agree, class by class; MISSING if no class is
 * known for both.
 */
function variantLevel(a: readonly string[], b: readonly string[]): number {
  let same = 0
  let other = 0
  for (const one of a) {
    const sort = variantClass(one)
    let known = false
    let found = false
    for (const two of b)
      if (variantClass(two) === sort) {
        known = true
        if (one === two) found = true
      }
    if (known) found ? same++ : other++
  }
  return same + other === 0
    ? MISSING
    : other === 0
      ? VARIANT.SAME
      : same > 0
        ? VARIANT.SOME
        : VARIANT.OTHER
}

/** Compares two titles: texts in which a number decides. */
export function compareTitles(a: TextFeature, b: TextFeature, out: Agreement): void {
  compareTexts(a, b, out)
  if (areSequels(a.t, b.t)) out.level = TEXT.SEQUELS
}

/** Compares two longer texts. */
export function compareTexts(a: TextFeature, b: TextFeature, out: Agreement): void {
  measure(a, b)
  out.bits = overlap.shared
  const { cosine } = overlap
  out.level =
    cosine > 0.999
      ? TEXT.EQUAL
      : cosine >= NEAR_COSINE_MIN
        ? TEXT.NEAR
        : cosine >= 0.4
          ? TEXT.ALIKE
          : cosine >= 0.15
            ? TEXT.SOMEWHAT
            : TEXT.DIFFERENT
}
