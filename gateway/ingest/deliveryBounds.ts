import { HttpError } from '../httpError.ts'

/**
 * Bounds of the deliveries in progress. They keep one sender from using the capacity and memory of
 * others.
 */
export interface DeliveryLimits {
  /** Deliveries in progress, over all source systems. */
  deliveriesMax: number
  /** Deliveries in progress of one source system: one that sends slowly delays only itself. */
  sourceDeliveriesMax: number
  /**
   * Bytes of bodies in memory, by their announced length. A body without a length counts as the
   * largest.
   */
  bytesMax: number
  /**
   * Deliveries per minute of one source system, if their signature is valid; a tenth of it at once.
   */
  sourcePerMinuteMax: number
}

export const DELIVERY_LIMITS: DeliveryLimits = {
  deliveriesMax: 128,
  sourceDeliveriesMax: 64,
  bytesMax: 64 * 2 ** 20,
  sourcePerMinuteMax: 60_000,
}

const msPerMinute = 60_000

/**
 * Counts deliveries in progress before a body is read. Beyond the bounds, the sender receives 429
 * with Retry-After.
 */
export class DeliveryBounds {
  readonly #limits: DeliveryLimits
  readonly #now: () => number
  #deliveries = 0
  #bytes = 0
  readonly #sources = new Map<string, { deliveries: number; left: number; at: number }>()

  constructor(limits: DeliveryLimits, now: () => number = () => performance.now()) {
    this.#limits = limits
    this.#now = now
  }

  /**
   * Returns the function that ends the delivery. Throws HttpError 429. `source` is a configured
   * source system.
   */
  begin(source: string, bytes: number): () => void {
    const { deliveriesMax, sourceDeliveriesMax, bytesMax } = this.#limits
    const of = this.#of(source)
    if (this.#deliveries >= deliveriesMax || this.#bytes + bytes > bytesMax)
      throw tooMany('BUSY', 'Too many deliveries at once; retry in 2 seconds', 2)
    if (of.deliveries >= sourceDeliveriesMax)
      throw tooMany(
        'TOO_MANY_DELIVERIES',
        `At most ${sourceDeliveriesMax} deliveries of ${source} at once`,
        1,
      )
    this.#deliveries++
    this.#bytes += bytes
    of.deliveries++
    let ended = false
    return () => {
      if (ended) return
      ended = true
      this.#deliveries--
      this.#bytes -= bytes
      of.deliveries--
    }
  }

  /**
   * Counts a delivery with a valid signature: forged ones do not count against the source system.
   * Throws HttpError 429.
   */
  count(source: string): void {
    const of = this.#of(source)
    const { sourcePerMinuteMax } = this.#limits
    const now = this.#now()
    of.left = Math.min(this.#burst, of.left + ((now - of.at) * sourcePerMinuteMax) / msPerMinute)
    of.at = now
    if (of.left < 1) {
      const wait = Math.ceil(((1 - of.left) * msPerMinute) / sourcePerMinuteMax / 1_000)
      throw tooMany(
        'RATE_LIMITED',
        `At most ${sourcePerMinuteMax} deliveries of ${source} per minute`,
        wait,
      )
    }
    of.left--
  }

  get #burst(): number {
    return Math.max(1, this.#limits.sourcePerMinuteMax / 10)
  }

  #of(source: string) {
    let of = this.#sources.get(source)
    if (!of) {
      of = { deliveries: 0, left: this.#burst, at: this.#now() }
      this.#sources.set(source, of)
    }
    return of
  }
}

function tooMany(code: string, message: string, retrySeconds: number): HttpError {
  return new HttpError(429, code, message, retrySeconds)
}
