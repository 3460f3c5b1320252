import type { Locale } from './locales/locale.ts'
import { addressIn, landline, mobileOf, personName, slug } from './naming.ts'
import type { Random } from './random.ts'
import type { Address, Contact, Customer, PersonName, Phone } from './truth.ts'

const titles = [
  'Managing Director',
  'Head of Purchasing',
  'Buyer',
  'Finance Director',
  'Accounts Payable',
  'IT Manager',
  'Plant Manager',
  'Office Manager',
  'Head of Operations',
  'Chief Technology Officer',
  'Sales Manager',
  'Project Engineer',
]

/** Draws at most three contacts, each with their own name and email address. */
export function contactsOf(random: Random, customer: Customer): Contact[] {
  const count = random.weighted([0, 1, 2, 3], (many) => [0.08, 0.34, 0.38, 0.2][many]!)
  const contacts: Contact[] = []
  const seen = new Set<string>()
  for (let ordinal = 0; ordinal < count; ordinal++) {
    const name = personName(random, customer.locale)
    const local = `${slug(name.given.latin, '')}.${slug(name.surname.latin, '')}`
    if (seen.has(local)) continue
    seen.add(local)
    const ownLine = random.chance(0.4)
    const stem = customer.phone.local.slice(0, -2)
    const mobile = random.chance(0.4) ? mobileOf(random, customer.locale) : undefined
    contacts.push({
      ...name,
      key: `contact-${customer.index}-${ordinal}`,
      ordinal,
      title: random.pick(titles),
      email: customer.domain
        ? `${local}@${customer.domain}`
        : `${local}${random.between(1, 9999)}@${random.pick(customer.locale.freemail)}`,
      phone: ownLine ? { ...customer.phone, local: stem + random.fill('N#') } : customer.phone,
      ownLine,
      ...(mobile ? { mobile } : {}),
    })
  }
  return contacts
}

export interface Household {
  surname: PersonName['surname']
  address: Address
  phone: Phone
}

export interface Individual {
  person: PersonName
  email: string
  phone: Phone
  mobile?: Phone
  address: Address
}

/** Draws a person who buys; members of a household share surname, address and landline. */
export function individual(random: Random, locale: Locale, household?: Household): Individual {
  const city = random.pick(locale.cities)
  const name = personName(random, locale)
  const person = household ? { ...name, surname: household.surname } : name
  const mobile = mobileOf(random, locale)
  const tag = random.chance(0.5) ? random.between(50, 99) : random.between(100, 9999)
  return {
    person,
    email: `${slug(person.given.latin, '')}${random.pick(['.', '_', ''])}${slug(person.surname.latin, '')}${tag}@${random.pick(locale.freemail)}`,
    phone: household?.phone ?? landline(random, locale, city),
    ...(mobile ? { mobile } : {}),
    address: household?.address ?? addressIn(random, locale, city),
  }
}
