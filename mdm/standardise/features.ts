import { type Address, type AddressParts, isStreetType, parseAddress } from './address.ts'
import { type DateParts, parseDate } from './date.ts'
import { isSharedDomain, parseDomain } from './domain.ts'
import { isRoleLocal, parseEmail } from './email.ts'
import { parseIdentifier } from './identifier.ts'
import { looksLikeOrganisation, parseOrganisationName } from './organisation_name.ts'
import { isOrganisationWord } from './organisation_words.ts'
import { isParticle, parseNamePart, parsePersonName } from './person_name.ts'
import { parsePhone } from './phone.ts'
import { parseNumber, parsePrice, priceOfMinorUnits } from './price.ts'
import { parseProductName, variantClass } from './product_name.ts'
import { fold, isPlaceholder, spelling, words } from './text.ts'

/** An amount in the smallest unit of its currency. */
export interface MoneyParts {
  minorUnits: number
  currency: string
}

/** One value of a field as a source gives it. */
export type FieldValue = string | number | boolean | AddressParts | MoneyParts

/**
 * A name: words and how much each says (bits), legal form, generation mark, `o` 1 organisation, 2 person, 0 not known. `p`: words
 * that are the city of the record's own address ("Acme London" in London).
 */
export interface NameFeature {
  t: string[]
  b: number[]
  p?: string[]
  f?: string
  x?: string
  o: 0 | 1 | 2
}
/** Given names and surnames of fields of their own, with bits. */
export interface PersonFeature {
  g: string[]
  gb: number[]
  s: string[]
  sb: number[]
}
/** An address: house number, street words with bits, street in one word, unit, city with bits, postcode, region, country. */
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
/** Any longer text: words with bits. */
export interface TextFeature {
  t: string[]
  b: number[]
}
/** A product's name: words and model numbers with bits, variants (colours, measures), model numbers found in descriptions. */
export interface ProductFeature extends TextFeature {
  m: string[]
  mb: number[]
  v: string[]
  d: string[]
}
/** A value compared as a whole, with bits: [text, bits]. */
export type ValueFeature = [value: string, bits: number]
/** `role`: the local part is one of a function such as info@ or billing@, which says nothing by itself. */
export type EmailFeature = [local: string, domain: string, bits: number, domainBits: number, role: 0 | 1]
export type DomainFeature = [domain: string, label: string, bits: number]
export type IdentifierFeature = [scheme: string, value: string, checked: 0 | 1, bits: number]
export type PriceFeature = [amount: number, currency: string]

/** The standardised values of one unit, by its kind; null where the record has none. */
export type UnitFeature =
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

/** What standardising needs to know of a unit; structurally what the plan of the engine gives. */
export interface UnitFields {
  name: string
  kind: string
  fields: readonly { name: string; as: string }[]
}

/** How much a value says, log2(1/frequency), of one sort of value of a unit ("given", "token", "city", ...). */
export type BitsOf = (sort: string, value: string) => number

/** Values of one field beyond this many are ignored: no record pays for a list of 10,000. */
export const VALUES_MAX = 16

type Fields = Readonly<Record<string, FieldValue | FieldValue[] | null | undefined>>

/**
 * The standardised values of one unit of a record, all bits zero: `weighUnit` fills them in.
 * @param country ISO 3166-1 alpha-2 of the record, for phone numbers written without one
 */
export function standardiseUnit(unit: UnitFields, fields: Fields, country?: string): UnitFeature {
  if (unit.kind === 'person') return personFeature(unit, fields)
  if (unit.kind === 'address') return addressFeatures(unit, fields)
  const values: [FieldValue, string][] = []
  for (const field of unit.fields) for (const value of listed(fields[field.name])) values.push([value, field.as])
  if (values.length === 0) return null
  const all = <T>(read: (value: FieldValue, as: string) => T | null, key: (feature: T) => string): T[] | null =>
    distinct(
      values.map(([value, as]) => read(value, as)),
      key,
    )
  switch (unit.kind) {
    case 'name':
      return all(
        (v, as) => nameFeature(String(v), as),
        (f) => f.t.join(' '),
      )
    case 'email':
      return all(
        (v) => emailFeature(String(v)),
        (f) => `${f[0]}@${f[1]}`,
      )
    case 'phone':
      return all(
        (v) => valueFeature(parsePhone(String(v), country)),
        (f) => f[0],
      )
    case 'domain':
      return all(
        (v, as) => domainFeature(as === 'EMAIL' ? String(v).slice(String(v).lastIndexOf('@') + 1) : String(v)),
        (f) => f[0],
      )
    case 'date':
    case 'birth':
      return all(
        (v) => parseDate(fold(String(v))),
        (f) => f.join('-'),
      )
    case 'identifier':
      return all(
        (v) => identifierFeature(String(v)),
        (f) => `${f[0]} ${f[1]}`,
      )
    case 'product':
      return productFeatures(unit, fields)
    case 'text':
      return all(
        (v) => textFeature(String(v)),
        (f) => f.t.join(' '),
      )
    case 'price':
      return all(priceFeature, (f) => f.join(' '))
    case 'number':
      return all((v) => (typeof v === 'number' ? v : parseNumber(String(v))), String)
    case 'reference':
      return all(
        (v) => valueFeature(String(v)),
        (f) => f[0],
      )
    default:
      return all(
        (v) => categoryFeature(String(v)),
        (f) => f[0],
      )
  }
}

/**
 * Fills in how much each value of a unit says. Called with a function that counts, it counts the values instead: standardising and
 * weighing are two steps, so that training parses each record once.
 */
export function weighUnit(kind: string, feature: UnitFeature, bitsOf: BitsOf): void {
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
        address.b = address.s.map((word) => (isStreetType(word) ? STREET_TYPE_BITS : bits('street', word)))
        address.cb = address.c ? bits('city', address.c) : 0
        address.pb = address.p ? bits('postcode', address.p) : 0
      }
      break
    case 'name':
      for (const name of feature as NameFeature[])
        name.b = name.t.map((word) =>
          name.p?.includes(word)
            ? Math.min(PLACE_BITS, bits('token', word))
            : name.o !== 1 && isParticle(word)
              ? PARTICLE_BITS
              : word.length === 1
                ? INITIAL_BITS
                : bits('token', word),
        )
      break
    case 'product':
      for (const product of feature as ProductFeature[]) {
        product.b = product.t.map((word) => bits('token', word))
        product.mb = product.m.map((model) => bits('model', model))
      }
      break
    case 'text':
      for (const text of feature as TextFeature[]) text.b = text.t.map((word) => bits('token', word))
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
      for (const value of feature as ValueFeature[]) value[1] = bits(kind === 'phone' ? 'phone' : 'value', value[0])
      break
  }
}

/** Words of which every other value has one say nearly nothing. */
const STREET_TYPE_BITS = 1
const PARTICLE_BITS = 1
const INITIAL_BITS = 3
/** The city is compared with the address; in the name it would count a second time. */
const PLACE_BITS = 1

/** The country of a record, from the first address that names one: it tells how its phone numbers are to be read. */
export function countryOf(features: readonly UnitFeature[], units: readonly UnitFields[]): string | undefined {
  for (const [index, unit] of units.entries())
    if (unit.kind === 'address')
      for (const address of (features[index] ?? []) as AddressFeature[]) if (address.k) return address.k
  return undefined
}

/** Marks the words of organisations' names that are the city of one of the record's addresses, unless nothing else is left. */
export function markPlaces(features: readonly UnitFeature[], units: readonly UnitFields[]): void {
  const of = <T>(kind: string): T[] =>
    units.flatMap((unit, i) => (unit.kind === kind ? ((features[i] ?? []) as unknown as T[]) : []))
  const cities = of<AddressFeature>('address').flatMap((address) => address.c ?? [])
  if (cities.length === 0) return
  for (const name of of<NameFeature>('name')) {
    if (name.o === 2) continue
    const places = name.t.filter((_, i) => cities.some((city) => isPartOfCity(name.t, i, city)))
    if (places.length > 0 && places.length < name.t.length) name.p = places
  }
}

/** Whether the word at a place, by itself or with its neighbours, is the city, which is written in one word. */
function isPartOfCity(words: readonly string[], at: number, city: string): boolean {
  for (let from = at; from >= 0 && from > at - CITY_WORDS_MAX; from--) {
    let joined = ''
    for (let to = from; to < words.length && joined.length < city.length; to++) {
      joined += words[to]
      if (joined === city && to >= at) return true
    }
  }
  return false
}
const CITY_WORDS_MAX = 3

function listed(value: FieldValue | FieldValue[] | null | undefined): FieldValue[] {
  if (value === null || value === undefined || value === '') return []
  if (!Array.isArray(value)) return [value]
  return value.slice(0, VALUES_MAX).filter((v) => v !== null && v !== undefined && v !== '')
}

/** The features there are, each once; null when there are none. */
function distinct<T>(features: (T | null)[], key: (feature: T) => string): T[] | null {
  const seen = new Set<string>()
  const kept: T[] = []
  for (const feature of features) {
    if (feature === null) continue
    const text = features.length > 1 ? key(feature) : ''
    if (!seen.has(text)) kept.push(feature)
    seen.add(text)
  }
  return kept.length ? kept : null
}

function valueFeature(value: string | null): ValueFeature | null {
  return value === null ? null : [value, 0]
}

function nameFeature(text: string, as: string): NameFeature | null {
  const organisation = as === 'PERSON_NAME' ? null : parseOrganisationName(text)
  if (
    organisation &&
    (as === 'ORGANISATION_NAME' || looksLikeOrganisation(organisation) || organisation.tokens.some(isOrganisationWord))
  ) {
    const feature: NameFeature = { t: organisation.tokens, b: [], o: 1 }
    if (organisation.legalForm) feature.f = organisation.legalForm
    return feature
  }
  const person = parsePersonName(text)
  if (!person) return null
  const feature: NameFeature = { t: person.tokens, b: [], o: as === 'PERSON_NAME' ? 2 : 0 }
  if (person.suffix) feature.x = person.suffix
  return feature
}

function personFeature(unit: UnitFields, fields: Fields): PersonFeature | null {
  const feature: PersonFeature = { g: [], gb: [], s: [], sb: [] }
  for (const field of unit.fields)
    for (const value of listed(fields[field.name])) {
      const name = parseNamePart(String(value))
      const names = field.as === 'GIVEN_NAME' ? feature.g : feature.s
      if (name && !names.includes(name)) names.push(name)
    }
  return feature.g.length + feature.s.length > 0 ? feature : null
}

function addressFeatures(unit: UnitFields, fields: Fields): AddressFeature[] | null {
  const found: Address[] = []
  const parts: AddressParts = {}
  for (const field of unit.fields)
    for (const value of listed(fields[field.name])) {
      if (field.as === 'ADDRESS') {
        const address = parseAddress(typeof value === 'object' ? (value as AddressParts) : String(value))
        if (address) found.push(address)
      } else {
        const part = field.as.toLowerCase() as keyof AddressParts
        if (part === 'street' && parts.street) parts.street = `${parts.street}, ${String(value)}`
        else parts[part] ??= String(value)
      }
    }
  if (Object.keys(parts).length > 0) {
    const address = parseAddress(parts)
    if (address) found.push(address)
  }
  const features = found.map((a): AddressFeature => {
    const feature: AddressFeature = { s: a.street, b: [], cb: 0, pb: 0 }
    if (a.number) feature.n = a.number
    if (a.unit) feature.u = a.unit
    if (a.city) feature.c = a.city
    if (a.postcode) feature.p = a.postcode
    if (a.region) feature.r = a.region
    if (a.country) feature.k = a.country
    return feature
  })
  return distinct(features, (f) => `${f.n}|${f.s.join(' ')}|${f.c}|${f.p}`)
}

function emailFeature(text: string): EmailFeature | null {
  const email = parseEmail(fold(text))
  return email && [email.local, email.domain, 0, 0, isRoleLocal(email.local) ? 1 : 0]
}

function domainFeature(text: string): DomainFeature | null {
  const domain = parseDomain(fold(text))
  return domain && [domain.domain, domain.label, 0]
}

function identifierFeature(text: string): IdentifierFeature | null {
  const id = parseIdentifier(fold(text))
  return id && [id.scheme, id.value, id.checked ? 1 : 0, 0]
}

/** The names of a product; descriptions of the same type add model numbers, and variants where the name has none. */
function productFeatures(unit: UnitFields, fields: Fields): ProductFeature[] | null {
  const found: ProductFeature[] = []
  for (const field of unit.fields)
    for (const value of listed(fields[field.name])) {
      const name = parseProductName(String(value))
      if (!name) continue
      if (field.as === 'PRODUCT_NAME')
        found.push({ t: name.tokens, b: [], m: name.models, mb: [], v: name.variants, d: [] })
      else
        for (const product of found) {
          product.d = [...new Set([...product.d, ...name.models])]
          const classes = new Set(product.v.map(variantClass))
          product.v.push(
            ...name.variants.filter(
              (variant) => !classes.has(variantClass(variant)) && variantClass(variant) === 'colour',
            ),
          )
        }
    }
  return distinct(found, (f) => f.t.join(' '))
}

function textFeature(text: string): TextFeature | null {
  const folded = fold(text)
  if (isPlaceholder(folded)) return null
  const tokens = [...new Set(words(folded).map(spelling))]
  return { t: tokens, b: [] }
}

function categoryFeature(text: string): ValueFeature | null {
  const folded = fold(text)
  return isPlaceholder(folded) ? null : valueFeature(words(folded).join(' ').slice(0, 80))
}

function priceFeature(value: FieldValue): PriceFeature | null {
  if (typeof value === 'object' && 'minorUnits' in value) {
    const price = priceOfMinorUnits(value.minorUnits, value.currency)
    return price.amount > 0 ? [price.amount, price.currency ?? ''] : null
  }
  if (typeof value === 'number') return value > 0 ? [value, ''] : null
  const price = parsePrice(String(value))
  return price && [price.amount, price.currency ?? '']
}
