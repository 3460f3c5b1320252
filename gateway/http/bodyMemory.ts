import { HttpError } from '../httpError.ts'

const bytesMaxDefault = 64 * 2 ** 20

type Reject = (error: HttpError) => void

/**
 * Bounds the memory of bodies that still arrive. Beyond it those that have arrived for longest are
 * rejected: a body that arrives at once is never among them.
 */
export class BodyMemory {
  /** In the order in which they began. */
  readonly #arriving = new Map<object, { bytes: number; reject: Reject }>()
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax = bytesMaxDefault) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Counts further bytes of a body. `reject` is called if it has to make room. */
  grow(body: object, bytes: number, reject: Reject): void {
    const known = this.#arriving.get(body) ?? { bytes: 0, reject }
    known.bytes += bytes
    this.#bytes += bytes
    this.#arriving.set(body, known)
    for (const [longest, { reject }] of this.#arriving) {
      if (this.#bytes <= this.#bytesMax) return
      this.end(longest)
      reject(
        new HttpError(503, 'BUSY', 'Too many bodies arrive at the same time; retry in 1 second', 1),
      )
    }
  }

  /** The body is complete, or was given up. */
  end(body: object): void {
    this.#bytes -= this.#arriving.get(body)?.bytes ?? 0
    this.#arriving.delete(body)
  }
}
