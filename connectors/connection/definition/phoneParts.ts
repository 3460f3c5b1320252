import { createRequire } from 'node:module'
import { lazily } from '../../../schema/kit/lazily.ts'

const require = createRequire(import.meta.url)
// Loaded when the first number is written: its tables have 200 KB.
const phoneNumbers = lazily(
  () => require('libphonenumber-js/max') as typeof import('libphonenumber-js/max'),
)

/**
 * Divides an international phone number (+49301234567) into its country (DE) and the number within it
 * (301234567). A number of no single country stays as it is, without a country.
 */
export function phoneParts(text: string): { country: string; number: string } {
  const parsed = phoneNumbers().parsePhoneNumberFromString(text)
  return parsed?.country
    ? { country: parsed.country, number: parsed.nationalNumber }
    : { country: '', number: text }
}
