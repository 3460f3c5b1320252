/** The comparators that `@compare(as:)` of the schema names. */
export type Comparator =
  | 'PERSON_NAME'
  | 'GIVEN_NAME'
  | 'SURNAME'
  | 'ORGANISATION_NAME'
  | 'NAME'
  | 'EMAIL'
  | 'PHONE'
  | 'DOMAIN'
  | 'ADDRESS'
  | 'STREET'
  | 'CITY'
  | 'REGION'
  | 'POSTCODE'
  | 'COUNTRY'
  | 'DATE'
  | 'DATE_OF_BIRTH'
  | 'IDENTIFIER'
  | 'PRODUCT_NAME'
  | 'TEXT'
  | 'CATEGORY'
  | 'PRICE'
  | 'NUMBER'
  | 'REFERENCE'

/** The part of a golden type's field that matching reads. Fields without `compare` are ignored. */
export interface MatchField {
  name: string
  list: boolean
  compare?: { as: Comparator; group?: string }
}

/**
 * The part of a golden type that matching reads. `uniqueIn`: sources that hold a thing at most
 * once; "*" is all of them.
 */
export interface MatchType {
  name: string
  uniqueIn: readonly string[]
  fields: readonly MatchField[]
}

/** Kinds of comparisons. Each kind has one standardised form and one set of comparison levels. */
export type ComparisonKind =
  | 'person'
  | 'name'
  | 'email'
  | 'phone'
  | 'domain'
  | 'address'
  | 'date'
  | 'birth'
  | 'identifier'
  | 'product'
  | 'text'
  | 'category'
  | 'price'
  | 'number'
  | 'reference'

/**
 * One comparison: the values of its fields are pooled, and the best agreement between any two of
 * them counts, once. The property names are part of the model's version (`versionOf`).
 */
export interface Comparison {
  name: string
  kind: ComparisonKind
  fields: { name: string; as: Comparator }[]
  /**
   * Whether a record can have several values (a list, or several fields); then differing values
   * count less against a match.
   */
  many: boolean
  /**
   * Email only: another comparison compares the domains, so a shared domain is no evidence here.
   */
  domainApart?: boolean
  /**
   * An organisation's name in a record of a person: the employer, which colleagues share. It is
   * context, not identity.
   */
  context?: boolean
  /** Policy group. Of the comparisons of one group only the strongest counts. */
  group?: string
}

const KINDS: Record<Comparator, ComparisonKind> = {
  PERSON_NAME: 'name',
  GIVEN_NAME: 'person',
  SURNAME: 'person',
  ORGANISATION_NAME: 'name',
  NAME: 'name',
  EMAIL: 'email',
  PHONE: 'phone',
  DOMAIN: 'domain',
  ADDRESS: 'address',
  STREET: 'address',
  CITY: 'address',
  REGION: 'address',
  POSTCODE: 'address',
  COUNTRY: 'address',
  DATE: 'date',
  DATE_OF_BIRTH: 'birth',
  IDENTIFIER: 'identifier',
  PRODUCT_NAME: 'product',
  TEXT: 'text',
  CATEGORY: 'category',
  PRICE: 'price',
  NUMBER: 'number',
  REFERENCE: 'reference',
}

/**
 * Kinds whose ungrouped fields are parts of one thing: given name and surname; street, postcode and
 * city.
 */
const WHOLES = new Set<ComparisonKind>(['person', 'address'])

/**
 * Returns the comparisons of a type, in the order of its fields. Fields of one group and kind are
 * one comparison. Parts of a person's name, and parts of an address, are one comparison even
 * without a group, because they are correlated; full addresses without a group stay separate.
 */
export function planComparisons(type: MatchType): Comparison[] {
  const comparisons: Comparison[] = []
  for (const field of type.fields) {
    if (!field.compare) continue
    const { as, group } = field.compare
    const kind = KINDS[as]
    const part = WHOLES.has(kind) && as !== 'ADDRESS'
    const existing = comparisons.find(
      (c) =>
        c.kind === kind &&
        (group !== undefined
          ? c.group === group
          : c.group === undefined && part && c.fields.every((f) => f.as !== 'ADDRESS')),
    )
    if (existing) {
      existing.many ||= field.list || existing.fields.some((f) => f.as === as)
      existing.fields.push({ name: field.name, as })
    } else {
      const comparison: Comparison = {
        name: group ?? field.name,
        kind,
        fields: [{ name: field.name, as }],
        many: field.list,
      }
      if (group !== undefined) comparison.group = group
      comparisons.push(comparison)
    }
  }
  const ofPersons = comparisons.some(
    (c) => c.kind === 'person' || c.fields.some((f) => f.as === 'PERSON_NAME' || f.as === 'NAME'),
  )
  if (ofPersons)
    for (const comparison of comparisons)
      if (
        comparison.kind === 'name' &&
        comparison.fields.every((f) => f.as === 'ORGANISATION_NAME')
      )
        comparison.context = true
  // The domain of an email address is a domain too: "info@acme.de" agrees with "www.acme.de".
  const domains = comparisons.find((comparison) => comparison.kind === 'domain')
  if (domains)
    for (const field of type.fields)
      if (field.compare?.as === 'EMAIL') {
        domains.fields.push({ name: field.name, as: 'EMAIL' })
        domains.many = true
        for (const comparison of comparisons)
          if (comparison.kind === 'email') comparison.domainApart = true
      }
  // Descriptions name model numbers and colours too: products read them beside their names.
  for (const comparison of comparisons)
    if (comparison.kind === 'product')
      for (const field of type.fields)
        if (field.compare?.as === 'TEXT') comparison.fields.push({ name: field.name, as: 'TEXT' })
  for (const [index, comparison] of comparisons.entries())
    if (comparisons.some((other, at) => at < index && other.name === comparison.name))
      comparison.name = `${comparison.name}:${comparison.kind}`
  return comparisons
}
