import { createRequire } from 'node:module'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { lazily } from '../../schema/kit/lazily.ts'
import type { Identifier } from './featureShapes.ts'

const require = createRequire(import.meta.url)

/** The VAT number's name in stdnum, by country prefix (Greece writes EL). */
const KINDS = new Map<string, [country: string, kind: string]>(
  Object.entries({
    AT: ['AT', 'uid'],
    BE: ['BE', 'vat'],
    BG: ['BG', 'vat'],
    CH: ['CH', 'vat'],
    CY: ['CY', 'vat'],
    DE: ['DE', 'vat'],
    EL: ['GR', 'vat'],
    ES: ['ES', 'nif'],
    FI: ['FI', 'alv'],
    FR: ['FR', 'tva'],
    GB: ['GB', 'vat'],
    GR: ['GR', 'vat'],
    IE: ['IE', 'vat'],
    IT: ['IT', 'iva'],
    LU: ['LU', 'tva'],
    MT: ['MT', 'vat'],
    NL: ['NL', 'btw'],
    NO: ['NO', 'mva'],
    PL: ['PL', 'nip'],
    PT: ['PT', 'nif'],
    RO: ['RO', 'cif'],
    SE: ['SE', 'vat'],
  }),
)
type Validators = Record<string, Record<string, { validate(value: string): { isValid: boolean } }>>
/** 309 modules. */
const validatorsByCountry = lazily(
  () => (require('stdnum') as typeof import('stdnum')).stdnum as Validators,
)
/**
 * Prefixes of VAT countries that stdnum does not know; their numbers are accepted without a check.
 */
const UNCHECKED = new Set(['CZ', 'DK', 'EE', 'HR', 'HU', 'LT', 'LV', 'SI', 'SK'])

/**
 * Reads a VAT number with its country prefix, letters and digits only; null if it is none. Wrong
 * check digits leave `checked` false.
 */
export function parseVatNumber(bare: string): Identifier | null {
  if (!/^[A-Z]{2}[0-9A-Z]{7,13}$/.test(bare) || !/\d{5}/.test(bare)) return null
  const prefix = bare.slice(0, 2)
  const kind = KINDS.get(prefix)
  if (!kind)
    return UNCHECKED.has(prefix) ? { scheme: `VAT:${prefix}`, value: bare, checked: false } : null
  const validators = ownValue(validatorsByCountry(), kind[0])
  const checked = (validators && ownValue(validators, kind[1]))?.validate(bare).isValid ?? false
  return { scheme: `VAT:${prefix === 'GR' ? 'EL' : prefix}`, value: bare, checked }
}
