import { type AddressAgreement, compareAddresses } from './compareAddress.ts'
import {
  type Agreement,
  areBranches,
  compareNames,
  haveOtherLegalForms,
  NAME,
} from './compareName.ts'
import { comparePersons, type PersonAgreement } from './comparePerson.ts'
import {
  compareProducts,
  compareTexts,
  compareTitles,
  type ProductAgreement,
} from './compareText.ts'
import {
  compareBirths,
  compareCategories,
  compareDates,
  compareDomains,
  compareEmails,
  compareIdentifiers,
  compareNumbers,
  comparePhones,
  comparePrices,
  compareReferences,
} from './compareValues.ts'
import type {
  AddressFeature,
  ComparisonFeature,
  NameFeature,
  PersonFeature,
  ProductFeature,
  TextFeature,
} from './featureTypes.ts'
import type { GivenNames } from './givenNames.ts'
import type { Comparison, ComparisonKind } from './plan.ts'
import { MISSING } from './priors.ts'

/** The level and bits of every column of a type for one pair; reused from pair to pair. */
export interface ComparisonVector {
  levels: Int8Array
  bits: Float64Array
}

const agreement: Agreement = { level: MISSING, bits: 0 }
const productAgreement: ProductAgreement = { level: MISSING, bits: 0, variant: MISSING }
const personAgreement: PersonAgreement = {
  given: MISSING,
  givenBits: 0,
  surname: MISSING,
  surnameBits: 0,
}
const addressAgreement: AddressAgreement = {
  street: MISSING,
  streetBits: 0,
  place: MISSING,
  placeBits: 0,
}

/**
 * Compares two records by one comparison and writes the levels of its columns from `at` on. If
 * either side has several values, the pair that agrees best counts; `value(level, bits)` ranks
 * them. Names of something else (`context`) are members of a set, not aliases: they all count.
 */
export function compareFeatures(
  { kind, context, title }: Comparison,
  a: ComparisonFeature,
  b: ComparisonFeature,
  at: number,
  vector: ComparisonVector,
  value: (column: number, level: number, bits: number) => number,
  givenNames: GivenNames,
): void {
  const { levels, bits } = vector
  levels[at] = MISSING
  bits[at] = 0
  if (kind === 'person' || kind === 'address' || kind === 'product') {
    levels[at + 1] = MISSING
    bits[at + 1] = 0
  }
  if (a === null || b === null) return
  if (kind === 'person') {
    comparePersons(a as PersonFeature, b as PersonFeature, givenNames, personAgreement)
    levels[at] = personAgreement.given
    bits[at] = personAgreement.givenBits
    levels[at + 1] = personAgreement.surname
    bits[at + 1] = personAgreement.surnameBits
    return
  }
  const listA = a as unknown[]
  const listB = b as unknown[]
  const two = kind === 'address' || kind === 'product'
  const several = listA.length > 1 || listB.length > 1
  if (context && several) {
    compareSets(a as NameFeature[], b as NameFeature[], givenNames)
    levels[at] = agreement.level
    bits[at] = agreement.bits
    return
  }
  let best = Number.NEGATIVE_INFINITY
  let bestAt: [number, number] = [0, 0]
  for (let i = 0; i < listA.length; i++)
    for (let j = 0; j < listB.length; j++) {
      compareOne(kind, title ?? false, listA[i], listB[j], givenNames)
      if (several) {
        const worth =
          value(at, current.level, current.bits) +
          (two ? value(at + 1, current.level2, current.bits2) : 0)
        if (worth <= best) continue
        best = worth
      }
      levels[at] = current.level
      bits[at] = current.bits
      bestAt = [i, j]
      if (two) {
        levels[at + 1] = current.level2
        bits[at + 1] = current.bits2
      }
    }
  if (kind === 'name' && levels[at]! !== MISSING && levels[at]! <= NAME.HOLDS) {
    const [namesA, namesB] = [a as NameFeature[], b as NameFeature[]]
    if (haveOtherLegalForms(namesA, namesB)) levels[at] = NAME.KINDRED
    else if (several && areBranches(namesA, namesB, bestAt)) levels[at] = NAME.SISTERS
  }
}

/**
 * Compares two lists of names as sets: authors, members, brands. A name has a counterpart if the
 * two are equal but for typing, or one holds the other. One shared author of many is little; the
 * bits of all shared names add up.
 */
function compareSets(
  a: readonly NameFeature[],
  b: readonly NameFeature[],
  givenNames: GivenNames,
): void {
  const textOf = (names: readonly NameFeature[]) => names.map((name) => name.t.join(' ')).join()
  const isBefore = a.length !== b.length ? a.length < b.length : textOf(a) < textOf(b)
  const [short, long] = isBefore ? [a, b] : [b, a]
  let [worst, shared, bits] = [0, 0, 0]
  for (const one of short) {
    let [best, bestBits]: [number, number] = [NAME.NOTHING, 0]
    for (const other of long) {
      compareNames(one, other, givenNames, agreement)
      if (agreement.level < best) [best, bestBits] = [agreement.level, agreement.bits]
    }
    if (best > NAME.HOLDS) continue
    worst = Math.max(worst, best)
    bits += bestBits
    shared++
  }
  agreement.bits = bits
  if (shared === 0) agreement.level = NAME.NOTHING
  else if (shared < short.length)
    agreement.level = 2 * shared >= short.length ? NAME.OVERLAP : NAME.SOME
  else agreement.level = short.length < long.length ? NAME.HOLDS : worst
}

/** Agreement of two values, for kinds of one column and of two. */
const current = { level: MISSING, bits: 0, level2: MISSING, bits2: 0 }

function compareOne(
  kind: Exclude<ComparisonKind, 'person'>,
  title: boolean,
  a: unknown,
  b: unknown,
  givenNames: GivenNames,
): void {
  if (kind === 'address') {
    compareAddresses(a as AddressFeature, b as AddressFeature, addressAgreement)
    current.level = addressAgreement.street
    current.bits = addressAgreement.streetBits
    current.level2 = addressAgreement.place
    current.bits2 = addressAgreement.placeBits
  } else if (kind === 'product') {
    compareProducts(a as ProductFeature, b as ProductFeature, productAgreement)
    current.level = productAgreement.level
    current.bits = productAgreement.bits
    current.level2 = productAgreement.variant
  } else {
    if (title) compareTitles(a as TextFeature, b as TextFeature, agreement)
    else if (kind === 'name')
      compareNames(a as NameFeature, b as NameFeature, givenNames, agreement)
    else COMPARERS[kind](a as never, b as never, agreement)
    current.level = agreement.level
    current.bits = agreement.bits
  }
}

/** Kinds with a single column whose values are compared without further knowledge. */
type PlainKind = Exclude<ComparisonKind, 'person' | 'address' | 'name' | 'product'>

const COMPARERS: Record<PlainKind, (a: never, b: never, agreement: Agreement) => void> = {
  email: compareEmails,
  phone: comparePhones,
  domain: compareDomains,
  birth: compareBirths,
  date: compareDates,
  identifier: compareIdentifiers,
  text: compareTexts,
  price: comparePrices,
  number: compareNumbers,
  reference: compareReferences,
  category: compareCategories,
}
