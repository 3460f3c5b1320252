import type { Random } from '../random.ts'

/**
 * A text as people there write it, and in Latin letters; the two are the same where the script is
 * Latin.
 */
export interface Spelling {
  native: string
  latin: string
}

export interface City {
  name: string
  region: string
  /** A pattern for Random.fill. */
  postcode: string
  /** Area code without the trunk prefix; part of the number where a country has none. */
  area: string
}

export interface LegalForm {
  name: string
  /** Other spellings of the same form. */
  variants: readonly string[]
  weight: number
}

/** What companies, people, addresses and numbers look like in one country. */
export interface Locale {
  country: string
  /** English name first, then as people there write it. */
  countryNames: readonly string[]
  /** How often customers come from here. */
  weight: number
  currency: string
  tld: string
  dial: string
  /** Digit dialled before the area code inside the country; empty where there is none. */
  trunk: string
  /** Digits after the area code, of fixed lines. */
  subscriber(area: string): string
  /** National number of mobiles, without trunk prefix. */
  mobile: string
  cities: readonly City[]
  street(random: Random): string
  /** Spellings of street words people mix. */
  streetVariants: readonly (readonly [string, string])[]
  houseNumberFirst: boolean
  women: readonly string[]
  men: readonly string[]
  surname(random: Random, woman: boolean): Spelling
  /** "Full~Short" where a short form is common. */
  trades: readonly string[]
  forms: readonly LegalForm[]
  /** Words between the names of two partners. */
  and: string
  nicknames: Readonly<Record<string, string>>
  salutations: readonly [woman: string, man: string]
  /** "native|latin" is split; other text is put into Latin letters by this. */
  transliterate?(text: string): string
  /** False for scripts that write no blanks between the parts of a name. */
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

/** Rows of "name|region|postcode|area". */
export function cities(rows: string): City[] {
  return rows
    .trim()
    .split('\n')
    .map((row) => {
      const [name = '', region = '', postcode = '', area = ''] = row.trim().split('|')
      return { name, region, postcode, area }
    })
}

/** A list written as words separated by blanks; `_` stands for a blank inside one. */
export const list = (text: string): string[] =>
  text
    .trim()
    .split(/\s+/)
    .map((word) => word.replaceAll('_', ' '))

/** Legal forms written as "name=variant,variant*weight", separated by semicolons. */
export function legalForms(text: string): LegalForm[] {
  return text.split(';').map((entry) => {
    const [rest = '', weight = '1'] = entry.trim().split('*')
    const [name = '', variants = ''] = rest.split('=')
    return { name, variants: variants ? variants.split(',') : [], weight: Number(weight) }
  })
}

/** Surnames made of a first and a second half. */
export function compound(
  first: readonly string[],
  second: readonly string[],
): (random: Random) => Spelling {
  return (random) => {
    const name = random.pick(first) + random.pick(second)
    return { native: name, latin: name }
  }
}

/** Streets as "{form}" patterns with `@` for a name of the list. */
export function streets(
  forms: readonly string[],
  names: readonly string[],
): (random: Random) => string {
  return (random) => random.pick(forms).replace('@', random.pick(names))
}
