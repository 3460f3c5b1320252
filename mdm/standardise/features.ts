import { type Address, type AddressParts, isStreetType, parseAddress } from './address.ts'
import { type DateParts, parseDate } from './date.ts'
import { parseDomain } from './domain.ts'
import { parseEmail } from './email.ts'
import { parseIdentifier } from './identifier.ts'
import { looksLikeOrganisation, parseOrganisationName } from './organisation_name.ts'
import { isOrganisationWord } from './organisation_words.ts'
import { isParticle, parseNamePart, parsePersonName } from './person_name.ts'
import { parsePhone } from './phone.ts'
import { parseNumber, parsePrice, priceOfMinorUnits } from './price.ts'
import { parseProductName } from './product_name.ts'
import { fold, isPlaceholder, spelling, words } from './text.ts'

/** An amount in the smallest unit of its currency. */
export interface MoneyParts {
  minorUnits: number
  currency: string
}

/** One value of a field as a source gives it. */
export type FieldValue = string | number | boolean | AddressParts | MoneyParts

/** A name: words and how much each says (bits), legal form, generation mark, `o` 1 organisation, 2 person, 0 not known. */
export interface NameFeature {
  t: string[]
  b: number[]
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
/** A product's or any longer text: words with bits, model numbers with bits. */
export interface TextFeature {
  t: string[]
  b: number[]
  m: string[]
  mb: number[]
}
/** A value compared as a whole, with bits: [text, bits]. */
export type ValueFeature = [value: string, bits: number]
export type EmailFeature = [local: string, domain: string, bits: number, domainBits: number]
export type DomainFeature = [domain: string, label: string, bits: number]
export type IdentifierFeature = [scheme: string, value: string, checked: 0 | 1, bits: number]
export type PriceFeature = [amount: number, currency: string]

/** The standardised values of one unit, by its kind; null where the record has none. */
export type UnitFeature =
  | NameFeature[]
  | PersonFeature
  | AddressFeature[]
  | TextFeature[]
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
export const VALUES_MAX = 24

/** The standardised values of one unit of a record. */
export function standardiseUnit(
  unit: UnitFields,
  fields: Readonly<Record<string, FieldValue | FieldValue[] | null | undefined>>,
  bits: BitsOf,
  country?: string,
): UnitFeature {
  switch (unit.kind) {
    case 'person':
      return personFeature(unit, fields, bits)
    case 'address':
      return addressFeatures(unit, fields, bits)
  }
  const values: [FieldValue, string][] = []
  for (const field of unit.fields) for (const value of listed(fields[field.name])) values.push([value, field.as])
  if (values.length === 0) return null
  switch (unit.kind) {
    case 'name':
      return some(
        distinct(
          values.map(([v, as]) => nameFeature(String(v), as, bits)),
          (f) => f.t.join(' '),
        ),
      )
    case 'email':
      return some(
        distinct(
          values.map(([v]) => emailFeature(String(v), bits)),
          (f) => `${f[0]}@${f[1]}`,
        ),
      )
    case 'phone':
      return some(
        distinct(
          values.map(([v]) => valueFeature(parsePhone(String(v), country), 'phone', bits)),
          (f) => f[0],
        ),
      )
    case 'domain':
      return some(
        distinct(
          values.map(([v]) => domainFeature(String(v), bits)),
          (f) => f[0],
        ),
      )
    case 'date':
    case 'birth':
      return some(
        distinct(
          values.map(([v]) => parseDate(fold(String(v)))),
          (f) => f.join('-'),
        ),
      )
    case 'identifier':
      return some(
        distinct(
          values.map(([v]) => identifierFeature(String(v), bits)),
          (f) => `${f[0]} ${f[1]}`,
        ),
      )
    case 'product':
      return some(
        distinct(
          values.map(([v]) => productFeature(String(v), bits)),
          (f) => f.t.join(' '),
        ),
      )
    case 'text':
      return some(
        distinct(
          values.map(([v]) => textFeature(String(v), bits)),
          (f) => f.t.join(' '),
        ),
      )
    case 'price':
      return some(
        distinct(
          values.map(([v]) => priceFeature(v)),
          (f) => f.join(' '),
        ),
      )
    case 'number':
      return some(
        distinct(
          values.map(([v]) => (typeof v === 'number' ? v : parseNumber(String(v)))),
          (f) => String(f),
        ),
      )
    case 'reference':
      return some(
        distinct(
          values.map(([v]) => valueFeature(String(v), 'value', bits)),
          (f) => f[0],
        ),
      )
    default:
      return some(
        distinct(
          values.map(([v]) => categoryFeature(String(v), bits)),
          (f) => f[0],
        ),
      )
  }
}

/** The country of a record, from the first address that names one: it tells how its phone numbers are to be read. */
export function countryOf(features: readonly UnitFeature[], units: readonly UnitFields[]): string | undefined {
  for (const [index, unit] of units.entries())
    if (unit.kind === 'address')
      for (const address of (features[index] ?? []) as AddressFeature[]) if (address.k) return address.k
  return undefined
}

function listed(value: FieldValue | FieldValue[] | null | undefined): FieldValue[] {
  if (value === null || value === undefined || value === '') return []
  return Array.isArray(value)
    ? value.slice(0, VALUES_MAX).filter((v) => v !== null && v !== undefined && v !== '')
    : [value]
}

function some<T>(features: T[]): T[] | null {
  return features.length ? features : null
}

function distinct<T>(features: (T | null)[], key: (feature: T) => string): T[] {
  const seen = new Set<string>()
  const kept: T[] = []
  for (const feature of features) {
    if (feature === null) continue
    const text = key(feature)
    if (!seen.has(text)) kept.push(feature)
    seen.add(text)
  }
  return kept
}

function round(bits: number): number {
  return Math.round(bits * 10) / 10
}

function valueFeature(value: string | null, sort: string, bits: BitsOf): ValueFeature | null {
  return value === null ? null : [value, round(bits(sort, value))]
}

function nameFeature(text: string, as: string, bits: BitsOf): NameFeature | null {
  const organisation = as === 'PERSON_NAME' ? null : parseOrganisationName(text)
  const isOrganisation =
    as === 'ORGANISATION_NAME' ||
    (organisation !== null && (looksLikeOrganisation(organisation) || organisation.tokens.some(isOrganisationWord)))
  if (isOrganisation && organisation) {
    const feature: NameFeature = {
      t: organisation.tokens,
      b: organisation.tokens.map((t) => round(bits('token', t))),
      o: 1,
    }
    if (organisation.legalForm) feature.f = organisation.legalForm
    return feature
  }
  const person = parsePersonName(text)
  if (!person) return null
  const feature: NameFeature = {
    t: person.tokens,
    b: person.tokens.map((t) => (isParticle(t) ? 1 : t.length === 1 ? 3 : round(bits('token', t)))),
    o: as === 'PERSON_NAME' ? 2 : 0,
  }
  if (person.suffix) feature.x = person.suffix
  return feature
}

function personFeature(
  unit: UnitFields,
  fields: Readonly<Record<string, FieldValue | FieldValue[] | null | undefined>>,
  bits: BitsOf,
): PersonFeature | null {
  const feature: PersonFeature = { g: [], gb: [], s: [], sb: [] }
  for (const field of unit.fields)
    for (const value of listed(fields[field.name])) {
      const name = parseNamePart(String(value))
      if (!name) continue
      const given = field.as === 'GIVEN_NAME'
      const names = given ? feature.g : feature.s
      if (names.includes(name)) continue
      names.push(name)
      ;(given ? feature.gb : feature.sb).push(round(bits(given ? 'given' : 'surname', name)))
    }
  return feature.g.length + feature.s.length > 0 ? feature : null
}

function addressFeatures(
  unit: UnitFields,
  fields: Readonly<Record<string, FieldValue | FieldValue[] | null | undefined>>,
  bits: BitsOf,
): AddressFeature[] | null {
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
    const feature: AddressFeature = {
      s: a.street,
      b: a.street.map((t) => (isStreetType(t) ? 1 : round(bits('street', t)))),
      cb: a.city ? round(bits('city', a.city)) : 0,
      pb: a.postcode ? round(bits('postcode', a.postcode)) : 0,
    }
    if (a.number) feature.n = a.number
    if (a.unit) feature.u = a.unit
    if (a.city) feature.c = a.city
    if (a.postcode) feature.p = a.postcode
    if (a.region) feature.r = a.region
    if (a.country) feature.k = a.country
    return feature
  })
  return some(distinct(features, (f) => `${f.n}|${f.s.join(' ')}|${f.c}|${f.p}`))
}

function emailFeature(text: string, bits: BitsOf): EmailFeature | null {
  const email = parseEmail(fold(text))
  return (
    email && [
      email.local,
      email.domain,
      round(bits('email', `${email.local}@${email.domain}`)),
      round(bits('maildomain', email.domain)),
    ]
  )
}

function domainFeature(text: string, bits: BitsOf): DomainFeature | null {
  const domain = parseDomain(fold(text))
  return domain && [domain.domain, domain.label, round(bits('domain', domain.domain))]
}

function identifierFeature(text: string, bits: BitsOf): IdentifierFeature | null {
  const id = parseIdentifier(fold(text))
  return id && [id.scheme, id.value, id.checked ? 1 : 0, round(bits('id', id.value))]
}

function productFeature(text: string, bits: BitsOf): TextFeature | null {
  const product = parseProductName(text)
  if (!product) return null
  return {
    t: product.tokens,
    b: product.tokens.map((t) => round(bits('token', t))),
    m: product.models,
    mb: product.models.map((t) => round(bits('model', t))),
  }
}

function textFeature(text: string, bits: BitsOf): TextFeature | null {
  const folded = fold(text)
  if (isPlaceholder(folded)) return null
  const tokens = [...new Set(words(folded).map(spelling))]
  return { t: tokens, b: tokens.map((t) => round(bits('token', t))), m: [], mb: [] }
}

function categoryFeature(text: string, bits: BitsOf): ValueFeature | null {
  const folded = fold(text)
  if (isPlaceholder(folded)) return null
  return valueFeature(words(folded).join(' ').slice(0, 80), 'value', bits)
}

function priceFeature(value: FieldValue): PriceFeature | null {
  if (typeof value === 'object' && 'minorUnits' in value) {
    const price = priceOfMinorUnits(value.minorUnits, value.currency)
    return price.amount > 0 ? [price.amount, price.currency ?? ''] : null
  }
  const price = typeof value === 'number' ? (value > 0 ? { amount: value } : null) : parsePrice(String(value))
  return price && [price.amount, 'currency' in price && price.currency ? price.currency : '']
}
