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
  /**
   * How many times as much a false merge costs as a missed one: a pair is a match from odds of so
   * many to one on. 1 if absent.
   */
  falseMergeCost?: number
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
   * A name of something else than the record's thing: an employer, a brand, the authors of a work,
   * the contact of a company. Colleagues and variants share it, so it is context, not identity.
   */
  context?: boolean
  /** Text only: the name of the record's thing, not a description. */
  title?: boolean
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
 * city; a product's name and its model number, which the name often repeats.
 */
const WHOLES = new Set<ComparisonKind>(['person', 'address', 'product'])

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
  markRoles(comparisons)
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

/** Sorts of names: what a comparison names, if it names anything. */
type NameSort = 'person' | 'party' | 'organisation' | 'product' | 'text'

function nameSortOf({ kind, fields }: Comparison): NameSort | undefined {
  if (kind === 'person' || kind === 'product' || kind === 'text') return kind
  if (kind !== 'name') return undefined
  if (fields.every((f) => f.as === 'ORGANISATION_NAME')) return 'organisation'
  return fields.every((f) => f.as === 'PERSON_NAME') ? 'person' : 'party'
}

/**
 * Marks which names are the thing's own. Given name and surname in fields of their own always are,
 * and so is a product name; else the first name of the type is. Names of other sorts are context, as
 * are all parties beside a product or title: makers, artists, customers. A text is a name only if it
 * comes first.
 */
function markRoles(comparisons: readonly Comparison[]): void {
  const own =
    comparisons.find((c) => c.kind === 'person') ??
    comparisons.find((c) => c.kind === 'product') ??
    comparisons.find((c) => nameSortOf(c) !== undefined)
  if (!own) return
  const sort = nameSortOf(own)
  if (own.kind === 'text') own.title = true
  for (const comparison of comparisons) {
    const other = comparison.kind === 'name' ? nameSortOf(comparison) : undefined
    if (other === undefined || other === sort) continue
    // A party may be a person or an organisation: its persons' names are its own.
    if (other === 'party' && (sort === 'person' || sort === 'organisation')) continue
    if (sort === 'party' && other === 'person') continue
    comparison.context = true
  }
}
