import { createRequire } from 'node:module'
import countries from 'i18n-iso-countries/index.js'
import { currencyExponents } from '../../schema/currencyExponents.ts'
import { isGtinCheckDigitValid, mod97 } from '../../schema/kit/checkDigits.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { lazily } from '../../schema/kit/lazily.ts'
import type { Format } from '../../schema/policy.ts'

const require = createRequire(import.meta.url)

/** Verdicts are asked again for every candidate of every golden record; the last ones are kept. */
const verdictsMax = 100_000
const verdicts = new Map<string, boolean>()

/** Returns true if a canonical value has the format of its field. Never throws. */
export function passesFormat(format: Format, value: unknown): boolean {
  if (typeof value !== 'string') return false
  const at = `${format}\u0000${value}`
  const known = verdicts.get(at)
  if (known !== undefined) return known
  if (verdicts.size >= verdictsMax) verdicts.clear()
  const verdict = value.length <= 320 && CHECKS[format](value)
  verdicts.set(at, verdict)
  return verdict
}

const CHECKS: Record<Format, (value: string) => boolean> = {
  EMAIL: (v) => /^[^\s@"<>,;]{1,64}@[^\s@]+\.[^\s@.]{2,}$/.test(v),
  PHONE: (v) => v.startsWith('+') && phoneNumbers().isValidPhoneNumber(v),
  DOMAIN: (v) =>
    v.length <= 253 &&
    /^([\p{L}\p{N}]([\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+[\p{L}\p{N}-]{2,63}$/u.test(v),
  COUNTRY: (v) => v.length === 2 && countries.isValid(v),
  CURRENCY: (v) => currencyExponents.has(v),
  DATE: (v) => /^\d{4}-\d{2}-\d{2}$/.test(v) && dayOf(v) === v,
  TAX_ID: isTaxId,
  GTIN: (v) => /^(\d{8}|\d{12,14})$/.test(v) && isGtinCheckDigitValid(v),
  IBAN: (v) => /^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(v) && mod97(v.slice(4) + v.slice(0, 4)) === 1,
  LEI: (v) => /^[A-Z0-9]{18}\d{2}$/.test(v) && mod97(v) === 1,
}

/**
 * A tax id with the prefix of a country whose VAT numbers have a check digit must pass it; any
 * other needs 5 to 20 letters and digits, which is all that can be asked without knowing the
 * country.
 */
function isTaxId(value: string): boolean {
  const bare = value.replace(/[\s./-]/g, '').toUpperCase()
  const prefix = bare.slice(0, 2) === 'EL' ? 'GR' : bare.slice(0, 2)
  const vat = ownValue(vatNumbers(), prefix)?.vat
  return vat ? vat.validate(bare).isValid : /^[A-Z0-9]{5,20}$/.test(bare) && /\d/.test(bare)
}

/** The day that a text of the right shape falls on: 2026-02-30 is 2026-03-02, so it is no date. */
function dayOf(value: string): string {
  const at = Date.parse(`${value}T00:00:00Z`)
  return Number.isNaN(at) ? '' : new Date(at).toISOString().slice(0, 10)
}

type VatNumbers = Record<
  string,
  { vat?: { validate(value: string): { isValid: boolean } } } | undefined
>
const vatNumbers = lazily(
  () => (require('stdnum') as typeof import('stdnum')).stdnum as unknown as VatNumbers,
)
const phoneNumbers = lazily(
  () => require('libphonenumber-js/max') as typeof import('libphonenumber-js/max'),
)
