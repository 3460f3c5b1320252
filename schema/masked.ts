import type { FieldPolicy, Mask } from './policy.ts'

/**
 * Returns the replacement of a value that the caller may not see: null, or the field's mask
 * (`@sensitive(mask:)`) for each text. STARS has one length, so that it does not reveal the length
 * of the value.
 */
export function masked(field: Pick<FieldPolicy, 'mask'>, value: unknown): unknown {
  const { mask } = field
  if (!mask || value === null || value === undefined) return null
  if (Array.isArray(value)) return value.map((v) => masked(field, v))
  return typeof value === 'string' ? MASKS[mask](value) : null
}

const stars = '****'
/** The last four characters of a shorter text would reveal most of it. */
const lastFourCharsMin = 8

const MASKS: Record<Mask, (text: string) => string> = {
  STARS: () => stars,
  LAST_FOUR: (text) => (text.length < lastFourCharsMin ? stars : `${stars}${text.slice(-4)}`),
  EMAIL_DOMAIN: (text) => `${stars}${/@[^@]*$/.exec(text)?.[0] ?? ''}`,
}
