import { isStreetType } from './address.ts'
import { isSharedDomain } from './domain.ts'
import type {
  AddressFeature,
  ComparisonFeature,
  DomainFeature,
  EmailFeature,
  IdentifierFeature,
  NameFeature,
  PersonFeature,
  ProductFeature,
  TextFeature,
  ValueFeature,
} from './featureShapes.ts'
import { isParticle } from './personName.ts'

/** Returns the bits of a value, log2(1/frequency), by its sort ("given", "token", "city", ...). */
export type BitsOf = (sort: string, value: string) => number

/**
 * Sets the bits of each value of a comparison. With a counting function it counts the values
 * instead: standardising and weighing are two steps, so that training parses each record once.
 */
export function weighFeature(kind: string, feature: ComparisonFeature, bitsOf: BitsOf): void {
  if (feature === null) return
  const bits = (sort: string, value: string) => Math.round(bitsOf(sort, value) * 10) / 10
  switch (kind) {
    case 'person': {
      const person = feature as PersonFeature
      person.gb = person.g.map((name) => bits('given', name))
      person.sb = person.s.map((name) => bits('surname', name))
      break
    }
    case 'address':
      for (const address of feature as AddressFeature[]) {
        address.b = address.s.map((word) =>
          isStreetType(word) ? STREET_TYPE_BITS : bits('street', word),
        )
        address.cb = address.c ? bits('city', address.c) : 0
        address.pb = address.p ? bits('postcode', address.p) : 0
      }
      break
    case 'name':
      for (const name of feature as NameFeature[])
        name.b = name.t.map((word) =>
          name.p?.includes(word)
            ? Math.min(COUNTED_APART_BITS, bits('token', word))
            : name.o !== 1 && isParticle(word)
              ? PARTICLE_BITS
              : word.length === 1
                ? INITIAL_BITS
                : bits('token', word),
        )
      break
    case 'product':
      for (const product of feature as ProductFeature[]) {
        weighText(product, bits)
        product.mb = product.m.map((model) => bits('model', model))
      }
      break
    case 'text':
      for (const text of feature as TextFeature[]) weighText(text, bits)
      break
    case 'email':
      for (const email of feature as EmailFeature[]) {
        email[2] = bits('email', `${email[0]}@${email[1]}`)
        email[3] = isSharedDomain(email[1]) ? 0 : bits('maildomain', email[1])
      }
      break
    case 'domain':
      for (const domain of feature as DomainFeature[]) domain[2] = bits('domain', domain[0])
      break
    case 'identifier':
      for (const id of feature as IdentifierFeature[]) id[3] = bits('id', id[1])
      break
    case 'phone':
    case 'category':
    case 'reference':
      for (const value of feature as ValueFeature[])
        value[1] = bits(kind === 'phone' ? 'phone' : 'value', value[0])
      break
  }
}

function weighText(text: TextFeature, bits: BitsOf): void {
  text.b = text.t.map((word) =>
    text.p?.includes(word)
      ? Math.min(COUNTED_APART_BITS, bits('token', word))
      : bits('token', word),
  )
  text.w = bits('whole', [...text.t].sort().join(' ').slice(0, WHOLE_CHARS_MAX))
}

/** Two texts that begin with this many equal characters, their words sorted, count as equal. */
const WHOLE_CHARS_MAX = 100

/** Bits of words that every other value contains: almost no evidence. */
const STREET_TYPE_BITS = 1
const PARTICLE_BITS = 1
const INITIAL_BITS = 3
/**
 * The city is compared with the address, the brand by itself; in the name they would count a second
 * time.
 */
const COUNTED_APART_BITS = 1
