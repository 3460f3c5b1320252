import { ownValue } from '../schema/kit/dictionary.ts'
import { writtenPhone } from './customerView.ts'
import { type Dirt, recased, typo } from './dirt.ts'
import { random } from './random.ts'
import type { Contact, Customer, SourceName } from './truth.ts'

/** A source system's data of a person who acts for a customer. */
export interface ContactView {
  salutation: string
  given?: string
  surname: string
  name: string
  title?: string
  email?: string
  phone?: string
  mobile?: string
  dirt: Set<Dirt>
}

/**
 * Draws a view. One without an email keeps the correct name and a phone, so that it stays
 * identifiable.
 */
export function contactView(
  seed: number,
  customer: Customer,
  contact: Contact,
  source: SourceName,
  copy: number,
): ContactView {
  const draw = random(seed, 'contact', source, contact.key, copy)
  const dirt = new Set<Dirt>()
  const hasEmail = !draw.chance(0.06)
  const native =
    contact.given.native !== contact.given.latin &&
    source === 'netsuite' &&
    hasEmail &&
    draw.chance(0.5)
  if (native) dirt.add('native-script')
  let given: string | undefined = native ? contact.given.native : contact.given.latin
  let surname = native ? contact.surname.native : contact.surname.latin
  if (hasEmail && !native) {
    const nickname = ownValue(customer.locale.nicknames, given)
    const draws = draw.next()
    if (nickname && draws < 0.35) {
      dirt.add('nickname')
      given = nickname
    } else if (draws > 0.96) {
      dirt.add('abbreviation')
      given = `${given.charAt(0)}.`
    } else if (draws > 0.94) {
      dirt.add('swapped-fields')
      ;[given, surname] = [surname, given]
    } else if (draws > 0.9) {
      const slip = typo(draw, surname)
      if (slip !== surname) dirt.add('typo')
      surname = slip
    } else if (draws > 0.88) {
      dirt.add('missing')
      given = undefined
    } else if (draws > 0.85) {
      dirt.add('case')
      surname = recased(draw, surname)
    }
  }
  const hasPhone = !hasEmail || draw.chance(0.75)
  if (!hasEmail) dirt.add('missing')
  if (hasPhone && !contact.ownLine) dirt.add('switchboard')
  if (copy > 0) dirt.add('duplicate')
  const full =
    given === undefined
      ? surname
      : customer.locale.blanks || !native
        ? `${given} ${surname}`
        : surname + given
  return {
    salutation: customer.locale.salutations[contact.woman ? 0 : 1],
    ...(given === undefined ? {} : { given }),
    surname,
    name: full,
    ...(draw.chance(0.7) ? { title: contact.title } : {}),
    ...(hasEmail ? { email: draw.chance(0.06) ? contact.email.toUpperCase() : contact.email } : {}),
    ...(hasPhone ? { phone: writtenPhone(draw, source, contact.phone, dirt) } : {}),
    ...(contact.mobile && draw.chance(0.6)
      ? { mobile: writtenPhone(draw, source, contact.mobile, dirt) }
      : {}),
    dirt,
  }
}
