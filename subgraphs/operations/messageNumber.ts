export const idsMax = 1_000

/** Returns the number of a message in the inbox, or null if the id is malformed. */
export function messageNumber(id: string): number | null {
  const number = /^[1-9]\d{0,15}$/.test(id) ? Number(id) : Number.NaN
  return Number.isSafeInteger(number) ? number : null
}
