import type {
  AddressFeature,
  ComparisonFeature,
  DateParts,
  DomainFeature,
  EmailFeature,
  IdentifierFeature,
  NameFeature,
  PersonFeature,
  ProductFeature,
  TextFeature,
  ValueFeature,
} from './featureTypes.ts'
import { NARROW } from './keyBound.ts'
import type { Comparison } from './plan.ts'

/** Values with fewer bits (shared by more than about one record in 30) make no key of their own. */
const KEY_BITS_MIN = 5

/** Names of one record, aliases included, that make keys. */
const KEY_NAMES_MAX = 8

/** Encodes a word by its sound. Passed in, because given names belong to standardising. */
export type PhoneticEncoder = (word: string) => string

/** Parts of a record that go into compound keys. */
interface Atoms {
  given: string[]
  surname: string[]
  births: DateParts[]
  houseNumbers: string[]
  postcodes: string[]
  places: string[]
}

/**
 * Returns the blocking keys of a record, best first; two records are compared if they share one.
 * Exact identifiers, phone, email, domain; dates of birth with a name; names by sound with year,
 * postcode or city; house and street; model numbers; rare words alone and common ones in pairs. For
 * every key that may become large the same record has finer ones, so a saturated key loses nobody.
 */
export function blockingKeys(
  comparisons: readonly Comparison[],
  features: readonly ComparisonFeature[],
  encode: PhoneticEncoder,
  keysMax: number,
): string[] {
  const exact: string[] = []
  const compound: string[] = []
  const broad: string[] = []
  const atoms: Atoms = {
    given: [],
    surname: [],
    births: [],
    houseNumbers: [],
    postcodes: [],
    places: [],
  }
  const names: NameFeature[] = []
  const contextNames: NameFeature[] = []
  const hasOwnName = comparisons.some(
    (c) => c.kind === 'product' || (c.kind === 'name' && !c.context),
  )
  const sorts = sortsOfCommon(comparisons, features)
  for (const [index, comparison] of comparisons.entries()) {
    const feature = features[index]
    if (!feature) continue
    switch (comparison.kind) {
      case 'identifier':
        for (const [, value, , bits] of (feature as IdentifierFeature[]).slice(0, 4))
          if (bits >= KEY_BITS_MIN) exact.push(`id:${value}`)
        break
      case 'phone':
        for (const [value, bits] of (feature as ValueFeature[]).slice(0, 3))
          if (bits >= KEY_BITS_MIN) exact.push(`phone:${value.slice(-7)}`)
        break
      case 'email':
        for (const [local, domain, bits, domainBits] of (feature as EmailFeature[]).slice(0, 3)) {
          if (bits >= KEY_BITS_MIN) exact.push(`email:${local}@${domain}`)
          if (local.length >= 4) broad.push(`local:${local}`)
          // If either side of the @ is misspelled further on.
          if (domainBits >= KEY_BITS_MIN && local.length >= 3)
            broad.push(`mail:${local.slice(0, 3)}@${domain.slice(0, 4)}`)
          if (domainBits >= KEY_BITS_MIN) broad.push(`domain:${domain}`)
        }
        break
      case 'domain':
        for (const [domain, , bits] of (feature as DomainFeature[]).slice(0, 2))
          if (bits >= KEY_BITS_MIN) exact.push(`domain:${domain}`)
        break
      case 'reference':
        break
      case 'birth':
        atoms.births.push(...(feature as DateParts[]).slice(0, 2))
        break
      case 'person':
        atoms.given.push(...(feature as PersonFeature).g.slice(0, 2))
        atoms.surname.push(...(feature as PersonFeature).s.slice(0, 2))
        break
      case 'name':
        ;(comparison.context ? contextNames : names).push(
          ...(feature as NameFeature[]).slice(0, KEY_NAMES_MAX),
        )
        break
      case 'address':
        for (const address of (feature as AddressFeature[]).slice(0, 2)) {
          addressKeys(address, sorts, encode, compound, broad)
          if (address.n) atoms.houseNumbers.push(address.n)
          if (address.p) atoms.postcodes.push(address.p)
          if (address.c) atoms.places.push(address.c)
        }
        break
      case 'product':
        productKeys((feature as ProductFeature[])[0]!, exact, compound, broad)
        break
      case 'text':
        if (comparison.title || !hasOwnName)
          wordKeys((feature as TextFeature[])[0]!, compound, broad)
        break
    }
  }
  personKeys(atoms, sorts, encode, compound, broad)
  // With many names, each makes fewer keys: aliases share most of their words.
  for (const name of names) nameKeys(name, names.length > 2 ? 3 : 4, atoms, encode, compound, broad)
  for (const name of contextNames) contextKeys(name, encode, compound)
  pairKeys(comparisons, features, compound)
  return [...new Set([...exact, ...compound, ...broad])].slice(0, keysMax)
}

/**
 * Returns how the keys begin that many persons share, such as a house: one key for each. A person
 * with a day of birth has other keys enough, so these are narrow; without one they are wide too.
 */
function sortsOfCommon(
  comparisons: readonly Comparison[],
  features: readonly ComparisonFeature[],
): string[] {
  if (!comparisons.some(({ kind }) => kind === 'person')) return ['']
  const hasDay = comparisons.some(
    ({ kind }, index) =>
      kind === 'birth' && (features[index] as DateParts[] | null)?.some(([, , day]) => day > 0),
  )
  return hasDay ? [NARROW] : [NARROW, '']
}

function addressKeys(
  address: AddressFeature,
  sorts: readonly string[],
  encode: PhoneticEncoder,
  compound: string[],
  broad: string[],
): void {
  const [rare, second] = rarest(address.s, address.b, 2)
  if (address.n && rare)
    for (const sort of sorts) compound.push(`${sort}house:${address.n} ${encode(rare)}`)
  if (address.n && address.p) compound.push(`post:${address.p} ${address.n}`)
  // Without the number, which may be missing or wrong: two words of the line, or one with the
  // place.
  if (rare && second) broad.push(`way:${[encode(rare), encode(second)].sort().join(' ')}`)
  if (rare && address.p) broad.push(`way:${address.p} ${encode(rare)}`)
}

function personKeys(
  atoms: Atoms,
  sorts: readonly string[],
  encode: PhoneticEncoder,
  compound: string[],
  broad: string[],
): void {
  const given = atoms.given.map(encode)
  const surname = atoms.surname.map(encode)
  const days: string[] = []
  for (const [y, m, d] of atoms.births) {
    const day = `${y}${m <= 12 && d <= 12 ? [m, d].sort((p, q) => p - q).join('.') : `${m}.${d}`}`
    days.push(day)
    for (const name of new Set([...given, ...surname]))
      compound.push(`${NARROW}born:${day} ${name[0]}`)
    broad.push(`${NARROW}born:${day}`)
    for (const place of atoms.places) compound.push(`${NARROW}born:${day} @${place.slice(0, 4)}`)
    for (const name of surname) compound.push(`${NARROW}year:${y} ${name}`)
    // If the year is wrong: day and month with a name.
    if (d > 0)
      for (const name of new Set([...surname, ...given]))
        compound.push(`${NARROW}day:${m}.${d} ${name}`)
    for (const name of given) {
      compound.push(`${NARROW}month:${y}.${m} ${name}`)
      broad.push(`${NARROW}year:${y} ${name}`)
    }
  }
  const hasOtherParts =
    atoms.births.length + atoms.postcodes.length + atoms.places.length + atoms.houseNumbers.length >
    0
  for (const one of given)
    for (const other of surname) {
      const pair = [one, other].sort().join(' ')
      compound.push(`${NARROW}name:${pair}`)
      if (!hasOtherParts) compound.push(`name:${pair}`)
      for (const day of days) compound.push(`name:${pair} ${day}`)
      for (const postcode of atoms.postcodes.slice(0, 1)) compound.push(`name:${pair} ${postcode}`)
      for (const place of atoms.places.slice(0, 1))
        for (const sort of sorts) compound.push(`${sort}name:${pair} ${place}`)
    }
  // If the street is misspelled, and one of the names.
  for (const number of atoms.houseNumbers.slice(0, 1))
    for (const name of new Set([...surname, ...given]))
      compound.push(`${NARROW}no:${number} ${name}`)
  for (const name of surname) {
    for (const postcode of atoms.postcodes) compound.push(`post:${postcode} ${name}`)
    for (const place of atoms.places) broad.push(`${NARROW}city:${place.slice(0, 5)} ${name}`)
  }
  // If the surname is missing or misspelled.
  for (const name of given)
    for (const place of atoms.places) broad.push(`${NARROW}city:${place.slice(0, 5)} ${name}`)
  for (const one of given)
    for (const other of surname) {
      broad.push(`part:${one} ${other[0]}`)
      broad.push(`part:${other} ${one[0]}`)
    }
  // If the street is misspelled, and both names: their sound changes with a letter, the beginning
  // rarely. Last, for records with few other keys.
  for (const number of atoms.houseNumbers.slice(0, 1))
    for (const one of atoms.given)
      for (const other of atoms.surname)
        broad.push(`${NARROW}no:${number} ${other.slice(0, 2)} ${one[0]}`)
}

/**
 * Rare words of a name alone, all words in pairs; by sound, so that a typing error rarely
 * separates.
 */
function nameKeys(
  name: NameFeature,
  wordsMax: number,
  atoms: Atoms,
  encode: PhoneticEncoder,
  compound: string[],
  broad: string[],
): void {
  const top = rarest(name.t, name.b, wordsMax)
  const codes = top.map(encode)
  if (codes.length === 1) compound.push(`word:${codes[0]}`)
  for (let i = 0; i < codes.length; i++)
    for (let j = i + 1; j < codes.length; j++)
      if (i < 3) compound.push(`name:${[codes[i]!, codes[j]!].sort().join(' ')}`)
  for (const [y, m, d] of atoms.births)
    for (const word of codes.slice(0, 2)) compound.push(`born:${y}${m}.${d} ${word[0]}`)
  for (const postcode of atoms.postcodes.slice(0, 1))
    if (codes[0]) compound.push(`post:${postcode} ${codes[0]}`)
  for (const place of atoms.places.slice(0, 1))
    if (codes[0]) compound.push(`city:${place} ${codes[0]}`)
  for (const [index, word] of codes.entries()) {
    if (codes.length > 1 && index < 3) broad.push(`word:${word}`)
    if (index < 2 && top[index]!.length >= 4) broad.push(`start:${top[index]!.slice(0, 4)}`)
  }
  if (name.t.length > 1) broad.push(`all:${[...name.t].sort().join('').slice(0, 10)}`)
}

/** An author's or a contact's whole name; a brand of one word would join its whole range. */
function contextKeys(name: NameFeature, encode: PhoneticEncoder, compound: string[]): void {
  const codes = rarest(name.t, name.b, 2).map(encode)
  if (codes.length === 2) compound.push(`by:${codes.sort().join(' ')}`)
}

function productKeys(
  product: ProductFeature,
  exact: string[],
  compound: string[],
  broad: string[],
): void {
  for (const model of rarest(product.m, product.mb, 3)) exact.push(`model:${modelStem(model)}`)
  for (const model of product.d.slice(0, 2)) compound.push(`model:${modelStem(model)}`)
  wordKeys(product, compound, broad)
}

/**
 * Returns a model number without the letters at its end, which stand for colour or market:
 * "gsd4000nww" and "gsd4000wh" share a stem.
 */
function modelStem(model: string): string {
  const stem = /^(.*\d)[a-z]{1,4}$/.exec(model)?.[1]
  return stem !== undefined && stem.length >= 4 && /[a-z]/.test(stem) ? stem : model
}

function wordKeys(text: TextFeature, compound: string[], broad: string[]): void {
  const top = rarest(text.t, text.b, 5)
  for (let i = 0; i < Math.min(top.length, 4); i++)
    for (let j = i + 1; j < Math.min(top.length, 4); j++)
      compound.push(`words:${[top[i]!, top[j]!].sort().join(' ')}`)
  for (const word of top) broad.push(`word:${word}`)
}

/**
 * A reference with a number, date or price: one customer has many contracts, so the customer alone
 * is no key.
 */
function pairKeys(
  comparisons: readonly Comparison[],
  features: readonly ComparisonFeature[],
  compound: string[],
): void {
  const references: string[] = []
  const details: string[] = []
  for (const [index, comparison] of comparisons.entries()) {
    const feature = features[index]
    if (!feature) continue
    if (comparison.kind === 'reference') references.push((feature as ValueFeature[])[0]![0])
    if (comparison.kind === 'date') details.push((feature as DateParts[])[0]!.join('-'))
    if (comparison.kind === 'price') details.push(String((feature as [number, string][])[0]![0]))
    if (comparison.kind === 'name')
      for (const word of rarest(
        (feature as NameFeature[])[0]!.t,
        (feature as NameFeature[])[0]!.b,
        1,
      ))
        details.push(word)
  }
  for (const reference of references.slice(0, 2)) {
    for (const detail of details.slice(0, 3)) compound.push(`ref:${reference} ${detail}`)
    compound.push(`ref:${reference}`)
  }
}

/**
 * Returns the words with the most bits; ties by text, so that the choice never depends on their
 * order.
 */
function rarest(words: readonly string[], bits: readonly number[], count: number): string[] {
  return words
    .map((word, i) => ({ word, bits: bits[i]! }))
    .filter((w) => w.bits > 2)
    .sort((a, b) => b.bits - a.bits || (a.word < b.word ? -1 : 1))
    .slice(0, count)
    .map((w) => w.word)
}
