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

/** The part of one process in the requests at one time of a credential. */
export interface HeldPlaces {
  id: number
  /** Places that count for this process. */
  places: number
  /** Requests that it may have under way from now on; less than `places` where others need some. */
  share: number
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
  /**
   * Takes or renews a part of `max` requests at one time. `held` are those that are under way or may
   * begin before this returns. What is not renewed counts for `heldMsMax`: its process was killed.
   * Rejects where the database is away.
   */
  hold(
    limit: { key: string; max: number },
    own: { id: number | null; held: number },
    heldMsMax: number,
  ): Promise<HeldPlaces>
  /** Gives parts of requests at one time back. */
  giveBack(ids: readonly number[]): Promise<void>
  /** Gives back what this process has, because it ends. */
  close(): Promise<void>
}
