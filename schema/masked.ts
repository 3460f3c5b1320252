import type { FieldPolicy, Mask } from './policy.ts'

/**
 * What stands in the place of a value that the caller may not see: null, or as the field's `@sensitive(mask:)` says, text by
 * text. Never longer than what it hides says by itself: STARS has one length for all.
 */
export function masked(field: Pick<FieldPolicy, 'mask'>, value: unknown): unknown {
  const { mask } = field
  if (!mask || value === null || value === undefined) return null
  if (Array.isArray(value)) return value.map((v) => masked(field, v))
  return typeof value === 'string' ? MASKS[mask](value) : null
}

const stars = '****'
/** Of a short text the last four would be all of it. */
const lastFourCharsMin = 8

const MASKS: Record<Mask, (text: string) => string> = {
  STARS: () => stars,
  LAST_FOUR: (text) => (text.length < lastFourCharsMin ? stars : `${stars}${text.slice(-4)}`),
  EMAIL_DOMAIN: (text) => `${stars}${/@[^@]*$/.exec(text)?.[0] ?? ''}`,
}
