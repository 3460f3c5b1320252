import type { ServerResponse } from 'node:http'

/** A connection is closed if its client reads nothing of a complete response for this long. */
const readMsMax = 30_000
const bytesMaxDefault = 256 * 2 ** 20
const sumEveryMs = 50
/** Bytes that may begin to wait, as a share of the bound, before they are summed at once. */
const unsummedShare = 1 / 16

/** A client that may read slowly. */
export interface SlowReader {
  /** Bytes that wait for it now. */
  bytes(): number
  close(): void
}

/**
 * Bounds the memory of what clients do not read: responses, events and messages. Beyond it the
 * clients that have read slowly for longest are disconnected.
 */
export class SlowReaderGuard {
  /** In the order in which they began to wait. */
  readonly #waiting = new Map<SlowReader, { seen: number }>()
  readonly #bytesMax: number
  readonly #readMsMax: number
  #summedAt = 0
  #unsummed = 0

  /** `bytesMax` counts the bytes of all clients together. */
  constructor(options: { bytesMax?: number; readMsMax?: number } = {}) {
    this.#bytesMax = options.bytesMax ?? bytesMaxDefault
    this.#readMsMax = options.readMsMax ?? readMsMax
  }

  /** Counts what waits of an ended response until its client has read it. */
  watch(res: ServerResponse): void {
    if (res.writableLength === 0 || res.destroyed) return
    const reader = { bytes: () => res.writableLength, close: () => res.destroy() }
    res.once('close', () => this.forget(reader))
    res.socket?.setTimeout(this.#readMsMax)
    this.wait(reader)
  }

  /** Counts the bytes that wait for a client until `forget`, or until it has read them. */
  wait(reader: SlowReader): void {
    const bytes = reader.bytes()
    const known = this.#waiting.get(reader)
    // Only what is new: a client whose backlog grows by small messages is summed no more often.
    this.#unsummed += Math.max(0, bytes - (known?.seen ?? 0))
    if (known) known.seen = bytes
    else this.#waiting.set(reader, { seen: bytes })
    const isDue = performance.now() - this.#summedAt > sumEveryMs
    if (isDue || this.#unsummed > this.#bytesMax * unsummedShare) this.#bound()
  }

  forget(reader: SlowReader): void {
    this.#waiting.delete(reader)
  }

  #bound(): void {
    this.#summedAt = performance.now()
    this.#unsummed = 0
    let sum = 0
    for (const [reader, known] of this.#waiting) {
      known.seen = reader.bytes()
      if (known.seen === 0) this.#waiting.delete(reader)
      else sum += known.seen
    }
    for (const [reader, { seen }] of this.#waiting) {
      if (sum <= this.#bytesMax) return
      sum -= seen
      this.#waiting.delete(reader)
      reader.close()
    }
  }
}
