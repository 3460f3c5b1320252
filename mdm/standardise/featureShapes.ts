import type { AddressParts } from './address.ts'
import type { DateParts } from './date.ts'

/** An amount in the smallest unit of its currency. */
export interface MoneyParts {
  minorUnits: number
  currency: string
}

/** One value of a field as a source gives it. */
export type FieldValue = string | number | boolean | AddressParts | MoneyParts

/**
 * A name: words with bits (the evidence of each), legal form, generation mark, `o` 1 organisation,
 * 2 person, 0 unknown. `h`: the sex that a title states, "m" or "f". `p`: words that are the city of
 * the record's own address ("Acme London" in London). `z`: the script; 1 Chinese and 2 Japanese
 * characters, where no word is a slip of another; 3 Arabic or Hebrew letters, without vowels.
 */
export interface NameFeature {
  t: string[]
  b: number[]
  p?: string[]
  f?: string
  x?: string
  h?: 'm' | 'f'
  z?: 1 | 2 | 3
  o: 0 | 1 | 2
}
/** Given names and surnames from fields of their own, with bits; `x` and `z` as in a whole name. */
export interface PersonFeature {
  x?: string
  z?: 1 | 2 | 3
  g: string[]
  gb: number[]
  s: string[]
  sb: number[]
}
/**
 * An address: house number, street words with bits, street in one word, unit, city with bits,
 * postcode, region, country.
 */
export interface AddressFeature {
  n?: string
  s: string[]
  b: number[]
  u?: string
  c?: string
  cb: number
  p?: string
  pb: number
  r?: string
  k?: string
}
/**
 * Any longer text: words with bits. `p`: words that name what another comparison compares. `w`: bits
 * of the whole text, the most that its words can have together.
 */
export interface TextFeature {
  t: string[]
  b: number[]
  p?: string[]
  w?: number
}
/**
 * A product's name: words and model numbers with bits, variants (colours, measures), model numbers
 * found in descriptions. `k`: how many of the model numbers, the first ones, have a field of their own.
 */
export interface ProductFeature extends TextFeature {
  k?: number
  m: string[]
  mb: number[]
  v: string[]
  d: string[]
}
/**
 * An identifier with the scheme it belongs to. Two identifiers speak against each other only inside
 * one scheme. `checked`: its check digits are right, so it cannot be a slip of the pen.
 */
export interface Identifier {
  scheme: string
  value: string
  checked: boolean
}
/** A value compared as a whole, with bits: [text, bits]. */
export type ValueFeature = [value: string, bits: number]
/**
 * `role`: 1, the local part is a function such as info@ or billing@, which is no evidence by itself;
 * 2, it is a mailbox of an organisation at its own domain; 3, it has a person's surname and nothing
 * else of the name, as a family's mailbox has.
 */
export type EmailFeature = [
  local: string,
  domain: string,
  bits: number,
  domainBits: number,
  role: 0 | 1 | 2 | 3,
]
export type DomainFeature = [domain: string, label: string, bits: number]
export type IdentifierFeature = [scheme: string, value: string, checked: 0 | 1, bits: number]
export type PriceFeature = [amount: number, currency: string]

/** The standardised values of one comparison, by its kind; null if the record has none. */
export type ComparisonFeature =
  | NameFeature[]
  | PersonFeature
  | AddressFeature[]
  | TextFeature[]
  | ProductFeature[]
  | ValueFeature[]
  | EmailFeature[]
  | DomainFeature[]
  | IdentifierFeature[]
  | PriceFeature[]
  | DateParts[]
  | number[]
  | null

/**
 * The part of a comparison that standardising reads; structurally a `Comparison` of
 * mdm/match/plan.ts.
 */
export interface ComparisonFields {
  name: string
  kind: string
  fields: readonly { name: string; as: string }[]
}
