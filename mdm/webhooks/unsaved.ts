import type { Logged, Parked, Progress } from './store.ts'

/** Results that are not in the database yet; beyond it nothing is sent. */
const resultsMax = 1_000
/** Longest delay of a save if only the position has changed. */
const placeMsMax = 1_000

/**
 * Changes of a delivery since its last save, and their saving: one save at a time, each with all
 * changes.
 */
export class Unsaved {
  readonly #write: (progress: Progress) => Promise<void>
  /** Returns the current state of the delivery. */
  readonly #standing: () => Pick<Progress, 'position' | 'epoch' | 'breaker'>
  #parked = new Map<string, Parked | null>()
  #log = new Map<number, Logged>()
  #missed = 0
  #position: number
  #savedAt = 0
  #saving: Promise<void> | null = null

  constructor(
    write: (progress: Progress) => Promise<void>,
    standing: () => Pick<Progress, 'position' | 'epoch' | 'breaker'>,
  ) {
    this.#write = write
    this.#standing = standing
    this.#position = standing().position
  }

  get full(): boolean {
    return this.#log.size >= resultsMax
  }

  miss(positions: number): void {
    this.#missed += positions
  }

  /** Null: it is no longer parked. */
  park(goldenId: string, parked: Parked | null): void {
    this.#parked.set(goldenId, parked)
  }

  result(logged: Logged): void {
    this.#log.set(logged.event.position, logged)
  }

  /** Returns whether a save is due: at once for results, after a delay for the position alone. */
  get due(): boolean {
    if (this.#saving || !this.some) return false
    const results = this.#log.size > 0 || this.#parked.size > 0
    return results || performance.now() - this.#savedAt >= placeMsMax
  }

  get some(): boolean {
    const moved = this.#position < this.#standing().position
    return this.#log.size > 0 || this.#parked.size > 0 || this.#missed > 0 || moved
  }

  /** Saves all current changes; rethrows the error of the write. */
  async save(): Promise<void> {
    // Nothing is awaited between the check and the save: of several waiters one continues.
    while (this.#saving) await this.#saving
    const standing = this.#standing()
    const progress = { ...standing, missed: this.#missed, parked: this.#parked, log: this.#log }
    this.#parked = new Map()
    this.#log = new Map()
    this.#missed = 0
    this.#position = standing.position
    const writing = this.#write(progress).then(() => {
      this.#savedAt = performance.now()
    })
    this.#saving = writing.catch(() => {}).finally(() => (this.#saving = null))
    await writing
  }

  /** Resolves when a save in progress is over, whatever its outcome. */
  async settled(): Promise<void> {
    while (this.#saving) await this.#saving
  }
}
