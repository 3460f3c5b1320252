/** An email address, or its part from the @ on. */
const EMAIL = /^[^\s@]{0,64}@[^\s@]+\.[^\s@.]+$/
const PHONE = /^\+\d{6,15}$/
/** An id as billing systems make them: cus_9s6XKzkNRiz8i3. */
const SYSTEM_ID = /^[a-z]{2,8}_(?=[A-Za-z0-9]*\d)[A-Za-z0-9]{8,}$/

/**
 * Returns whether a text only stands in for a name that is not known: an email address or its
 * domain (`@muster.example`), a phone number in international form or the id of a system. It serves
 * to show a record, loses to every name, and is no evidence that two records are the same.
 */
export function isStandInName(text: string): boolean {
  return EMAIL.test(text) || PHONE.test(text) || SYSTEM_ID.test(text)
}
