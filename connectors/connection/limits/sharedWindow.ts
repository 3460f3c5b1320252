import type { EndedSlice, RateSlice, SharedRate, SharedRates } from './sharedRates.ts'
import type { Window } from './window.ts'

/**
 * Slices in one length of a rate. More use the rate better and ask the database more often: a
 * request is counted until its whole slice has ended.
 */
const slicesPerWindow = 16
/** Requests of a slice begin within this part of the length of the rate, so that none lies idle. */
const openPart = 0.25
const openMsMin = 250
const openMsMax = 10_000
/** Until the database is asked again after it was away. */
const awayMs = 1_000

interface Slice extends RateSlice {
  /** No request of it begins later. */
  until: number
  left: number
  running: number
  /** When its last request had been counted. */
  countedAt: number
}

/**
 * A rate that several processes share. Places are taken from the others in slices; within a slice
 * nothing is asked. A slice counts from before its first request until the length of the rate after
 * its last answer has begun, so no window of the system, wherever it begins, holds more than `max`.
 */
export class SharedWindow implements Window {
  readonly max: number
  readonly #rate: SharedRate
  readonly #rates: SharedRates
  readonly #openMs: number
  readonly #heldMsMax: number
  readonly #now: () => number
  readonly #onChange: () => void
  readonly #slices = new Set<Slice>()
  #open: Slice | null = null
  #ended: { id: number; used: number; at: number }[] = []
  #isAsking = false
  #askAt = 0
  #timer: NodeJS.Timeout | null = null

  /** `answerMsMax` is the longest time of one request; `onChange` is called when places may be free. */
  constructor(
    rates: SharedRates,
    rate: SharedRate,
    answerMsMax: number,
    now: () => number,
    onChange: () => void,
  ) {
    this.max = rate.max
    this.#rate = rate
    this.#rates = rates
    this.#openMs = Math.min(openMsMax, Math.max(openMsMin, rate.perMs * openPart))
    this.#heldMsMax = this.#openMs + answerMsMax
    this.#now = now
    this.#onChange = onChange
  }

  /** Returns how many places this process has taken that still count here. */
  used(): number {
    let used = 0
    for (const slice of this.#slices) used += slice.places - slice.left
    return used
  }

  /** Returns 0 where a request may begin. Else asks for places, and calls `onChange` when they come. */
  waitMs(now: number): number {
    if (this.#open && this.#open.left > 0 && now < this.#open.until) return 0
    if (this.#isAsking) return Number.POSITIVE_INFINITY
    if (now < this.#askAt) return this.#askAt - now
    void this.#ask()
    return Number.POSITIVE_INFINITY
  }

  begin(): (now: number) => void {
    const slice = this.#open
    if (!slice) throw new Error('a request began without a place')
    slice.left--
    slice.running++
    return (now) => {
      slice.running--
      slice.countedAt = now
      this.#close(slice, now)
    }
  }

  async #ask(): Promise<void> {
    this.#isAsking = true
    const now = this.#now()
    if (this.#open) {
      const { until } = this.#open
      const before = this.#open
      this.#open = null
      this.#close(before, Math.min(now, until))
    }
    const ended = this.#takeEnded()
    try {
      const places = Math.max(1, Math.floor(this.max / slicesPerWindow))
      const taken = await this.#rates.take(this.#rate, places, this.#heldMsMax, ended)
      if ('waitMs' in taken) this.#askAt = this.#now() + Math.max(1, taken.waitMs)
      else this.#begin(taken, now)
    } catch {
      // The slices count for longer than they must, until their processes would have ended.
      this.#askAt = this.#now() + awayMs
    } finally {
      this.#isAsking = false
      this.#onChange()
    }
  }

  #begin(taken: RateSlice, askedAt: number): void {
    const until = askedAt + this.#openMs
    const slice = { ...taken, until, left: taken.places, running: 0, countedAt: askedAt }
    this.#slices.add(slice)
    this.#open = slice
    // What is not used is given back. A timer may end a little early by another clock.
    const close = () => this.#close(slice, Math.max(until, this.#now()))
    setTimeout(close, Math.max(0, until - this.#now())).unref()
  }

  /** Ends a slice whose requests have all been counted and of which none begins any more. */
  #close(slice: Slice, now: number): void {
    const isOpen = slice === this.#open && slice.left > 0 && now < slice.until
    if (isOpen || slice.running > 0 || !this.#slices.delete(slice)) return
    if (slice === this.#open) this.#open = null
    this.#ended.push({ id: slice.id, used: slice.places - slice.left, at: slice.countedAt })
    // The next ask says it, if one comes soon.
    this.#timer ??= setTimeout(() => void this.#flush(), openMsMin).unref()
  }

  #takeEnded(): EndedSlice[] {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    const now = this.#now()
    const ended = this.#ended.map(({ id, used, at }) => ({ id, used, agoMs: now - at }))
    this.#ended = []
    return ended
  }

  async #flush(): Promise<void> {
    const ended = this.#takeEnded()
    // What cannot be given back counts until its process would have ended: never too little.
    if (ended.length > 0) await this.#rates.end(this.#rate, ended).catch(() => {})
  }
}
