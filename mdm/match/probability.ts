/** Returns the probability of a match from its weight, the log2 of its odds. */
export function probabilityOf(weight: number): number {
  return 1 / (1 + 2 ** -weight)
}
