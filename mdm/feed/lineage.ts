/** A part of the feed's history; it begins where the store may have gone back. */
export interface Epoch {
  id: string
  /** Positions up to this one belong to the epochs before it. */
  beganAfter: number
}

/**
 * The epochs that led to the present feed (docs/FEED.md, 4.3). Epochs of a history that a restore
 * has undone are not among them, and the end of one that is shows how much of it was left.
 */
export class Lineage {
  /** Id of the epoch of the next position. */
  readonly current: string
  /** Epoch id -> its last position that is part of the present feed. */
  readonly #ends = new Map<string, number>()
  /** Epochs that have positions, the newest first. */
  readonly #visible: Epoch[] = []

  /** `epochs` in the order in which they began. */
  constructor(epochs: readonly Epoch[]) {
    const newest = epochs.at(-1)
    if (!newest) throw new Error('the feed has no epoch: the migrations have not run')
    this.current = newest.id
    let end = Number.POSITIVE_INFINITY
    for (const epoch of epochs.toReversed()) {
      this.#ends.set(epoch.id, end)
      if (epoch.beganAfter >= end) continue
      this.#visible.push(epoch)
      end = epoch.beganAfter
    }
  }

  /** Returns whether this epoch is one that led here. */
  knows(epoch: string): boolean {
    return this.#ends.has(epoch)
  }

  /** Returns whether a position of this epoch is part of the present feed. */
  holds(epoch: string, position: number): boolean {
    return position <= (this.#ends.get(epoch) ?? Number.NEGATIVE_INFINITY)
  }

  /** Returns the epoch of the event at a position. */
  epochOf(position: number): string {
    let [low, high] = [0, this.#visible.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#visible[middle]?.beganAfter ?? 0) < position) high = middle
      else low = middle + 1
    }
    return this.#visible[low]?.id ?? this.current
  }
}
