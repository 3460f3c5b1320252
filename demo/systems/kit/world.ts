import { ownValue } from '../../../schema/kit/dictionary.ts'
import { taxIdOf } from '../../checkDigits.ts'
import { locales } from '../../locales/all.ts'
import type { Locale } from '../../locales/locale.ts'
import { addressIn, brand, companyName, landline, long, personName, slug } from '../../naming.ts'
import type { Random } from '../../random.ts'

export interface Address {
  street: string
  city: string
  region: string
  postcode: string
  /** ISO 3166-1 alpha-2. */
  country: string
}

export interface Company {
  name: string
  address: Address
  /** Country code with `+`, then digits. */
  phone: string
  domain: string
  email: string
  taxId: string
  /** ISO 4217. */
  currency: string
  industry: string
  employees: number
}

export interface Person {
  given: string
  family: string
  email: string
  phone: string
  title: string
}

export interface Article {
  name: string
  sku: string
  description: string
  /** In hundredths of the currency. */
  priceMinor: number
  /** Undefined if it is sold once. */
  period: 'month' | 'year' | undefined
}

/** Draws a company that does not exist. */
export function company(random: Random): Company {
  const locale = random.weighted(locales, (candidate) => candidate.weight)
  const city = random.pick(locale.cities)
  const name = companyName(random, locale, city)
  const domain = `${slug(name.core.latin, '-')}-${random.between(10, 99)}.${locale.tld}`
  const { street, region, postcode, country } = addressIn(random, locale, city)
  return {
    name: `${name.core.native}${locale.blanks ? ' ' : ''}${name.form.name}`,
    address: { street, city: city.name, region, postcode, country },
    phone: phoneOf(random, locale),
    domain,
    email: `${random.pick(['info', 'office', 'accounts'])}@${domain}`,
    taxId: ownValue(taxIdOf, locale.country)!(random),
    currency: locale.currency,
    industry: long(name.trade),
    employees: random.pick([4, 9, 28, 80, 260, 1400]),
  }
}

/** Draws a person who works where an email address of this domain belongs. */
export function person(random: Random, domain: string): Person {
  const locale = random.weighted(locales, (candidate) => candidate.weight)
  const { given, surname } = personName(random, locale)
  const local = [given, surname].map((part) => slug(part.latin, '')).join('.')
  return {
    given: given.native,
    family: surname.native,
    email: `${local}@${domain}`,
    phone: phoneOf(random, locale),
    title: random.pick(['Managing Director', 'Buyer', 'Accounts Payable', 'IT Manager']),
  }
}

/** Draws a thing or service that is sold. */
export function article(random: Random): Article {
  const number = random.between(0, 2600)
  const kind = random.pick(['Platform', 'Support', 'Pressure Sensor', 'Ball Valve', 'Gateway'])
  const service = kind === 'Platform' || kind === 'Support'
  const size = service
    ? random.pick(['Basic', 'Team', 'Enterprise'])
    : random.pick(['DN15', 'DN50', 'IO-Link', '4-20 mA'])
  return {
    name: `${brand(number)} ${kind} ${size}`,
    sku: `${kind.slice(0, 2).toUpperCase()}-${random.fill('####')}`,
    description: `${kind} of the series ${brand(number)}, ${size}`,
    priceMinor: random.between(9, 4999) * 100 + random.pick([0, 50, 99]),
    period: service ? random.pick(['month', 'year'] as const) : undefined,
  }
}

function phoneOf(random: Random, locale: Locale): string {
  const { dial, area, local } = landline(random, locale, random.pick(locale.cities))
  return `+${dial}${area}${local}`.replaceAll(/[^+\d]/g, '')
}
