import type { Locale } from './locales/locale.ts'
import type { Random } from './random.ts'
import type { Phone } from './truth.ts'

/** The errors that a record can get; the README describes each. */
export const dirtKinds = [
  'legal-form',
  'typo',
  'abbreviation',
  'case',
  'moved',
  'swapped-fields',
  'wrong-field',
  'missing',
  'trading-name',
  'native-script',
  'nickname',
  'switchboard',
  'duplicate',
  'number-format',
] as const
export type Dirt = (typeof dirtKinds)[number]

/** Makes one typo inside a word of five letters or more; never in its first letter. */
export function typo(random: Random, text: string): string {
  const words = text.split(' ')
  const long = words
    .map((word, at) => (/^\p{Script=Latin}{5,}$/u.test(word) ? at : -1))
    .filter((at) => at >= 0)
  if (long.length === 0) return text
  const chosen = random.pick(long)
  const word = words[chosen]!
  const at = random.between(1, word.length - 2)
  const slips = [
    word.slice(0, at) + word[at + 1] + word[at] + word.slice(at + 2),
    word.slice(0, at) + word.slice(at + 1),
    word.slice(0, at) + word[at] + word.slice(at),
    word.slice(0, at) + random.pick([...'aeinorst']) + word.slice(at + 1),
  ].filter((slip) => slip !== word)
  words[chosen] = random.pick(slips)
  return words.join(' ')
}

/** Returns the name with the short form of the trade, or with another sign for "and". */
export function abbreviated(locale: Locale, trade: string, name: string): string {
  const [long, short] = trade.split('~')
  if (short && name.includes(long!)) return name.replace(long!, short)
  if (locale.and && name.includes(` ${locale.and} `))
    return name.replace(` ${locale.and} `, locale.and === '&' ? ' + ' : ' & ')
  return name
}

export function recased(random: Random, name: string): string {
  return random.chance(0.6) ? name.toUpperCase() : name.toLowerCase()
}

/** Rewrites street words in another common spelling. */
export function restreeted(random: Random, locale: Locale, street: string): string {
  const fitting = locale.streetVariants.filter(([from]) =>
    from.endsWith(' ') ? street.startsWith(from) : street.includes(from),
  )
  if (fitting.length === 0) return street
  const [from, to] = random.pick(fitting)
  return street.replace(from, to)
}

export type PhoneStyle = 'e164' | 'international' | 'national' | 'double-zero'

const grouped = (local: string) =>
  local.length > 6 ? `${local.slice(0, 3)} ${local.slice(3)}` : local

export function formatPhone(phone: Phone, style: PhoneStyle, random: Random): string {
  const { dial, trunk, area, local } = phone
  if (style === 'e164') return `+${dial}${area}${local}`
  if (style === 'international') return `+${dial} ${area} ${grouped(local)}`
  if (style === 'double-zero') return `00${dial} ${area} ${local}`
  if (dial === '1')
    return random.pick([
      `(${area}) ${local.slice(0, 3)}-${local.slice(3)}`,
      `${area}-${local.slice(0, 3)}-${local.slice(3)}`,
      `${area}.${local.slice(0, 3)}.${local.slice(3)}`,
    ])
  return random.pick([
    `${trunk}${area} ${grouped(local)}`,
    `${trunk}${area} / ${local}`,
    `${trunk}${area}-${local}`,
    `(${trunk}${area}) ${grouped(local)}`,
  ])
}

/** Formats a tax id as people copy it: with blanks, with dots, or without the country. */
export function formatTaxId(random: Random, taxId: string): string {
  const draw = random.next()
  if (draw < 0.7 || !/^[A-Z]{2}\w+$/.test(taxId)) return taxId
  if (draw < 0.85) return `${taxId.slice(0, 2)} ${taxId.slice(2)}`
  if (draw < 0.93)
    return `${taxId.slice(0, 2)} ${taxId.slice(2, 5)} ${taxId.slice(5, 8)} ${taxId.slice(8)}`.trim()
  return taxId.slice(2)
}
