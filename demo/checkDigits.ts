import type { Random } from './random.ts'

const suffixAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'

/**
 * Returns the 18-character form of a 15-character Salesforce id: it adds one character for each
 * five, with a bit for each capital.
 */
export function salesforceId(id15: string): string {
  let suffix = ''
  for (let chunk = 0; chunk < 3; chunk++) {
    let bits = 0
    for (let at = 0; at < 5; at++) {
      const sign = id15[chunk * 5 + at]!
      if (sign >= 'A' && sign <= 'Z') bits |= 1 << at
    }
    suffix += suffixAlphabet[bits]
  }
  return id15 + suffix
}

const digitsOf = (text: string) => [...text].map(Number)
const weightedSum = (text: string, weights: readonly number[]) =>
  digitsOf(text).reduce((sum, digit, at) => sum + digit * weights[at]!, 0)

/** GTIN-13: weights 1 and 3 in turn (GS1 General Specifications, 7.9). */
export function gtin13(first12: string): string {
  const sum = digitsOf(first12).reduce(
    (total, digit, at) => total + digit * (at % 2 === 0 ? 1 : 3),
    0,
  )
  return first12 + ((10 - (sum % 10)) % 10)
}

/** Returns the digit that makes a number pass the Luhn check. */
export function luhnDigit(body: string): number {
  let sum = 0
  for (let at = body.length - 1, double = true; at >= 0; at--, double = !double) {
    const digit = Number(body[at]) * (double ? 2 : 1)
    sum += digit > 9 ? digit - 9 : digit
  }
  return (10 - (sum % 10)) % 10
}

/** Draws again if a scheme has no check digit for a body. */
function until<T>(draw: () => T | undefined): T {
  for (;;) {
    const value = draw()
    if (value !== undefined) return value
  }
}

/** USt-IdNr.: ISO 7064 mod 11,10 over nine digits. */
function germanVat(random: Random): string {
  const body = random.fill('N#######')
  let product = 10
  for (const digit of digitsOf(body)) {
    const sum = (digit + product) % 10 || 10
    product = (2 * sum) % 11
  }
  return `DE${body}${(11 - product) % 10}`
}

/** UID: like Luhn over seven digits, then 96 minus the sum. */
function austrianVat(random: Random): string {
  const body = random.fill('#######')
  const sum = digitsOf(body).reduce((total, digit, at) => {
    const value = at % 2 === 1 ? digit * 2 : digit
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return `ATU${body}${(((96 - sum) % 10) + 10) % 10}`
}

/** SIREN (Luhn) with its two-digit key, (12 + 3 * (SIREN mod 97)) mod 97. */
function frenchVat(random: Random): string {
  const body = random.fill('N#######')
  const siren = body + luhnDigit(body)
  return `FR${String((12 + 3 * (Number(siren) % 97)) % 97).padStart(2, '0')}${siren}`
}

/** Partita IVA: seven digits, the province 001 to 100, Luhn. */
function italianVat(random: Random): string {
  const body = random.fill('0######') + String(random.between(1, 100)).padStart(3, '0')
  return `IT${body}${luhnDigit(body)}`
}

/** CIF of a company with a digit as its check character. */
function spanishVat(random: Random): string {
  const body = random.fill('#######')
  return `ES${random.pick(['A', 'B'])}${body}${luhnDigit(body)}`
}

/** BTW number: nine digits, weights 9 to 2, mod 11, then B01. */
function dutchVat(random: Random): string {
  return until(() => {
    const body = random.fill('N#######')
    const check = weightedSum(body, [9, 8, 7, 6, 5, 4, 3, 2]) % 11
    return check === 10 ? undefined : `NL${body}${check}B0${random.between(1, 3)}`
  })
}

/** VAT number: weights 8 to 2 and a two-digit check, mod 97 (the 1981 scheme). */
function britishVat(random: Random): string {
  const body = random.fill('N######')
  const check = 97 - (weightedSum(body, [8, 7, 6, 5, 4, 3, 2]) % 97)
  return `GB${body}${String(check).padStart(2, '0')}`
}

/** NIP: weights 6 5 7 2 3 4 5 6 7, mod 11. */
function polishVat(random: Random): string {
  return until(() => {
    const body = random.fill('NNN######')
    const check = weightedSum(body, [6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11
    return check === 10 ? undefined : `PL${body}${check}`
  })
}

/** NIPC: weights 9 to 2, mod 11. */
function portugueseVat(random: Random): string {
  const body = random.fill('50######')
  const check = 11 - (weightedSum(body, [9, 8, 7, 6, 5, 4, 3, 2]) % 11)
  return `PT${body}${check > 9 ? 0 : check}`
}

/** AFM: powers of two, mod 11, mod 10. */
function greekVat(random: Random): string {
  const body = random.fill('09######')
  return `EL${body}${(weightedSum(body, [256, 128, 64, 32, 16, 8, 4, 2]) % 11) % 10}`
}

/** EIK of nine digits: weights 1 to 8 mod 11, or 3 to 10 where that gives ten. */
function bulgarianVat(random: Random): string {
  const body = random.fill('20######')
  let check = weightedSum(body, [1, 2, 3, 4, 5, 6, 7, 8]) % 11
  if (check === 10) check = (weightedSum(body, [3, 4, 5, 6, 7, 8, 9, 10]) % 11) % 10
  return `BG${body}${check}`
}

/** UID: weights 5 4 3 2 7 6 5 4, mod 11. */
function swissVat(random: Random): string {
  return until(() => {
    const body = random.fill('1#######')
    const check = (11 - (weightedSum(body, [5, 4, 3, 2, 7, 6, 5, 4]) % 11)) % 11
    return check === 10
      ? undefined
      : `CHE-${body.slice(0, 3)}.${body.slice(3, 6)}.${body.slice(6)}${check}${random.pick([' MWST', ' TVA'])}`
  })
}

/** Corporate number: check digit first, 9 minus the weighted sum (1 and 2 from the right) mod 9. */
function japaneseNumber(random: Random): string {
  const body = random.fill('0N##01######')
  const sum = digitsOf(body).reduce((total, digit, at) => total + digit * (at % 2 === 0 ? 2 : 1), 0)
  return `${9 - (sum % 9)}${body}`
}

const chineseAlphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY'

/**
 * Unified social credit code, GB 32100-2015: powers of three mod 31. Sums of zero are avoided,
 * because validators differ on them.
 */
function chineseNumber(random: Random): string {
  return until(() => {
    const organisation = random.fill('########')
    const check = 11 - (weightedSum(organisation, [3, 7, 9, 10, 5, 8, 4, 2]) % 11)
    const sign = check === 10 ? 'X' : check % 11
    const body = `91${random.pick(['110105', '310115', '440305', '330106'])}${organisation}${sign}`
    let weight = 1
    let sum = 0
    for (const char of body) {
      sum += chineseAlphabet.indexOf(char) * weight
      weight = (weight * 3) % 31
    }
    return sum % 31 === 0 ? undefined : `${body}${chineseAlphabet[31 - (sum % 31)]}`
  })
}

/** By country: draws a tax id with valid check digits, with the country's prefix if it has one. */
export const taxIdOf: Readonly<Record<string, (random: Random) => string>> = {
  DE: germanVat,
  AT: austrianVat,
  FR: frenchVat,
  IT: italianVat,
  ES: spanishVat,
  NL: dutchVat,
  GB: britishVat,
  PL: polishVat,
  PT: portugueseVat,
  GR: greekVat,
  BG: bulgarianVat,
  CH: swissVat,
  JP: japaneseNumber,
  CN: chineseNumber,
  US: (random) =>
    random.fill(`${random.pick(['20', '26', '27', '45', '46', '47', '81', '82', '83'])}-#######`),
}
