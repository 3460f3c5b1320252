import { abbreviated, type Dirt, formatPhone, formatTaxId, type PhoneStyle, recased, restreeted, typo } from './dirt.ts'
import { slug } from './naming.ts'
import { type Random, random } from './random.ts'
import type { Address, Customer, Phone, SourceName } from './truth.ts'

/** What one source system holds of a customer, before it is put into that system's shape. */
export interface CustomerView {
  person: boolean
  salutation?: string
  name: string
  given?: string
  surname?: string
  /** The name stands in a field that is not meant for it. */
  misplaced: boolean
  tradingName?: string
  taxId?: string
  registration?: string
  duns?: string
  email?: string
  phone?: string
  mobile?: string
  website?: string
  address?: Address
  shipping?: Address
  terms: string
  dirt: Set<Dirt>
}

interface Habits {
  formNone: number
  formVariant: number
  typo: number
  abbreviation: number
  case: number
  trading: number
  native: number
  moved: number
  swapped: number
  misplaced: number
  noPhone: number
  noAddress: number
  taxId: number
  /** Share of records that hold an email of the company, and a website. */
  email: number
  website: number
}

/** How careful the people are who type into each system. */
const habits: Readonly<Record<SourceName, Habits>> = {
  salesforce: {
    formNone: 0.42,
    formVariant: 0.2,
    typo: 0.04,
    abbreviation: 0.08,
    case: 0.02,
    trading: 0.25,
    native: 0.05,
    moved: 0.6,
    swapped: 0.01,
    misplaced: 0,
    noPhone: 0.2,
    noAddress: 0.08,
    taxId: 0,
    email: 0,
    website: 0.78,
  },
  stripe: {
    formNone: 0.3,
    formVariant: 0.2,
    typo: 0.04,
    abbreviation: 0.06,
    case: 0.06,
    trading: 0.15,
    native: 0.1,
    moved: 0.3,
    swapped: 0.005,
    misplaced: 0.02,
    noPhone: 0.4,
    noAddress: 0.1,
    taxId: 0.6,
    email: 0.97,
    website: 0,
  },
  netsuite: {
    formNone: 0.04,
    formVariant: 0.25,
    typo: 0.015,
    abbreviation: 0.05,
    case: 0.1,
    trading: 0,
    native: 0.7,
    moved: 0.1,
    swapped: 0.005,
    misplaced: 0.02,
    noPhone: 0.25,
    noAddress: 0.02,
    taxId: 0.8,
    email: 0.8,
    website: 0.3,
  },
  webshop: {
    formNone: 0.5,
    formVariant: 0.2,
    typo: 0.08,
    abbreviation: 0.1,
    case: 0.14,
    trading: 0.2,
    native: 0.3,
    moved: 0.5,
    swapped: 0.03,
    misplaced: 0.03,
    noPhone: 0.3,
    noAddress: 0.08,
    taxId: 0.35,
    email: 0.95,
    website: 0.4,
  },
}

const ascii = /^[\x20-\x7e]+$/

function organisationName(draw: Random, customer: Customer, habit: Habits, dirt: Set<Dirt>): string {
  const { core, form, trade, trading } = customer.organisation!
  const native = core.native !== core.latin && draw.chance(habit.native)
  if (native) dirt.add('native-script')
  let name = native ? core.native : core.latin
  if (!native && trading && !customer.easilyConfused && draw.chance(habit.trading)) {
    dirt.add('trading-name')
    name = trading
  } else if (!native && draw.chance(habit.abbreviation)) {
    const short = abbreviated(customer.locale, trade, name)
    if (short !== name) dirt.add('abbreviation')
    name = short
  }
  if (!native && draw.chance(habit.typo)) {
    const slip = typo(draw, name)
    if (slip !== name) dirt.add('typo')
    name = slip
  }
  const spelled = form.variants.filter((variant) => native || ascii.test(form.name) || ascii.test(variant))
  const canonical =
    native || ascii.test(form.name) || core.native === core.latin
      ? form.name
      : (spelled.find((variant) => ascii.test(variant)) ?? form.name)
  const choice = draw.next()
  if (choice < habit.formNone) dirt.add('legal-form')
  else if (choice < habit.formNone + habit.formVariant && spelled.length > 0) {
    const variant = draw.pick(spelled)
    if (variant !== canonical) dirt.add('legal-form')
    name = `${name} ${variant}`
  } else if (native && customer.locale.country === 'JP' && draw.chance(0.5)) name = `${canonical}${name}`
  else name = native && !customer.locale.blanks ? name + canonical : `${name} ${canonical}`
  if (draw.chance(habit.case)) {
    const other = recased(draw, name)
    if (other !== name) dirt.add('case')
    name = other
  }
  return name
}

function personNames(draw: Random, customer: Customer, source: SourceName, dirt: Set<Dirt>) {
  const { given, surname, woman } = customer.person!
  const native = given.native !== given.latin && source === 'netsuite' && draw.chance(0.5)
  if (native) dirt.add('native-script')
  let first = native ? given.native : given.latin
  let last = native ? surname.native : surname.latin
  const nickname = customer.locale.nicknames[first]
  if (nickname && !customer.easilyConfused && draw.chance(0.3)) {
    dirt.add('nickname')
    first = nickname
  }
  if (!native && draw.chance(0.03)) {
    const slip = typo(draw, last)
    if (slip !== last) dirt.add('typo')
    last = slip
  }
  if (draw.chance(source === 'webshop' ? 0.04 : 0.015)) {
    dirt.add('swapped-fields')
    ;[first, last] = [last, first]
  }
  return {
    given: first,
    surname: last,
    name: `${first} ${last}`,
    salutation: customer.locale.salutations[woman ? 0 : 1],
  }
}

const styles: Readonly<Record<SourceName, readonly PhoneStyle[]>> = {
  salesforce: ['international', 'international', 'national', 'e164'],
  stripe: ['e164', 'e164', 'e164', 'international'],
  netsuite: ['international', 'national', 'national', 'double-zero'],
  webshop: ['national', 'national', 'e164', 'double-zero', 'international'],
}

export function writtenPhone(draw: Random, source: SourceName, phone: Phone, dirt: Set<Dirt>): string {
  const style = draw.pick(styles[source])
  if (style === 'national' || style === 'double-zero') dirt.add('number-format')
  return formatPhone(phone, style, draw)
}

export function writtenAddress(draw: Random, customer: Customer, address: Address, dirt: Set<Dirt>): Address {
  let { street } = address
  if (draw.chance(0.3)) {
    const other = restreeted(draw, customer.locale, street)
    if (other !== street) dirt.add('abbreviation')
    street = other
  }
  if (draw.chance(0.02)) {
    const slip = typo(draw, street)
    if (slip !== street) dirt.add('typo')
    street = slip
  }
  return { ...address, street, region: draw.chance(0.75) ? address.region : '' }
}

/** An address of the company for this system: the general one, or one of its own, as accounting likes. */
function companyEmail(draw: Random, customer: Customer, source: SourceName): string {
  if (!customer.domain || customer.easilyConfused || draw.chance(0.55)) return customer.email
  if (source === 'webshop' && customer.contacts[0]) return customer.contacts[0].email
  const box = { salesforce: 'info', stripe: 'billing', netsuite: 'invoices', webshop: 'orders' }[source]
  return `${box}@${customer.domain}`
}

/**
 * The record of `customer` in `source`; `copy` counts the times it stands there. Of address, phone and domain (email, where
 * there is no domain, and for people) at least two are kept as they truly are, so that two records of one customer always
 * share one: two of three and two of three must meet.
 */
export function customerView(seed: number, customer: Customer, source: SourceName, copy: number): CustomerView {
  const draw = random(seed, 'view', source, customer.index, copy)
  const habit = habits[source]
  const dirt = new Set<Dirt>()
  const person = customer.person !== undefined
  const names = person
    ? personNames(draw, customer, source, dirt)
    : { name: organisationName(draw, customer, habit, dirt) }
  const misplaced = !person && draw.chance(habit.misplaced) && (source !== 'stripe' || customer.contacts.length > 0)

  let hasPhone = !draw.chance(habit.noPhone)
  let hasAddress = !draw.chance(habit.noAddress)
  let moved = customer.formerAddress !== undefined && draw.chance(habit.moved)
  let swapped = draw.chance(habit.swapped)
  let hasEmail = draw.chance(person ? 0.92 : habit.email) || (person && customer.easilyConfused)
  let hasWebsite = !person && customer.domain !== undefined && draw.chance(habit.website)
  const netEmail = person || source !== 'salesforce'
  const canShowDomain = netEmail || customer.domain !== undefined
  const needed = misplaced || customer.namesake ? 3 : 2
  const evidence = () => Number(hasPhone) + Number(hasAddress && !moved && !swapped) + Number(hasEmail || hasWebsite)
  if (evidence() < needed && canShowDomain && !(hasEmail || hasWebsite)) {
    if (netEmail) hasEmail = true
    else hasWebsite = true
  }
  if (evidence() < needed) hasPhone = true
  if (evidence() < needed) {
    hasAddress = true
    moved = false
    swapped = false
  }
  if (!netEmail) hasEmail = false

  const address = hasAddress
    ? writtenAddress(draw, customer, moved ? customer.formerAddress! : customer.address, dirt)
    : undefined
  if (moved && address) dirt.add('moved')
  if (address && swapped) {
    dirt.add('swapped-fields')
    ;[address.street, address.city] = [address.city, address.street]
  }
  if (!hasPhone || !hasAddress) dirt.add('missing')
  if (misplaced) dirt.add('wrong-field')
  if (copy > 0) dirt.add('duplicate')
  const hasTaxId =
    customer.taxId && draw.chance(customer.locale.country === 'US' ? habit.taxId / 2 : misplaced ? 1 : habit.taxId)
  const taxId = hasTaxId ? (source === 'webshop' ? formatTaxId(draw, customer.taxId!) : customer.taxId!) : undefined
  const style = draw.next()
  return {
    person,
    ...names,
    misplaced,
    terms: customer.terms,
    ...(customer.organisation?.trading && source === 'salesforce' && draw.chance(0.3)
      ? { tradingName: customer.organisation.trading }
      : {}),
    ...(taxId ? { taxId } : {}),
    ...(customer.registration && draw.chance(source === 'netsuite' ? 0.4 : 0.2)
      ? { registration: customer.registration }
      : {}),
    ...(customer.duns && source === 'salesforce' ? { duns: customer.duns } : {}),
    ...(hasEmail ? { email: person ? customer.email : companyEmail(draw, customer, source) } : {}),
    ...(hasPhone ? { phone: writtenPhone(draw, source, customer.phone, dirt) } : {}),
    ...(customer.mobile && draw.chance(0.5) ? { mobile: writtenPhone(draw, source, customer.mobile, dirt) } : {}),
    ...(hasWebsite ? { website: website(style, customer.domain!) } : {}),
    ...(address ? { address } : {}),
    ...(customer.shipping && draw.chance(0.7)
      ? { shipping: writtenAddress(draw, customer, customer.shipping, dirt) }
      : {}),
    dirt,
  }
}

const website = (style: number, domain: string) =>
  style < 0.35 ? `https://www.${domain}` : style < 0.6 ? `www.${domain}` : style < 0.8 ? `http://${domain}/` : domain

/**
 * The record as it was before its last change: another address where the customer moved, else another phone number, a name
 * before it was corrected, or other payment terms. Undefined for the records that have never changed.
 */
export function earlierView(
  seed: number,
  customer: Customer,
  source: SourceName,
  copy: number,
  view: CustomerView,
): CustomerView | undefined {
  const draw = random(seed, 'earlier', source, customer.index, copy)
  if (customer.formerAddress && view.address && !view.dirt.has('moved') && draw.chance(0.7)) {
    return { ...view, address: writtenAddress(draw, customer, customer.formerAddress, new Set()) }
  }
  if (!draw.chance(0.14)) return undefined
  const choice = draw.next()
  if (choice < 0.35 && view.phone) {
    return {
      ...view,
      phone: writtenPhone(
        draw,
        source,
        { ...customer.phone, local: customer.phone.local.slice(0, -3) + draw.fill('###') },
        new Set(),
      ),
    }
  }
  if (choice < 0.7 && !view.person && typo(draw, view.name) !== view.name)
    return { ...view, name: typo(draw, view.name) }
  if (choice < 0.85 && view.email && customer.domain)
    return { ...view, email: `${slug(view.name, '').slice(0, 8) || 'old'}@${customer.domain}` }
  const terms = draw.pick(['Net 10', 'Net 20', 'Net 90'])
  return { ...view, terms }
}
