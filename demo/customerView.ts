import { type Dirt, formatPhone, formatTaxId, type PhoneStyle, restreeted, typo } from './dirt.ts'
import { habits } from './habits.ts'
import { type Random, random } from './random.ts'
import type { Address, Customer, Phone, SourceName } from './truth.ts'
import { organisationName, personNames } from './writtenName.ts'

/** A source system's data of a customer, before it takes that system's shape. */
export interface CustomerView {
  person: boolean
  salutation?: string
  name: string
  given?: string
  surname?: string
  /** The name is in the wrong field. */
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

const styles: Readonly<Record<SourceName, readonly PhoneStyle[]>> = {
  salesforce: ['international', 'international', 'national', 'e164'],
  stripe: ['e164', 'e164', 'e164', 'international'],
  netsuite: ['international', 'national', 'national', 'double-zero'],
  webshop: ['national', 'national', 'e164', 'double-zero', 'international'],
}

export function writtenPhone(
  draw: Random,
  source: SourceName,
  phone: Phone,
  dirt: Set<Dirt>,
): string {
  const style = draw.pick(styles[source])
  if (style === 'national' || style === 'double-zero') dirt.add('number-format')
  return formatPhone(phone, style, draw)
}

export function writtenAddress(
  draw: Random,
  customer: Customer,
  address: Address,
  dirt: Set<Dirt>,
): Address {
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

/**
 * Returns the company's email in this system: the general one or one of its own, as accounting
 * prefers.
 */
function companyEmail(draw: Random, customer: Customer, source: SourceName): string {
  if (!customer.domain || customer.easilyConfused || draw.chance(0.55)) return customer.email
  if (source === 'webshop' && customer.contacts[0]) return customer.contacts[0].email
  const box = { salesforce: 'info', stripe: 'billing', netsuite: 'invoices', webshop: 'orders' }[
    source
  ]
  return `${box}@${customer.domain}`
}

/**
 * Draws the record of `customer` in `source`; `copy` counts its occurrences there. At least two of
 * address, phone and domain (email, for people or without a domain) stay correct. So two records of
 * one customer always share one: any two pairs out of three overlap.
 */
export function customerView(
  seed: number,
  customer: Customer,
  source: SourceName,
  copy: number,
): CustomerView {
  const draw = random(seed, 'view', source, customer.index, copy)
  const habit = habits[source]
  const dirt = new Set<Dirt>()
  const person = customer.person !== undefined
  const names = person
    ? personNames(draw, customer, source, dirt)
    : { name: organisationName(draw, customer, habit, dirt) }
  const misplaced =
    !person && draw.chance(habit.misplaced) && (source !== 'stripe' || customer.contacts.length > 0)

  let hasPhone = !draw.chance(habit.noPhone)
  let hasAddress = !draw.chance(habit.noAddress)
  let moved = customer.formerAddress !== undefined && draw.chance(habit.moved)
  let swapped = draw.chance(habit.swapped)
  let hasEmail = draw.chance(person ? 0.92 : habit.email) || (person && customer.easilyConfused)
  let hasWebsite = !person && customer.domain !== undefined && draw.chance(habit.website)
  const netEmail = person || source !== 'salesforce'
  const canShowDomain = netEmail || customer.domain !== undefined
  const needed = misplaced || customer.namesake ? 3 : 2
  const evidence = () =>
    Number(hasPhone) + Number(hasAddress && !moved && !swapped) + Number(hasEmail || hasWebsite)
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
    customer.taxId &&
    draw.chance(customer.locale.country === 'US' ? habit.taxId / 2 : misplaced ? 1 : habit.taxId)
  const taxId = hasTaxId
    ? source === 'webshop'
      ? formatTaxId(draw, customer.taxId!)
      : customer.taxId!
    : undefined
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
    ...(customer.mobile && draw.chance(0.5)
      ? { mobile: writtenPhone(draw, source, customer.mobile, dirt) }
      : {}),
    ...(hasWebsite ? { website: website(style, customer.domain!) } : {}),
    ...(address ? { address } : {}),
    ...(customer.shipping && draw.chance(0.7)
      ? { shipping: writtenAddress(draw, customer, customer.shipping, dirt) }
      : {}),
    dirt,
  }
}

const website = (style: number, domain: string) =>
  style < 0.35
    ? `https://www.${domain}`
    : style < 0.6
      ? `www.${domain}`
      : style < 0.8
        ? `http://${domain}/`
        : domain
