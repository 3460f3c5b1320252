import { currencyExponents } from '../../schema/currencyExponents.ts'
import { dataText } from '../../schema/kit/dataText.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { isStreetType } from '../standardise/address.ts'
import { countryCode } from '../standardise/country.ts'
import { type DateParts, parseDate } from '../standardise/date.ts'
import { parseIdentifier } from '../standardise/identifier.ts'
import { looksLikeOrganisation, parseOrganisationName } from '../standardise/organisationName.ts'
import { isOrganisationWord } from '../standardise/organisationWords.ts'
import { givenNames } from '../standardise/personName.ts'
import { parsePhone } from '../standardise/phone.ts'
import { parseProductName } from '../standardise/productName.ts'
import { fold, isPlaceholder, words } from '../standardise/text.ts'
import type { MatchRecord } from './engine.ts'
import { spread } from './spread.ts'

/** The forms of the values of a column. Shares are of the values that are not placeholders. */
export interface ColumnProfile {
  column: string
  /** Values that were looked at. */
  values: number
  /** Share of the records that have a value. */
  filled: number
  /** Whether a record has several values. */
  list: boolean
  /** Different values as a share of all. */
  distinct: number
  /** Number of different values. */
  kinds: number
  /** Average words of a value. */
  words: number
  shares: Record<Trait, number>
  example: string
}

const TRAITS = [
  'email',
  'phone',
  'writtenPhone',
  'domain',
  'date',
  'country',
  'postcode',
  'checkedId',
  'code',
  'price',
  'number',
  'organisation',
  'person',
  'givenName',
  'street',
  'address',
  'model',
  'letters',
  'text',
  'boolean',
  'parts',
] as const
/** Traits of one value; a value can have several. */
export type Trait = (typeof TRAITS)[number]

/** Records that are looked at, spread over all: the shares of more would be the same. */
const SAMPLE_RECORDS_MAX = 2_000
/** Characters of a value that are looked at. */
const VALUE_CHARS_MAX = 300
/** Values of one record that are looked at. */
const VALUES_MAX = 4

/** Profiles the columns of records, in the order in which they are given. */
export function profileColumns(
  records: readonly MatchRecord[],
  columns: readonly string[],
): ColumnProfile[] {
  const sample = spread(records, SAMPLE_RECORDS_MAX)
  return columns.map((column) => profileColumn(sample, column))
}

function profileColumn(sample: readonly MatchRecord[], column: string): ColumnProfile {
  const counts = new Map<Trait, number>()
  const different = new Set<string>()
  let [values, filled, list, wordCount, example] = [0, 0, false, 0, '']
  for (const { fields } of sample) {
    const given = ownValue(fields, column)
    list ||= Array.isArray(given)
    let some = false
    for (const value of (Array.isArray(given) ? given : [given]).slice(0, VALUES_MAX)) {
      if (value === null || value === undefined || value === '') continue
      const isObject = typeof value === 'object'
      const text = (isObject ? JSON.stringify(value) : dataText(value))
        .trim()
        .slice(0, VALUE_CHARS_MAX)
      const folded = fold(text)
      if (isPlaceholder(folded)) continue
      some = true
      values++
      if (example === '' || example.length < 3) example = text
      different.add(folded)
      wordCount += words(folded).length
      for (const trait of isObject ? (['parts'] as const) : traitsOf(text))
        counts.set(trait, (counts.get(trait) ?? 0) + 1)
    }
    if (some) filled++
  }
  return {
    column,
    values,
    filled: filled / Math.max(1, sample.length),
    list,
    distinct: different.size / Math.max(1, values),
    kinds: different.size,
    words: wordCount / Math.max(1, values),
    shares: Object.fromEntries(
      TRAITS.map((trait) => [trait, (counts.get(trait) ?? 0) / Math.max(1, values)]),
    ) as Record<Trait, number>,
    example: example.slice(0, 60),
  }
}

/**
 * A date of digits alone has such a year; other numbers of four or eight digits are more frequent.
 */
const [YEAR_MIN, YEAR_MAX] = [1850, 2100]
const EMAIL = /^[^\s@<>]+@[^\s@<>]+\.[^\s@.]{2,}$/
const URL = /^(?:https?:\/\/|www\.)\S+$|^(?:[a-z0-9-]+\.)+[a-z]{2,}(?:\/\S*)?$/i
const PHONE = /^\+?[\d\s().\-/]{6,24}(?:\s*(?:ext|x|dw)\.?\s*\d{1,5})?$/i
/** A plus, a zero in front or groups: what a plain number has not. */
const PHONE_FORM = /^\s*(?:\+|00?[1-9])|\d[\s().\-/]+\d{2}/
const POSTCODES = [
  /^\d{4,6}$/,
  /^\d{5}-\d{4}$/,
  /^\d{2}-\d{3}$/,
  /^\d{4}-\d{3}$/,
  /^\d{5}-\d{3}$/,
  /^\d{3} \d{2}$/,
  /^[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}$/i,
  /^[A-Z]\d[A-Z] ?\d[A-Z]\d$/i,
  /^\d{4} ?[A-Z]{2}$/i,
  /^[A-Z]{1,3}-\d{4,5}$/i,
]
const NUMBER = /^[-+]?\d[\d.,' ]*$/
const CURRENCY = /[$€£¥]|^([a-z]{3})\s*\d|\d\s*([a-z]{3})$/i
const LETTERS = /^[\p{L}\p{M}][\p{L}\p{M}\s.,'’`&()/-]*$/u
const BOOLEAN = /^(?:true|false|yes|no|y|n|ja|nein|oui|non|si|sí|wahr|falsch|0|1)$/i

/** Returns what a value looks like. */
export function traitsOf(text: string): Set<Trait> {
  const traits = new Set<Trait>()
  const folded = fold(text)
  const tokens = words(folded)
  const has = (trait: Trait, is: boolean) => {
    if (is) traits.add(trait)
  }
  has('email', EMAIL.test(text))
  has('domain', URL.test(text) && !text.includes('@') && !NUMBER.test(text))
  const date = dateIn(text, folded)
  has('date', date !== null)
  const isFullDate = date !== null && date[1] > 0 && date[2] > 0
  has('phone', PHONE.test(text) && !isFullDate && parsePhone(text) !== null)
  has('writtenPhone', traits.has('phone') && PHONE_FORM.test(text))
  has('country', text.length > 1 && countryCode(text) !== null)
  has(
    'postcode',
    POSTCODES.some((pattern) => pattern.test(text)),
  )
  const id = parseIdentifier(folded)
  has('checkedId', id?.checked === true)
  has('code', /\d/.test(text) && tokens.length <= 4 && text.length <= 40 && id !== null)
  has('number', NUMBER.test(text))
  has('price', isPrice(text))
  has('letters', LETTERS.test(text))
  has('boolean', BOOLEAN.test(text))
  has(
    'text',
    tokens.some((token) => /[a-z]{2}/.test(token)),
  )
  if (!traits.has('email') && !traits.has('domain')) nameTraits(text, tokens, has)
  const street = tokens.some(isStreet) && /\d/.test(text)
  has('street', street)
  has('address', street && (/[,;\n]/.test(text) || /\b\d{5}\b/.test(text)))
  has('model', tokens.length >= 2 && (parseProductName(text)?.models.length ?? 0) > 0)
  return traits
}

function isPrice(text: string): boolean {
  const [, before, after] = CURRENCY.exec(text) ?? []
  if (/[$€£¥]/.test(text)) return /\d/.test(text)
  const code = (before ?? after ?? '').toUpperCase()
  return currencyExponents.has(code) || /^\d{1,3}(?:[.,' ]?\d{3})*[.,]\d{2}$/.test(text)
}

function nameTraits(
  text: string,
  tokens: readonly string[],
  has: (trait: Trait, is: boolean) => void,
): void {
  const organisation = parseOrganisationName(text)
  const isOrganisation =
    organisation !== null &&
    tokens.length > 1 &&
    (looksLikeOrganisation(organisation) || organisation.tokens.some(isOrganisationWord))
  has('organisation', isOrganisation)
  if (/\d/.test(text) || tokens.length > 5) return
  const known = tokens.filter((token) => givenNames.isKnown(token)).length
  has('person', !isOrganisation && tokens.length >= 2 && known > 0)
  has('givenName', tokens.length > 0 && tokens.length <= 2 && known === tokens.length)
}

/** Whether a word is a type of street, alone or at the end: "hauptstrasse". */
function isStreet(token: string): boolean {
  return (
    (token.length > 1 && isStreetType(token)) ||
    STREET_WORDS.has(token) ||
    /.{3}(?:strasse|strase|str|gasse|allee|weg|platz|straat|laan|gatan|vej|gade)$/.test(token)
  )
}

const STREET_WORDS = new Set(
  'street str strasse avenue av blvd boulevard road drive lane place plaza court crescent highway parkway square terrace close way circle circuit rue calle via rua ulica box'.split(
    ' ',
  ),
)

/** Returns a date; null for what only the comparison reads as one: 1010, 20269999. */
function dateIn(text: string, folded: string): DateParts | null {
  const date = /\d/.test(text) ? parseDate(folded) : null
  if (!date || date[1] > 12 || date[2] > 31) return null
  return /^\d+$/.test(text) && (date[0] < YEAR_MIN || date[0] > YEAR_MAX) ? null : date
}
