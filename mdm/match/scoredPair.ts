/** A pair of records with its weight. `a` and `b` are indexes into the sorted list of records. */
export interface ScoredPair {
  a: number
  b: number
  weight: number
}

/** Two similar records in two clusters, and why they are not one. */
export interface PossiblePair extends ScoredPair {
  reason: string
}
