/** A rate of one credential, which all processes share. */
export interface SharedRate {
  /** Names credential and limit. */
  key: string
  max: number
  perMs: number
}

/** Places of a rate that one process has. */
export interface RateSlice {
  id: number
  places: number
}

/** A slice that has ended: how many of its places were used, and how long ago the last one was. */
export interface EndedSlice {
  id: number
  used: number
  agoMs: number
}

/** Counts the requests of all processes. Kept in the database (mdm/connections/requestRates.ts). */
export interface SharedRates {
  /**
   * Takes up to `places` places of a rate, or returns after how many ms to ask again. `ended` are
   * earlier slices of this process. A slice that never ends counts for `heldMsMax` and the length
   * of the rate: its process was killed. Rejects where the database is away.
   */
  take(
    rate: SharedRate,
    places: number,
    heldMsMax: number,
    ended: readonly EndedSlice[],
  ): Promise<RateSlice | { waitMs: number }>
  /** Ends slices. */
  end(rate: SharedRate, ended: readonly EndedSlice[]): Promise<void>
}
