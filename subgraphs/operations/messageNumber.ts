import { inputError } from '../shared/errors.ts'

export const idsMax = 1_000

/** The number of a message in the inbox; null for what is none. */
export function messageNumber(id: string): number | null {
  const number = /^[1-9]\d{0,15}$/.test(id) ? Number(id) : Number.NaN
  return Number.isSafeInteger(number) ? number : null
}

/** The message that a page begins after. Throws BAD_CURSOR. */
export function numberAfter(cursor: string | null | undefined): number | null {
  if (cursor === null || cursor === undefined) return null
  try {
    const found: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (Array.isArray(found) && found.length === 1 && Number.isSafeInteger(found[0])) return found[0] as number
  } catch (e) {
    if (!(e instanceof SyntaxError)) throw e
  }
  throw inputError('BAD_CURSOR', 'the cursor is none of this list')
}
