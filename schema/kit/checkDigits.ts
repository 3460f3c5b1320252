/**
 * Returns the remainder of ISO 7064 MOD 97-10. IBAN (rearranged) and LEI are right if it is 1.
 * @param text digits and capital letters; A counts as 10, Z as 35
 */
export function mod97(text: string): number {
  let rest = 0
  for (const c of text) {
    const code = c.charCodeAt(0)
    rest = code >= 65 ? (rest * 100 + code - 55) % 97 : (rest * 10 + code - 48) % 97
  }
  return rest
}

/** Returns whether the GS1 check digit is right, for 8, 12, 13 and 14 digits. */
export function isGtinCheckDigitValid(digits: string): boolean {
  let sum = 0
  for (let i = digits.length - 2, weight = 3; i >= 0; i--, weight = 4 - weight)
    sum += Number(digits[i]) * weight
  return (10 - (sum % 10)) % 10 === Number(digits.at(-1))
}
