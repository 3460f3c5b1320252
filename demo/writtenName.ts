import { ownValue } from '../schema/kit/dictionary.ts'
import { abbreviated, type Dirt, recased, typo } from './dirt.ts'
import type { Habits } from './habits.ts'
import type { Random } from './random.ts'
import type { Customer, SourceName } from './truth.ts'

const ascii = /^[\x20-\x7e]+$/

/** Returns a company's name as a source has it; adds the errors it made to `dirt`. */
export function organisationName(
  draw: Random,
  customer: Customer,
  habit: Habits,
  dirt: Set<Dirt>,
): string {
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
  const spelled = form.variants.filter(
    (variant) => native || ascii.test(form.name) || ascii.test(variant),
  )
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
  } else if (native && customer.locale.country === 'JP' && draw.chance(0.5))
    name = `${canonical}${name}`
  else name = native && !customer.locale.blanks ? name + canonical : `${name} ${canonical}`
  if (draw.chance(habit.case)) {
    const other = recased(draw, name)
    if (other !== name) dirt.add('case')
    name = other
  }
  return name
}

/** Returns a person's names as a source has them; adds the errors it made to `dirt`. */
export function personNames(draw: Random, customer: Customer, source: SourceName, dirt: Set<Dirt>) {
  const { given, surname, woman } = customer.person!
  const native = given.native !== given.latin && source === 'netsuite' && draw.chance(0.5)
  if (native) dirt.add('native-script')
  let first = native ? given.native : given.latin
  let last = native ? surname.native : surname.latin
  const nickname = ownValue(customer.locale.nicknames, first)
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
