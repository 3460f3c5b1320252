import type { SharedRates } from './sharedRates.ts'

/** Until the database is asked again, for a share that others may have changed. */
const renewMs = 1_000
/** No request begins so long after the database last named the share. */
const openMs = 5_000
/**
 * The places of a process that does not ask again count for so long: it was killed. More than
 * `openMs`, so that requests that were under way when the database went away have time to end.
 */
export const placesHeldMsMax = 10_000

/** Requests at one time. */
export interface Places {
  /** Requests that are under way in this process. */
  readonly running: number
  /** Returns 0 where a request may begin, else the milliseconds after which to ask again. */
  waitMs(now: number): number
  begin(): void
  end(): void
}

/** Requests at one time of this process alone. */
export class OwnPlaces implements Places {
  running = 0
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  waitMs(): number {
    return this.running < this.#max ? 0 : Number.POSITIVE_INFINITY
  }

  begin(): void {
    this.running++
  }

  end(): void {
    this.running--
  }
}

/**
 * Requests at one time of all processes. A process holds places and asks for them once a second,
 * not once a request. Where another one needs some, its share shrinks, and it gives back what it no
 * longer uses. It gives back all of them after a second without requests.
 */
export class SharedPlaces implements Places {
  running = 0
  readonly #rates: SharedRates
  readonly #limit: { key: string; max: number }
  readonly #now: () => number
  readonly #onChange: () => void
  #id: number | null = null
  /** Requests that may be under way. At most `#held`, which others do not use. */
  #share = 0
  #held = 0
  #until = 0
  #askAt = 0
  #isAsking = false
  #isUsed = false
  #timer: NodeJS.Timeout | null = null

  /** `key` names credential and limit; `onChange` is called when places may be free. */
  constructor(
    rates: SharedRates,
    limit: { key: string; max: number },
    now: () => number,
    onChange: () => void,
  ) {
    this.#rates = rates
    this.#limit = limit
    this.#now = now
    this.#onChange = onChange
  }

  waitMs(now: number): number {
    this.#isUsed = true
    if (now < this.#until && this.running < this.#share) return 0
    // The last second's share is in use: the end of a request, or the next share, is waited for.
    if (this.#isAsking || (now < this.#until && this.#held > 0)) return Number.POSITIVE_INFINITY
    if (now < this.#askAt) return this.#askAt - now
    void this.#ask()
    return Number.POSITIVE_INFINITY
  }

  begin(): void {
    this.running++
  }

  end(): void {
    this.running--
  }

  async #ask(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#isAsking = true
    this.#isUsed = false
    const askedAt = this.#now()
    const held = Math.max(this.running, askedAt < this.#until ? this.#share : 0)
    const isCut = await this.#rates.hold(this.#limit, { id: this.#id, held }, placesHeldMsMax).then(
      ({ id, places, share }) => {
        this.#id = id
        this.#held = places
        this.#share = share
        this.#until = askedAt + openMs
        return places > Math.max(this.running, share)
      },
      // The share ends by itself, and the database is asked again in a second.
      () => false,
    )
    this.#isAsking = false
    this.#askAt = this.#now() + renewMs
    this.#onChange()
    // Another process waits for what this one has no more use for.
    if (isCut) void this.#ask()
    else this.#timer = setTimeout(() => void this.#renew(), renewMs).unref()
  }

  async #renew(): Promise<void> {
    if (this.#isAsking) return
    if (this.running > 0 || this.#isUsed) return await this.#ask()
    const id = this.#id
    this.#id = null
    this.#share = 0
    this.#held = 0
    this.#isAsking = true
    // What cannot be given back counts until this process would have been killed.
    if (id !== null) await this.#rates.giveBack([id]).catch(() => {})
    this.#isAsking = false
    this.#askAt = 0
    this.#onChange()
  }
}
