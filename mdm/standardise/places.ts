import { countryCode } from './country.ts'
import { isSharedDomain } from './domain.ts'
import type {
  AddressFeature,
  ComparisonFeature,
  ComparisonFields,
  EmailFeature,
  NameFeature,
  TextFeature,
} from './featureShapes.ts'
import { plainWord } from './organisationName.ts'

/**
 * Returns the country of the first address that names one; phone numbers without a country are read
 * by it.
 */
export function countryOf(
  features: readonly ComparisonFeature[],
  comparisons: readonly ComparisonFields[],
): string | undefined {
  for (const [index, comparison] of comparisons.entries())
    if (comparison.kind === 'address')
      for (const address of (features[index] ?? []) as AddressFeature[])
        if (address.k) return address.k
  return undefined
}

/**
 * Marks the words of organisations' names that are the city of one of the record's addresses,
 * or the country of one, unless no other word is left.
 */
export function markPlaces(
  features: readonly ComparisonFeature[],
  comparisons: readonly ComparisonFields[],
): void {
  const featuresOfKind = <T>(kind: string): T[] =>
    comparisons.flatMap((comparison, i) =>
      comparison.kind === kind ? ((features[i] ?? []) as unknown as T[]) : [],
    )
  const addresses = featuresOfKind<AddressFeature>('address')
  const cities = addresses.flatMap(({ c }) => (c ? [c, plainWord(c)] : []))
  const countries = new Set(addresses.flatMap(({ k }) => k ?? []))
  if (cities.length + countries.size === 0) return
  for (const name of featuresOfKind<NameFeature>('name')) {
    if (name.o === 2) continue
    const places = name.t.filter(
      (word, i) =>
        cities.some((city) => isPartOfCity(name.t, i, city)) || isOneCountry(word, countries),
    )
    if (places.length > 0 && places.length < name.t.length) name.p = places
  }
}

/** Marks the names of a record with a date of birth as a person's: organisations have none. */
export function markPersons(
  features: readonly ComparisonFeature[],
  comparisons: readonly ComparisonFields[],
): void {
  if (!comparisons.some(({ kind }, i) => kind === 'birth' && features[i])) return
  for (const [i, { kind }] of comparisons.entries())
    if (kind === 'name')
      for (const name of (features[i] ?? []) as NameFeature[]) if (name.o === 0) name.o = 2
}

/**
 * Marks the words of products' names and of texts that another comparison compares: the brand in
 * "Logitech M305" of Logitech. Unless no other word is left.
 */
export function markContext(
  features: readonly ComparisonFeature[],
  comparisons: readonly (ComparisonFields & { context?: boolean })[],
): void {
  const named = new Set<string>()
  for (const [i, comparison] of comparisons.entries())
    if (comparison.context)
      for (const name of (features[i] ?? []) as NameFeature[])
        for (const word of name.t) named.add(word)
  if (named.size === 0) return
  for (const [i, { kind }] of comparisons.entries())
    if (kind === 'product' || kind === 'text')
      for (const text of (features[i] ?? []) as TextFeature[]) {
        const words = text.t.filter((word) => named.has(word))
        if (words.length > 0 && words.length < text.t.length) text.p = words
      }
}

/**
 * Returns whether the word at `at`, alone or with its neighbours, is the city, which is written in
 * one word.
 */
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

/** Returns whether the word is the name of one of the countries; codes are words of names too. */
function isOneCountry(word: string, countries: ReadonlySet<string>): boolean {
  return word.length >= COUNTRY_LETTERS_MIN && countries.has(countryCode(word) ?? '')
}
const COUNTRY_LETTERS_MIN = 4

/**
 * Marks the mailboxes of an organisation at its own domain: they say no more than the domain, which
 * another comparison counts, and sister companies share both.
 */
export function markSharedMailboxes(
  features: readonly ComparisonFeature[],
  comparisons: readonly (ComparisonFields & { context?: boolean; domainApart?: boolean })[],
): void {
  const isOrganisation = comparisons.some(
    ({ kind, context }, i) =>
      kind === 'name' &&
      !context &&
      ((features[i] ?? []) as NameFeature[]).some(({ o }) => o === 1),
  )
  if (!isOrganisation) return
  for (const [i, { domainApart }] of comparisons.entries())
    if (domainApart)
      for (const email of (features[i] ?? []) as EmailFeature[])
        if (email[4] === 0 && !isSharedDomain(email[1])) email[4] = 2
}
