import { ownValue } from '../schema/kit/dictionary.ts'
import { omens } from './locales/chinese.ts'
import {
  type City,
  joined,
  type LegalForm,
  type Locale,
  list,
  type Spelling,
  spell,
} from './locales/locale.ts'
import type { Random } from './random.ts'
import type { Address, PersonName, Phone } from './truth.ts'

const head = list(
  'Al Ar Bel Bri Cal Cor Dan Del El Er Fen Fin Gal Gri Hel Hul Il Is Jan Jor Kal Ker Lan Lum Mar Mir Nar Nor Ol Or Pal Per Quen Quil Ral Ros Sal Syl Tal Tor Ul Ur Val Ver Wel Wol Xan Yor Zel Zir Bran Cres Dril Fros Glen Pran Stel Tran',
)
const middle = list('a e i o u ta ve ri lo mu na di so be ca ni de ra vi to')
const tail = list(
  'bex cor dane dex dyn fane flux form gen gon kor lane lex lin lith lon lux mark met mond nex nix nor pex plan por quist rand rex ris ron sec sol stra syn tec thor tis tron vane ver via vix von wick xis zon',
)

/** Draws a made-up word out of 56 x 20 x 48. */
const coined = (random: Random): string =>
  random.pick(head) + random.pick(middle) + random.pick(tail)

/** Returns a made-up brand, distinct for each number up to 56 x 47. */
export const brand = (number: number): string =>
  head[number % 56]! + tail[(number * 7 + Math.floor(number / 56)) % 47]!

/** Returns the long form, which the name uses; the short form after `~` is for the dirt. */
export const long = (trade: string) => trade.split('~')[0]!

export function personName(random: Random, locale: Locale): PersonName {
  const woman = random.chance(0.5)
  return {
    woman,
    given: spell(locale, random.pick(woman ? locale.women : locale.men)),
    surname: locale.surname(random, woman),
  }
}

export interface CompanyName {
  core: Spelling
  stem: Spelling
  form: LegalForm
  trade: string
  /** Others may have the same name; then the domain includes the town. */
  common: boolean
}

/** Draws a company name. `plain`: a surname and a trade, which several companies may share. */
export function companyName(
  random: Random,
  locale: Locale,
  city: City,
  plainName = false,
): CompanyName {
  const trade = random.pick(locale.trades)
  const form = random.weighted(locale.forms, (candidate) => candidate.weight)
  const tradeName = spell(locale, long(trade))
  if (!locale.blanks) {
    const native = locale.country === 'CN'
    const stem = native
      ? joined(locale, [
          spell(locale, random.pick(omens)),
          spell(locale, random.pick(omens)),
          spell(locale, random.pick(omens)),
        ])
      : joined(locale, [locale.surname(random, false)])
    const latin = native
      ? stem.latin.charAt(0) + stem.latin.slice(1).replaceAll(' ', '').toLowerCase()
      : stem.latin
    const whole = { native: stem.native, latin }
    return { core: joined(locale, [whole, tradeName]), stem: whole, form, trade, common: !native }
  }
  const surname = () => locale.surname(random, false)
  const plain = (text: string): Spelling => ({ native: text, latin: text })
  const draw = plainName ? 0 : random.next()
  if (draw < 0.12) {
    const stem = surname()
    return { core: joined(locale, [stem, tradeName]), stem, form, trade, common: true }
  }
  if (draw < 0.32) {
    const stem = joined(locale, [surname(), spell(locale, locale.and), surname()])
    return {
      core: random.chance(0.5) ? joined(locale, [stem, tradeName]) : stem,
      stem,
      form,
      trade,
      common: false,
    }
  }
  if (draw < 0.42) {
    const stem = joined(locale, [spell(locale, random.pick(locale.men)), surname()])
    return { core: joined(locale, [stem, tradeName]), stem, form, trade, common: false }
  }
  if (draw < 0.5) {
    const stem = plain(coined(random))
    return { core: stem, stem, form, trade, common: true }
  }
  if (draw < 0.58) {
    const stem = plain(random.fill('AAA'))
    return {
      core: joined(locale, [stem, tradeName, plain(city.name.split(',')[0]!)]),
      stem,
      form,
      trade,
      common: false,
    }
  }
  const stem = plain(coined(random))
  return { core: joined(locale, [stem, tradeName]), stem, form, trade, common: false }
}

const plainLetters: Readonly<Record<string, string>> = {
  ä: 'ae',
  ö: 'oe',
  ü: 'ue',
  ß: 'ss',
  ł: 'l',
  ø: 'o',
  æ: 'ae',
}

/** Returns Latin letters and digits in lower case, with words joined by the separator. */
export function slug(text: string, separator: string): string {
  return text
    .toLowerCase()
    .replace(/[äöüßłøæ]/g, (sign) => ownValue(plainLetters, sign)!)
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .split(/[^a-z0-9]+/)
    .filter(Boolean)
    .join(separator)
}

export function addressIn(random: Random, locale: Locale, city: City): Address {
  const number = random.between(1, locale.country === 'US' ? 4800 : 190)
  const street = locale.street(random)
  const whole =
    locale.country === 'JP'
      ? street
      : locale.houseNumberFirst
        ? `${number} ${street}`
        : `${street} ${number}`
  return {
    street: whole,
    city: city.name,
    region: city.region,
    postcode: random.fill(city.postcode),
    country: locale.country,
  }
}

export function landline(random: Random, locale: Locale, city: City): Phone {
  return {
    dial: locale.dial,
    trunk: locale.trunk,
    area: city.area,
    local: random.fill(locale.subscriber(city.area)),
  }
}

export function mobileOf(random: Random, locale: Locale): Phone | undefined {
  if (!locale.mobile) return undefined
  const number = random.fill(locale.mobile)
  return {
    dial: locale.dial,
    trunk: locale.trunk,
    area: number.slice(0, 3),
    local: number.slice(3),
  }
}
