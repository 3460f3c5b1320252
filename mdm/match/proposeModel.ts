import { counted, fixed, percent } from '../../schema/kit/numberText.ts'
import { visibleText } from '../../schema/kit/visibleText.ts'
import { comparatorsOfName, isOfTheRecord } from './columnNames.ts'
import { type ColumnProfile, profileColumns, type Trait } from './columnProfile.ts'
import type { MatchRecord } from './engine.ts'
import type { FieldNames } from './fieldNames.ts'
import type { Comparator } from './plan.ts'

/** A field of a proposed model, and why it is compared so. */
export interface ProposedField {
  name: string
  column: string
  as: Comparator
  group?: string
  list: boolean
  reason: string
}

/** A model that was guessed from the names and values of columns. */
export interface ProposedModel {
  type: string
  fields: ProposedField[]
  /** Columns that are not compared, and why. */
  leftOut: { column: string; reason: string }[]
  /** The model as a GraphQL document, with a comment for each guess. */
  sdl: string
}

/** Share of the values that must fit a comparator that the name of the column suggests. */
const NAMED_SHARE = 0.5
/** Share of the values that show what they are without a name. */
const SHOWN_SHARE = 0.8
/** Organisations without a legal form and persons with rare names have no sign, so fewer decide. */
const NAME_SHARE = 0.4
/** Below it a column of names may have organisations that show no sign. */
const PERSON_SHARE = 0.6
/** Both persons and organisations: the smaller part of them is more than a few odd values. */
const BOTH_SHARE = 0.1
/** Names of persons and organisations have hardly ever a model number; products often have none. */
const MODEL_SHARE = 0.2
/** A few values are odd in any column. */
const ODD_SHARE = 0.02
/** A code that two records of one thing share occurs again; a number of a row does not. */
const REPEATED_SHARE = 0.02
/** Codes that most records share are of a group and not of the thing. */
const CODE_DISTINCT_MIN = 0.3
/** Different values of a category. */
const CATEGORY_KINDS_MAX = 60
const CATEGORY_DISTINCT_MAX = 0.2
const SOURCES_SHOWN_MAX = 6
/** Fields of a proposed model; a policy may have twice as many, but comparing them takes long. */
const FIELDS_MAX = 100
/** Comparators that say little about which thing it is, the least first. */
const WEAK: readonly Comparator[] = ['CATEGORY', 'NUMBER', 'PRICE', 'TEXT', 'DATE', 'COUNTRY']

/** Proposes a model for records. Returns it with no field if no column can be compared. */
export function proposeModel(
  records: readonly MatchRecord[],
  names: FieldNames,
  typeName?: string,
): ProposedModel {
  const fields: ProposedField[] = []
  const leftOut: ProposedModel['leftOut'] = []
  const profiles = profileColumns(records, names.all())
  for (const profile of profiles) {
    const column = names.columnOf(profile.column)
    const guess = guessColumn(column, profile)
    if ('as' in guess) fields.push({ name: profile.column, column, list: profile.list, ...guess })
    else leftOut.push({ column, reason: guess.reason })
  }
  for (const { column } of dropWeakest(fields))
    leftOut.push({ column, reason: `others say more, and a model compares ${FIELDS_MAX} at most` })
  groupFields(fields)
  const type = typeName ?? typeOf(fields)
  const sources = [...new Set(records.map((r) => r.source))].slice(0, SOURCES_SHOWN_MAX + 1)
  return { type, fields, leftOut, sdl: sdlOf(type, fields, leftOut, records.length, sources) }
}

type Guess = { as: Comparator; reason: string } | { reason: string }

/** Guesses how a column is compared, or why it is not. */
function guessColumn(column: string, profile: ColumnProfile): Guess {
  const { shares } = profile
  if (column === 'id') return { reason: 'a model has its own id' }
  if (profile.values === 0) return { reason: 'no record has a value' }
  if (profile.kinds === 1 && profile.values > 1)
    return { reason: `all values are "${profile.example}"` }
  if (isOfTheRecord(column))
    return { reason: 'its name speaks of the record and not of the thing that it describes' }
  if (shares.parts >= SHOWN_SHARE)
    return {
      as: 'ADDRESS',
      reason: `${percent(shares.parts, 0)} of the values are addresses in parts`,
    }
  const named = comparatorsOfName(column)
  for (const { as, words } of named) {
    const fit = fits(as, profile)
    if (fit.share < NAMED_SHARE) continue
    const precise = preciseName(as, words, profile)
    return {
      as: precise,
      reason: `named as "${words}"; ${percent(fit.share, 0)} of the values are ${fit.what}${precise === as ? '' : `, ${reasonOfName(precise, profile)}`}`,
    }
  }
  const shown = guessOfValues(profile)
  const [first] = named
  if (first === undefined) return shown
  const fit = fits(first.as, profile)
  return {
    ...shown,
    reason: `named as "${first.words}", but only ${percent(fit.share, 0)} of the values are ${fit.what}; ${shown.reason}`,
  }
}

/** Returns the share of the values that a comparator can read, and what they are. */
function fits(as: Comparator, { shares, words }: ColumnProfile): { share: number; what: string } {
  const of = (trait: Trait, what: string) => ({ share: shares[trait], what })
  switch (as) {
    case 'EMAIL':
      return of('email', 'email addresses')
    case 'PHONE':
      return of('phone', 'phone numbers')
    case 'DOMAIN':
      return of('domain', 'domains or web addresses')
    case 'DATE':
    case 'DATE_OF_BIRTH':
      return of('date', 'dates')
    case 'COUNTRY':
      return of('country', 'countries')
    case 'POSTCODE':
      return of('postcode', 'postcodes')
    case 'IDENTIFIER':
      return of('code', 'numbers or codes')
    case 'PRICE':
    case 'NUMBER':
      return { share: Math.max(shares.number, shares.price), what: 'numbers' }
    case 'GIVEN_NAME':
    case 'SURNAME':
      return { share: words <= 3.5 ? shares.letters : 0, what: 'short texts of letters' }
    case 'CITY':
    case 'REGION':
      return { share: words <= 5 ? shares.letters : 0, what: 'short texts of letters' }
    case 'CATEGORY':
      return { share: words <= 5 ? 1 : 0, what: 'short texts' }
    case 'ADDRESS':
      return { share: shares.email + shares.domain > 0.2 ? 0 : shares.text, what: 'texts' }
    default:
      return {
        share:
          shares.email + shares.domain + shares.number > 0.5
            ? 0
            : Math.max(shares.text, shares.code),
        what: 'texts',
      }
  }
}

/** Returns the comparator of a column called "name" by what its values are: persons, products … */
function preciseName(as: Comparator, words: string, { shares }: ColumnProfile): Comparator {
  if (as === 'STREET' && shares.address >= SHOWN_SHARE) return 'ADDRESS'
  // Products have titles, and so have books and films, which have no model number.
  if (as === 'PRODUCT_NAME' && words === 'title' && shares.model < BOTH_SHARE) return 'TEXT'
  if (as !== 'NAME') return as
  if (shares.model >= MODEL_SHARE && shares.model > shares.organisation + shares.person)
    return 'PRODUCT_NAME'
  if (shares.person >= PERSON_SHARE && shares.organisation < ODD_SHARE) return 'PERSON_NAME'
  if (shares.organisation >= BOTH_SHARE && shares.person < BOTH_SHARE) return 'ORGANISATION_NAME'
  // NAME decides for each value, so it is right for both and for names without a sign.
  return 'NAME'
}

function isMixed({ shares }: ColumnProfile): boolean {
  return shares.person >= BOTH_SHARE && shares.organisation >= BOTH_SHARE
}

function reasonOfName(as: Comparator, { shares }: ColumnProfile): string {
  if (as === 'PERSON_NAME') return `${percent(shares.person, 0)} with a known given name`
  if (as === 'ORGANISATION_NAME')
    return `${percent(shares.organisation, 0)} with a legal form or a word of organisations`
  if (as === 'PRODUCT_NAME') return `${percent(shares.model, 0)} with a model number`
  if (as === 'TEXT') return `${percent(shares.model, 0)} with a model number`
  return `${percent(shares.address, 0)} with a street, a number and more`
}

/** Signs that a value has by itself, the clearest first. */
const SHOWN: readonly [Trait, Comparator, string][] = [
  ['email', 'EMAIL', 'email addresses'],
  ['domain', 'DOMAIN', 'domains or web addresses'],
  ['checkedId', 'IDENTIFIER', 'numbers with right check digits (LEI, IBAN, GTIN, VAT)'],
  ['date', 'DATE', 'dates (if of birth, write DATE_OF_BIRTH)'],
  ['writtenPhone', 'PHONE', 'phone numbers'],
  ['price', 'PRICE', 'prices'],
  ['address', 'ADDRESS', 'a street with a number and more'],
  ['street', 'STREET', 'a street with a number'],
  ['country', 'COUNTRY', 'countries'],
]

/** Guesses by the values alone. */
function guessOfValues(profile: ColumnProfile): Guess {
  const { shares, distinct, kinds, words } = profile
  if (shares.boolean >= SHOWN_SHARE && kinds <= 3)
    return { reason: 'its values are yes and no, which say too little' }
  for (const [trait, as, what] of SHOWN)
    if (shares[trait] >= SHOWN_SHARE)
      return { as, reason: `${percent(shares[trait], 0)} of the values are ${what}` }
  if (isMixed(profile))
    return {
      as: 'NAME',
      reason: `${percent(shares.person, 0)} of the values have a known given name, ${percent(shares.organisation, 0)} a legal form or a word of organisations`,
    }
  if (shares.organisation >= NAME_SHARE)
    return {
      as: 'ORGANISATION_NAME',
      reason: `${percent(shares.organisation, 0)} of the values have a legal form or a word of organisations`,
    }
  if (shares.person >= NAME_SHARE)
    return {
      as: 'PERSON_NAME',
      reason: `${percent(shares.person, 0)} of the values are words with a known given name`,
    }
  if (shares.givenName >= NAME_SHARE)
    return {
      as: 'GIVEN_NAME',
      reason: `${percent(shares.givenName, 0)} of the values are known given names`,
    }
  if (shares.code >= SHOWN_SHARE) return guessOfCodes(profile)
  if (shares.model >= NAME_SHARE && words >= 3)
    return {
      as: 'PRODUCT_NAME',
      reason: `${percent(shares.model, 0)} of the values have words and a model number`,
    }
  if (kinds <= CATEGORY_KINDS_MAX && distinct <= CATEGORY_DISTINCT_MAX && words <= 5)
    return { as: 'CATEGORY', reason: counted(kinds, 'different value') }
  if (shares.text >= SHOWN_SHARE)
    return { as: 'TEXT', reason: `texts of ${fixed(words, 1)} words on average` }
  return { reason: 'neither its name nor its values show what it is' }
}

function guessOfCodes({ distinct, kinds, shares }: ColumnProfile): Guess {
  if (shares.number >= SHOWN_SHARE) return { reason: 'numbers, and its name does not say of what' }
  if (distinct > 1 - REPEATED_SHARE)
    return {
      reason:
        'each value is of one record: a number of the source itself would speak against every match',
    }
  if (distinct >= CODE_DISTINCT_MIN)
    return {
      as: 'IDENTIFIER',
      reason: `${percent(shares.code, 0)} of the values are codes, some of them in two records`,
    }
  return kinds <= CATEGORY_KINDS_MAX
    ? { as: 'CATEGORY', reason: counted(kinds, 'different code') }
    : { reason: 'codes that many records share, as of a group' }
}

/** Removes the fields beyond the bound, those that say least, and returns them. */
function dropWeakest(fields: ProposedField[]): ProposedField[] {
  const strength = ({ as }: ProposedField) => (WEAK.includes(as) ? WEAK.indexOf(as) : WEAK.length)
  const kept = new Set(fields.toSorted((x, y) => strength(y) - strength(x)).slice(0, FIELDS_MAX))
  const dropped = fields.filter((field) => !kept.has(field))
  if (dropped.length > 0) fields.splice(0, fields.length, ...fields.filter((f) => kept.has(f)))
  return dropped
}

/** Comparators of which several fields are one comparison. */
const POOLED: readonly (readonly [group: string, members: readonly Comparator[]])[] = [
  ['email', ['EMAIL']],
  ['phone', ['PHONE']],
  ['names', ['PERSON_NAME', 'NAME', 'GIVEN_NAME', 'SURNAME']],
  ['addresses', ['ADDRESS', 'STREET', 'CITY', 'POSTCODE', 'REGION', 'COUNTRY']],
]

/**
 * Groups fields that say the same, so that it counts once: several phones; a full name beside its
 * parts. Parts without the whole are one comparison by themselves.
 */
function groupFields(fields: ProposedField[]): void {
  for (const [group, members] of POOLED) {
    const own = fields.filter((f) => members.includes(f.as))
    const wholes = own.filter((f) => f.as === members[0] || f.as === 'NAME')
    if (own.length > 1 && wholes.length > 0) for (const field of own) field.group = group
  }
}

function typeOf(fields: readonly ProposedField[]): string {
  // A list of persons, such as authors, is of something else.
  const has = (...as: Comparator[]) =>
    fields.some((f) => as.includes(f.as) && !(f.as === 'PERSON_NAME' && f.list))
  if (has('GIVEN_NAME', 'SURNAME', 'PERSON_NAME', 'DATE_OF_BIRTH'))
    return has('NAME') ? 'Party' : 'Person'
  if (has('PRODUCT_NAME')) return 'Product'
  if (has('ORGANISATION_NAME')) return 'Organisation'
  return has('NAME') ? 'Party' : 'Thing'
}

function sdlOf(
  type: string,
  fields: readonly ProposedField[],
  leftOut: ProposedModel['leftOut'],
  records: number,
  sources: readonly string[],
): string {
  const lines = [
    `# Guessed by "touchstone match" from the names of columns and the values of ${counted(records, 'record')}.`,
    '# Check it, change what is wrong, and give it with --model.',
  ]
  if (sources.length > 1)
    lines.push(
      `# If a source has each thing once at most, write so: @golden(uniqueIn: [${sources
        .slice(0, SOURCES_SHOWN_MAX)
        .map((s) => JSON.stringify(s))
        .join(', ')}])`,
    )
  lines.push(`type ${type} @golden {`, '  id: ID!')
  for (const { name, column, as, group, list, reason } of fields) {
    const from = column === name ? '' : `column ${JSON.stringify(column)}: `
    lines.push(`  # ${visibleText(`${from}${reason}`)}`)
    lines.push(
      `  ${name}: ${list ? '[String!]' : 'String'} @compare(as: ${as}${group ? `, group: "${group}"` : ''})`,
    )
  }
  lines.push('}')
  if (leftOut.length > 0) lines.push('# Not compared:')
  for (const { column, reason } of leftOut)
    lines.push(`#   ${visibleText(`${JSON.stringify(column)}: ${reason}`)}`)
  return `${lines.join('\n')}\n`
}
