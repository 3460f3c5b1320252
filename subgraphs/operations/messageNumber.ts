export const idsMax = 1_000

/** The number of a message in the inbox; null for what is none. */
export function messageNumber(id: string): number | null {
  const number = /^[1-9]\d{0,15}$/.test(id) ? Number(id) : Number.NaN
  return Number.isSafeInteger(number) ? number : null
}
