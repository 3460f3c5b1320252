import { ownValue } from '../schema/kit/dictionary.ts'
import { taxIdOf } from './checkDigits.ts'
import { contractsOf, opportunitiesOf } from './commerce.ts'
import { locales } from './locales/all.ts'
import { type Locale, spell } from './locales/locale.ts'
import { addressIn, companyName, landline, long, slug } from './naming.ts'
import { contactsOf, type Household, individual } from './people.ts'
import { type Random, random } from './random.ts'
import {
  blockSize,
  type Customer,
  dayMs,
  type Lifecycle,
  type Product,
  type SourceName,
  worldEnd,
  worldStart,
} from './truth.ts'

/** Draws the attributes that people and organisations have in common. */
function frame(draw: Random, index: number, locale: Locale, lifecycle: Lifecycle) {
  const bought = lifecycle === 'CUSTOMER' || lifecycle === 'FORMER'
  const sources = new Set<SourceName>()
  if (draw.chance(0.88)) sources.add('salesforce')
  if (bought && draw.chance(0.76)) sources.add('stripe')
  if (bought && draw.chance(0.76)) sources.add('netsuite')
  if (draw.chance(bought ? 0.44 : 0.25)) sources.add('webshop')
  if (sources.size === 0) sources.add('salesforce')
  return {
    key: `customer-${index}`,
    index,
    locale,
    easilyConfused: false,
    namesake: false,
    currency: locale.currency,
    terms: draw.pick(['Net 14', 'Net 30', 'Net 30', 'Net 45', 'Net 60', 'Due on receipt']),
    owner: draw.between(0, 11),
    lifecycle,
    since: worldStart + draw.between(0, 1700) * dayMs + draw.between(0, 36_000_000),
    sources,
    contacts: [],
    contracts: [],
    opportunities: [],
  }
}

const lifecycleOf = (draw: Random): Lifecycle =>
  draw.weighted(
    ['CUSTOMER', 'PROSPECT', 'LEAD', 'FORMER'] as const,
    (stage) => ({ CUSTOMER: 72, PROSPECT: 14, LEAD: 8, FORMER: 6 })[stage],
  )

function organisation(draw: Random, index: number, locale: Locale, plain = false): Customer {
  const city = draw.pick(locale.cities)
  const name = companyName(draw, locale, city, plain)
  const address = addressIn(draw, locale, city)
  const words =
    slug(name.core.latin, draw.pick(['-', ''])) +
    (name.common ? `-${slug(city.name.split(',')[0]!, '')}` : '')
  const domain = draw.chance(0.93) ? `${words}.${draw.chance(0.8) ? locale.tld : 'com'}` : undefined
  const email = domain
    ? `${draw.pick(['info', 'office', 'contact', 'mail', 'hello'])}@${domain}`
    : `${slug(name.core.latin, '.')}${draw.between(1, 99)}@${draw.pick(locale.freemail)}`
  const moved = draw.chance(0.08)
  const trading = name.common || draw.chance(0.8) ? undefined : name.stem.latin
  return {
    ...frame(draw, index, locale, lifecycleOf(draw)),
    organisation: {
      core: name.core,
      stem: name.stem.latin,
      form: name.form,
      trade: name.trade,
      ...(trading ? { trading } : {}),
    },
    taxId: ownValue(taxIdOf, locale.country)!(draw),
    registration: locale.registration(draw, city),
    ...(draw.chance(0.4) ? { duns: draw.fill('N########') } : {}),
    ...(domain ? { domain } : {}),
    email,
    phone: landline(draw, locale, city),
    address,
    ...(moved
      ? {
          formerAddress: addressIn(
            draw,
            locale,
            draw.chance(0.7) ? city : draw.pick(locale.cities),
          ),
          movedAt: worldEnd - draw.between(60, 700) * dayMs,
        }
      : {}),
    ...(draw.chance(0.2) ? { shipping: addressIn(draw, locale, city) } : {}),
    industry: long(spell(locale, name.trade).latin),
    employees: draw.pick([4, 9, 15, 28, 45, 80, 140, 260, 520, 1400]),
  }
}

function human(draw: Random, index: number, locale: Locale, household?: Household): Customer {
  const person = individual(draw, locale, household)
  const lifecycle = draw.chance(0.9) ? 'CUSTOMER' : 'PROSPECT'
  const base = frame(draw, index, locale, lifecycle)
  return {
    ...base,
    ...person,
    easilyConfused: household !== undefined,
    terms: 'Due on receipt',
    industry: 'Private',
    employees: 0,
  }
}

/**
 * Draws a company of the same family: its name adds a trade or country, and it shares one attribute
 * with its parent.
 */
function subsidiary(draw: Random, index: number, family: readonly Customer[]): Customer {
  const head = family[0]!
  const locale = draw.chance(0.65)
    ? head.locale
    : draw.pick(locales.filter((other) => other.transliterate === undefined && other.blanks))
  const own = organisation(draw, index, locale)
  const stem = head.organisation!.stem
  const otherTrades = locale.trades.filter(
    (trade) => !family.some((member) => member.organisation?.trade === trade),
  )
  const trade = draw.pick(otherTrades)
  const place = locale === head.locale ? own.address.city.split(',')[0]! : locale.countryNames[0]!
  const tail = draw.chance(0.6)
    ? long(spell(locale, trade).latin)
    : `${long(spell(locale, trade).latin)} ${place}`
  const latin = `${stem} ${tail}`
  const shared =
    locale === head.locale
      ? draw.pick(['street', 'phone', 'domain'] as const)
      : draw.pick(['domain', 'none'] as const)
  const domain =
    shared === 'domain' && head.domain ? head.domain : `${slug(latin, '-')}.${locale.tld}`
  const { formerAddress, movedAt, ...settled } = own
  return {
    ...settled,
    organisation: { core: { native: latin, latin }, stem, form: own.organisation!.form, trade },
    domain,
    email: `${slug(tail, '.')}@${domain}`,
    ...(shared === 'street' ? { address: { ...head.address } } : {}),
    ...(shared === 'phone' ? { phone: head.phone } : {}),
    parent: head,
    owner: head.owner,
    easilyConfused: true,
    industry: long(spell(locale, trade).latin),
  }
}

/** Draws an unrelated company of the same plain name (a surname and a trade) in another town. */
function namesake(draw: Random, index: number, other: Customer): Customer {
  const own = organisation(draw, index, other.locale)
  const elsewhere = draw.pick(
    other.locale.cities.filter((city) => city.name !== other.address.city),
  )
  const town = slug(elsewhere.name.split(',')[0]!, '')
  const domain = `${slug(other.organisation!.core.latin, '-')}-${town}.${other.locale.tld}`
  const { formerAddress, movedAt, ...settled } = own
  return {
    ...settled,
    organisation: { ...other.organisation!, form: own.organisation!.form },
    domain,
    email: `${draw.pick(['info', 'office'])}@${domain}`,
    address: addressIn(draw, other.locale, elsewhere),
    phone: landline(draw, other.locale, elsewhere),
    easilyConfused: true,
    namesake: true,
    industry: other.industry,
  }
}

/**
 * Draws twenty customers that may be related to each other, but to none outside the block. So a
 * world of any size is generated block by block in constant memory. Slots 0 to 4 may be a group of
 * companies, 16 and 17 a household, 18 a person, 19 a namesake of 15.
 */
export function block(
  seed: number,
  number: number,
  companies: number,
  products: readonly Product[],
): Customer[] {
  const draw = random(seed, 'block', number)
  const group = draw.chance(0.35) ? draw.between(2, 4) : 0
  const household = draw.chance(0.4)
  const twin = draw.chance(0.5)
  const customers: Customer[] = []
  const first = number * blockSize
  for (let slot = 0; slot < blockSize && first + slot < companies; slot++) {
    const index = first + slot
    const own = random(seed, 'customer', index)
    const locale = own.weighted(locales, (candidate) => candidate.weight)
    const before = customers[15]
    if (slot >= 1 && slot <= group) customers.push(subsidiary(own, index, customers))
    else if (slot === 17 && household) {
      const neighbour = customers[16]!
      neighbour.easilyConfused = true
      customers.push(relative(own, index, neighbour))
    } else if (slot >= 16 && slot <= 18) customers.push(human(own, index, locale))
    else if (slot === 19 && twin && before) {
      before.easilyConfused = true
      before.namesake = true
      customers.push(namesake(own, index, before))
    } else customers.push(organisation(own, index, locale, slot === 15 && twin))
  }
  if (group > 0 && customers[0]) customers[0].easilyConfused = true
  for (const customer of customers) {
    const own = random(seed, 'doings', customer.index)
    if (customer.organisation) customer.contacts = contactsOf(own, customer)
    customer.contracts = contractsOf(own, customer, products)
    customer.opportunities = opportunitiesOf(own, customer, displayName(customer))
  }
  return customers
}

/** Draws another member of the household, whose given name begins with another letter. */
function relative(draw: Random, index: number, neighbour: Customer): Customer {
  const home = {
    surname: neighbour.person!.surname,
    address: neighbour.address,
    phone: neighbour.phone,
  }
  for (;;) {
    const found = human(draw, index, neighbour.locale, home)
    if (found.person!.given.latin[0] !== neighbour.person!.given.latin[0]) return found
  }
}

export function displayName(customer: Customer): string {
  if (customer.organisation) return customer.organisation.core.latin
  return `${customer.person!.given.latin} ${customer.person!.surname.latin}`
}
