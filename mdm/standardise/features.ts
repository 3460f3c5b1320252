import { dataText } from '../../schema/kit/dataText.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { isStandInName } from '../../schema/standInName.ts'
import { type Address, type AddressParts, parseAddress } from './address.ts'
import { parseDate } from './date.ts'
import { parseDomain } from './domain.ts'
import { isRoleLocal, parseEmail } from './email.ts'
import type {
  AddressFeature,
  ComparisonFeature,
  ComparisonFields,
  DomainFeature,
  EmailFeature,
  FieldValue,
  IdentifierFeature,
  NameFeature,
  PersonFeature,
  PriceFeature,
  ProductFeature,
  TextFeature,
  ValueFeature,
} from './featureShapes.ts'
import { parseIdentifier } from './identifier.ts'
import { formInCountry } from './legalForms.ts'
import { looksLikeOrganisation, parseOrganisationName } from './organisationName.ts'
import { isOrganisationWord } from './organisationWords.ts'
import { parseNamePart, parsePersonName } from './personName.ts'
import { parsePhone } from './phone.ts'
import { parseNumber, parsePrice, priceOfMinorUnits } from './price.ts'
import { parseModelNumber, parseProductName, variantClass } from './productName.ts'
import { fold, isAscii, isPlaceholder, scriptOf, spelling, words } from './text.ts'

/**
 * Values of one field beyond this many are ignored, so that no record pays for a list of 10,000.
 */
export const VALUES_MAX = 16

type Fields = Readonly<Record<string, FieldValue | FieldValue[] | null | undefined>>

/**
 * Returns the standardised values of one comparison of a record, all bits zero: `weighFeature` sets
 * them.
 * @param country ISO 3166-1 alpha-2 of the record, for phone numbers written without one
 */
export function standardiseFields(
  comparison: ComparisonFields,
  fields: Fields,
  country?: string,
): ComparisonFeature {
  if (comparison.kind === 'person') return personFeature(comparison, fields)
  if (comparison.kind === 'address') return addressFeatures(comparison, fields)
  const values: [FieldValue, string][] = []
  for (const field of comparison.fields)
    for (const value of listed(ownValue(fields, field.name))) values.push([value, field.as])
  if (values.length === 0) return null
  const all = <T>(
    read: (value: FieldValue, as: string) => T | null,
    key: (feature: T) => string,
  ): T[] | null =>
    distinct(
      values.map(([value, as]) => read(value, as)),
      key,
    )
  switch (comparison.kind) {
    case 'name':
      return all(
        (v, as) => nameFeature(dataText(v), as, country),
        (f) => `${f.t.join(' ')} ${f.f ?? ''}`,
      )
    case 'email':
      return all(
        (v) => emailFeature(dataText(v)),
        (f) => `${f[0]}@${f[1]}`,
      )
    case 'phone':
      return all(
        (v) => valueFeature(parsePhone(dataText(v), country)),
        (f) => f[0],
      )
    case 'domain':
      return all(
        (v, as) =>
          domainFeature(
            as === 'EMAIL' ? dataText(v).slice(dataText(v).lastIndexOf('@') + 1) : dataText(v),
          ),
        (f) => f[0],
      )
    case 'date':
    case 'birth':
      return all(
        (v) => parseDate(fold(dataText(v))),
        (f) => f.join('-'),
      )
    case 'identifier':
      return all(
        (v) => identifierFeature(dataText(v)),
        (f) => `${f[0]} ${f[1]}`,
      )
    case 'product':
      return productFeatures(comparison, fields)
    case 'text':
      return all(
        (v) => textFeature(dataText(v)),
        (f) => f.t.join(' '),
      )
    case 'price':
      return all(priceFeature, (f) => f.join(' '))
    case 'number':
      return all((v) => (typeof v === 'number' ? v : parseNumber(dataText(v))), String)
    case 'reference':
      return all(
        (v) => valueFeature(dataText(v)),
        (f) => f[0],
      )
    default:
      return all(
        (v) => categoryFeature(dataText(v)),
        (f) => f[0],
      )
  }
}

function listed(value: FieldValue | FieldValue[] | null | undefined): FieldValue[] {
  if (value === null || value === undefined || value === '') return []
  if (!Array.isArray(value)) return [value]
  return value.slice(0, VALUES_MAX).filter((v) => v !== null && v !== undefined && v !== '')
}

/** Returns the features without nulls and duplicates; null if there are none. */
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

function nameFeature(text: string, as: string, country?: string): NameFeature | null {
  if (isStandInName(text.trim())) return null
  const organisation = as === 'PERSON_NAME' ? null : parseOrganisationName(text)
  if (
    organisation &&
    (as === 'ORGANISATION_NAME' ||
      looksLikeOrganisation(organisation) ||
      organisation.tokens.some(isOrganisationWord))
  ) {
    const feature: NameFeature = { t: organisation.tokens, b: [], o: 1 }
    const form = organisation.legalForm
    if (form) {
      const known = country ? formInCountry(form, country, !isAscii(text)) : form
      if (known) feature.f = known
    }
    const script = scriptOf(text, country)
    if (script) feature.z = script
    return feature
  }
  const person = parsePersonName(text)
  if (!person) return null
  const feature: NameFeature = { t: person.tokens, b: [], o: as === 'PERSON_NAME' ? 2 : 0 }
  if (person.suffix) feature.x = person.suffix
  if (person.title) feature.h = person.title
  const script = scriptOf(text, country)
  if (script) feature.z = script
  return feature
}

function personFeature(comparison: ComparisonFields, fields: Fields): PersonFeature | null {
  const feature: PersonFeature = { g: [], gb: [], s: [], sb: [] }
  for (const field of comparison.fields)
    for (const value of listed(ownValue(fields, field.name))) {
      const text = dataText(value)
      const part = parseNamePart(text)
      if (!part) continue
      const names = field.as === 'GIVEN_NAME' ? feature.g : feature.s
      if (!names.includes(part.name)) names.push(part.name)
      if (part.suffix) feature.x = part.suffix
      const script = scriptOf(text)
      if (script) feature.z = script
    }
  return feature.g.length + feature.s.length > 0 ? feature : null
}

function addressFeatures(comparison: ComparisonFields, fields: Fields): AddressFeature[] | null {
  const found: Address[] = []
  const parts: AddressParts = {}
  for (const field of comparison.fields)
    for (const value of listed(ownValue(fields, field.name))) {
      if (field.as === 'ADDRESS') {
        const address = parseAddress(
          typeof value === 'object' ? (value as AddressParts) : dataText(value),
        )
        if (address) found.push(address)
      } else {
        const part = field.as.toLowerCase() as keyof AddressParts
        if (part === 'street' && parts.street) parts.street = `${parts.street}, ${dataText(value)}`
        else parts[part] ??= dataText(value)
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

/**
 * Returns the names of a product. A field with nothing but a model number adds it to the names before
 * it. Descriptions of the same type add model numbers, and colours if the name has none.
 */
function productFeatures(comparison: ComparisonFields, fields: Fields): ProductFeature[] | null {
  const found: ProductFeature[] = []
  for (const field of comparison.fields)
    for (const value of listed(ownValue(fields, field.name))) {
      const isName = field.as === 'PRODUCT_NAME'
      const code = isName && found.length > 0 ? parseModelNumber(dataText(value)) : null
      if (code !== null) {
        for (const product of found) addCode(product, code)
        continue
      }
      const name = parseProductName(dataText(value))
      if (!name) continue
      if (isName)
        found.push({ t: name.tokens, b: [], m: name.models, mb: [], v: name.variants, d: [] })
      else
        for (const product of found) {
          product.d = [...new Set([...product.d, ...name.models])]
          if (!product.v.some(isColour)) product.v.push(...name.variants.filter(isColour))
        }
    }
  return distinct(found, (f) => f.t.join(' '))
}

const isColour = (variant: string) => variantClass(variant) === 'colour'

/** Puts a model number from a field of its own before those that the name seems to have. */
function addCode(product: ProductFeature, code: string): void {
  product.k = (product.k ?? 0) + 1
  product.m = [code, ...product.m.filter((model) => model !== code)]
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
  const price = parsePrice(dataText(value))
  return price && [price.amount, price.currency ?? '']
}
