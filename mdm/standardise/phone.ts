import { createRequire } from 'node:module'
import type { CountryCode } from 'libphonenumber-js/max'
import { lazily } from '../../schema/kit/lazily.ts'

const require = createRequire(import.meta.url)
const phoneNumbers = lazily(
  () => require('libphonenumber-js/max') as typeof import('libphonenumber-js/max'),
)

/** Repeated numbers (switchboards) are parsed once; the cache is emptied when it has this many. */
const CACHED_NUMBERS_MAX = 200_000
/** Longer texts are cut here, in the cache too. */
const NUMBER_CHARS_MAX = 40
const cache = new Map<string, string | null>()

/**
 * Reads a phone number. Returns E.164 ("+4930123456") if its country is written in it or passed,
 * else its national digits without the leading zero. Returns null for what cannot be a number:
 * fewer than 6 digits, all digits equal, 1234567 and the 555-01xx numbers of films.
 * @param country ISO 3166-1 alpha-2 of the record, for numbers written without a country
 */
export function parsePhone(text: string, country?: string): string | null {
  const cut = text.slice(0, NUMBER_CHARS_MAX)
  const cacheKey = `${country ?? ''}|${cut}`
  const known = cache.get(cacheKey)
  if (known !== undefined) return known
  if (cache.size >= CACHED_NUMBERS_MAX) cache.clear()
  const parsed = parse(cut, country)
  cache.set(cacheKey, parsed)
  return parsed
}

function parse(text: string, country?: string): string | null {
  const digits = text
    .replace(/(ext|x|extension|durchwahl|dw|poste)\.?\s*\d{1,5}$/i, '')
    .replace(/\D/g, '')
  if (digits.length < 6 || digits.length > 17) return null
  if (
    /^(\d)\1+$/.test(digits) ||
    '01234567890123456789'.includes(digits) ||
    /555?01\d\d$/.test(digits)
  )
    return null
  const international = /^\s*(\+|00)/.test(text)
  if (international || country) {
    const { isSupportedCountry, parsePhoneNumberFromString } = phoneNumbers()
    const region = country && isSupportedCountry(country) ? (country as CountryCode) : undefined
    const number = parsePhoneNumberFromString(text.replace(/^\s*00/, '+'), region)
    if (number?.isPossible()) return number.number
  }
  const national = digits.replace(/^0+/, '')
  if (international) return `+${national}`
  return national.length === 11 && national.startsWith('1') ? national.slice(1) : national
}
