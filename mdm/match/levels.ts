import { type AddressSaid, compareAddresses } from './compareAddress.ts'
import { compareNames, type Said } from './compareName.ts'
import { comparePersons, type PersonSaid } from './comparePerson.ts'
import { compareProducts, compareTexts, type ProductSaid } from './compareText.ts'
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
import type { AddressFeature, NameFeature, PersonFeature, ProductFeature, UnitFeature } from './featureTypes.ts'
import type { UnitKind } from './plan.ts'
import { MISSING } from './priors.ts'

/** The level and bits of every dimension of a type for one pair; reused from pair to pair. */
export interface LevelSink {
  levels: Int8Array
  bits: Float64Array
}

/** Whether two words are forms of one given name ("bob", "robert"). Handed in, because standardising knows names. */
export type SameName = (a: string, b: string) => boolean

const said: Said = { level: MISSING, bits: 0 }
const productSaid: ProductSaid = { level: MISSING, bits: 0, variant: MISSING }
const personSaid: PersonSaid = { given: MISSING, givenBits: 0, surname: MISSING, surnameBits: 0 }
const addressSaid: AddressSaid = { street: MISSING, streetBits: 0, place: MISSING, placeBits: 0 }

/**
 * Compares one unit of two records and writes the levels of its dimensions from `at` on. Of several values on either side the pair
 * that agrees best counts: `value(level, bits)` ranks them.
 */
export function compareUnit(
  kind: UnitKind,
  a: UnitFeature,
  b: UnitFeature,
  at: number,
  sink: LevelSink,
  value: (dimension: number, level: number, bits: number) => number,
  sameName: SameName,
): void {
  const { levels, bits } = sink
  levels[at] = MISSING
  bits[at] = 0
  if (kind === 'person' || kind === 'address' || kind === 'product') {
    levels[at + 1] = MISSING
    bits[at + 1] = 0
  }
  if (a === null || b === null) return
  if (kind === 'person') {
    comparePersons(a as PersonFeature, b as PersonFeature, sameName, personSaid)
    levels[at] = personSaid.given
    bits[at] = personSaid.givenBits
    levels[at + 1] = personSaid.surname
    bits[at + 1] = personSaid.surnameBits
    return
  }
  const listA = a as unknown[]
  const listB = b as unknown[]
  const two = kind === 'address' || kind === 'product'
  const several = listA.length > 1 || listB.length > 1
  let best = Number.NEGATIVE_INFINITY
  for (let i = 0; i < listA.length; i++)
    for (let j = 0; j < listB.length; j++) {
      compareOne(kind, listA[i], listB[j], sameName)
      if (several) {
        const worth = value(at, one.level, one.bits) + (two ? value(at + 1, one.level2, one.bits2) : 0)
        if (worth <= best) continue
        best = worth
      }
      levels[at] = one.level
      bits[at] = one.bits
      if (two) {
        levels[at + 1] = one.level2
        bits[at + 1] = one.bits2
      }
    }
}

/** What the comparison of two values said, for kinds of one dimension and of two. */
const one = { level: MISSING, bits: 0, level2: MISSING, bits2: 0 }

function compareOne(kind: Exclude<UnitKind, 'person'>, a: unknown, b: unknown, sameName: SameName): void {
  if (kind === 'address') {
    compareAddresses(a as AddressFeature, b as AddressFeature, addressSaid)
    one.level = addressSaid.street
    one.bits = addressSaid.streetBits
    one.level2 = addressSaid.place
    one.bits2 = addressSaid.placeBits
  } else if (kind === 'product') {
    compareProducts(a as ProductFeature, b as ProductFeature, productSaid)
    one.level = productSaid.level
    one.bits = productSaid.bits
    one.level2 = productSaid.variant
  } else {
    if (kind === 'name') compareNames(a as NameFeature, b as NameFeature, sameName, said)
    else COMPARERS[kind](a as never, b as never, said)
    one.level = said.level
    one.bits = said.bits
  }
}

/** Kinds of a single dimension whose values are compared without further knowledge. */
type PlainKind = Exclude<UnitKind, 'person' | 'address' | 'name' | 'product'>

const COMPARERS: Record<PlainKind, (a: never, b: never, said: Said) => void> = {
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
