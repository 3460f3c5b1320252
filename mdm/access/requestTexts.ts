import { normalId } from '../../schema/kit/normalText.ts'
import { visibleText } from '../../schema/kit/visibleText.ts'
import { isStorable } from '../../schema/storable.ts'

const reasonCharsMax = 2_000
const keyCharsMax = 200

/**
 * Returns the form of a reason in which it is stored, without characters that hide or act: people
 * read it in the audit log and in terminals. Blanks inside stay, as in ids. A text that cannot be
 * stored stays, to be rejected.
 */
export function normalReason(reason: string): string {
  return isStorable(reason) ? normalId(reason) : reason
}

/** Returns why a reason in normal form is rejected, or null. */
export function faultOfReason(reason: string): string | null {
  return reason === '' || reason.length > reasonCharsMax || !isStorable(reason)
    ? `say why, in 1 to ${reasonCharsMax} characters that can be seen`
    : null
}

/** Returns why an idempotency key is rejected, or null. */
export function faultOfIdempotencyKey(key: string): string | null {
  return key.trim() === '' || key.length > keyCharsMax || visibleText(key) !== key
    ? `an idempotency key has 1 to ${keyCharsMax} characters that can be seen, in one line`
    : null
}
