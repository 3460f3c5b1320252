import { type AddressSaid, compareAddresses } from './compare_address.ts'
import { compareNames, type Said } from './compare_name.ts'
import { comparePersons, type PersonSaid } from './compare_person.ts'
import { compareProducts, compareTexts, type ProductSaid } from './compare_text.ts'
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
} from './compare_values.ts'
import type { AddressFeature, NameFeature, PersonFeature, ProductFeature, UnitFeature } from './feature_types.ts'
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
  let best = Number.NEGATIVE_INFINITY
  for (let i = 0; i < listA.length; i++)
    for (let j = 0; j < listB.length; j++) {
      if (kind === 'address') {
        compareAddresses(listA[i] as AddressFeature, listB[j] as AddressFeature, addressSaid)
        const worth =
          (addressSaid.street === MISSING ? 0 : value(at, addressSaid.street, addressSaid.streetBits)) +
          (addressSaid.place === MISSING ? 0 : value(at + 1, addressSaid.place, addressSaid.placeBits))
        if (worth <= best) continue
        best = worth
        levels[at] = addressSaid.street
        bits[at] = addressSaid.streetBits
        levels[at + 1] = addressSaid.place
        bits[at + 1] = addressSaid.placeBits
        continue
      }
      if (kind === 'product') {
        compareProducts(listA[i] as ProductFeature, listB[j] as ProductFeature, productSaid)
        const worth =
          value(at, productSaid.level, productSaid.bits) +
          (productSaid.variant === MISSING ? 0 : value(at + 1, productSaid.variant, 0))
        if (worth <= best) continue
        best = worth
        levels[at] = productSaid.level
        bits[at] = productSaid.bits
        levels[at + 1] = productSaid.variant
        continue
      }
      compareValue(kind, listA[i], listB[j], sameName)
      const worth = value(at, said.level, said.bits)
      if (worth <= best) continue
      best = worth
      levels[at] = said.level
      bits[at] = said.bits
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

function compareValue(
  kind: Exclude<UnitKind, 'person' | 'address' | 'product'>,
  a: unknown,
  b: unknown,
  sameName: SameName,
): void {
  if (kind === 'name') compareNames(a as NameFeature, b as NameFeature, sameName, said)
  else COMPARERS[kind](a as never, b as never, said)
}
