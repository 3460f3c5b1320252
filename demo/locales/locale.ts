import type { Random } from '../random.ts'

/** A text in the local script and in Latin letters; both are equal for Latin scripts. */
export interface Spelling {
  native: string
  latin: string
}

export interface City {
  name: string
  region: string
  /** Pattern for Random.fill. */
  postcode: string
  /** Area code without the trunk prefix; part of the number in countries without area codes. */
  area: string
}

export interface LegalForm {
  name: string
  /** Other spellings of the same form. */
  variants: readonly string[]
  weight: number
}

/** Patterns of companies, people, addresses and numbers of one country. */
export interface Locale {
  country: string
  /** English name first, then the local one. */
  countryNames: readonly string[]
  /** Relative frequency of customers from this country. */
  weight: number
  currency: string
  tld: string
  dial: string
  /** Digit dialled before the area code inside the country; empty if there is none. */
  trunk: string
  /** Draws the digits after the area code of a landline. */
  subscriber(area: string): string
  /** Pattern of a mobile number, without trunk prefix. */
  mobile: string
  cities: readonly City[]
  street(random: Random): string
  /** Spellings of street words that people mix up. */
  streetVariants: readonly (readonly [string, string])[]
  houseNumberFirst: boolean
  women: readonly string[]
  men: readonly string[]
  surname(random: Random, woman: boolean): Spelling
  /** "Full~Short" if a short form is common. */
  trades: readonly string[]
  forms: readonly LegalForm[]
  /** Words between the names of two partners. */
  and: string
  nicknames: Readonly<Record<string, string>>
  salutations: readonly [woman: string, man: string]
  /** Transliterates text that is not already given as "native|latin". */
  transliterate?(text: string): string
  /** False for scripts without blanks between the parts of a name. */
  blanks: boolean
  freemail: readonly string[]
  registration(random: Random, city: City): string
}

export function spell(locale: Locale, text: string): Spelling {
  const bar = text.indexOf('|')
  if (bar >= 0) return { native: text.slice(0, bar), latin: text.slice(bar + 1) }
  return { native: text, latin: locale.transliterate ? locale.transliterate(text) : text }
}

/** Joins the parts of a name in both scripts. */
export function joined(locale: Locale, parts: readonly Spelling[]): Spelling {
  return {
    native: parts.map((part) => part.native).join(locale.blanks ? ' ' : ''),
    latin: parts.map((part) => part.latin).join(' '),
  }
}

/** Parses rows of "name|region|postcode|area". */
export function cities(rows: string): City[] {
  return rows
    .trim()
    .split('\n')
    .map((row) => {
      const [name = '', region = '', postcode = '', area = ''] = row.trim().split('|')
      return { name, region, postcode, area }
    })
}

/** Splits a list of words at blanks; `_` stands for a blank inside a word. */
export const list = (text: string): string[] =>
  text
    .trim()
    .split(/\s+/)
    .map((word) => word.replaceAll('_', ' '))

/** Parses legal forms written as "name=variant,variant*weight", separated by semicolons. */
export function legalForms(text: string): LegalForm[] {
  return text.split(';').map((entry) => {
    const [rest = '', weight = '1'] = entry.trim().split('*')
    const [name = '', variants = ''] = rest.split('=')
    return { name, variants: variants ? variants.split(',') : [], weight: Number(weight) }
  })
}

/** Returns surnames composed of a first and a second half. */
export function compound(
  first: readonly string[],
  second: readonly string[],
): (random: Random) => Spelling {
  return (random) => {
    const name = random.pick(first) + random.pick(second)
    return { native: name, latin: name }
  }
}

/** Returns streets from "{form}" patterns, with `@` for a name of the list. */
export function streets(
  forms: readonly string[],
  names: readonly string[],
): (random: Random) => string {
  return (random) => random.pick(forms).replace('@', random.pick(names))
}
