import type { ServerResponse } from 'node:http'

/** A connection is closed if its client reads nothing of a complete response for this long. */
const readMsMax = 30_000
const bytesMaxDefault = 256 * 2 ** 20
const sumEveryMs = 50
/** Bytes that may begin to wait, as a share of the bound, before they are summed at once. */
const unsummedShare = 1 / 16

/** A client for which bytes wait. */
interface SlowReader {
  bytes(): number
  close(): void
}

/**
 * Bounds the memory of what clients do not read: responses, events and messages. Beyond it the
 * clients that have read slowly for longest are disconnected.
 */
export class SlowReaderGuard {
  /** In the order in which they began to wait. */
  readonly #waiting = new Map<object, SlowReader>()
  readonly #bytesMax: number
  readonly #readMsMax: number
  #summedAt = 0
  #unsummed = 0

  /** `bytesMax` counts the bytes of all clients together. */
  constructor(options: { bytesMax?: number; readMsMax?: number } = {}) {
    this.#bytesMax = options.bytesMax ?? bytesMaxDefault
    this.#readMsMax = options.readMsMax ?? readMsMax
  }

  /** Calls `over` when an ended response was read or abandoned; at once if no part of it waits. */
  watch(res: ServerResponse, over: () => void = () => {}): void {
    if (res.writableLength === 0 || res.destroyed) {
      this.forget(res)
      over()
      return
    }
    res.once('close', () => {
      this.forget(res)
      over()
    })
    res.socket?.setTimeout(this.#readMsMax)
    this.wait(res, { bytes: () => res.writableLength, close: () => res.destroy() })
  }

  /** Counts the bytes that wait for a client until `forget`, or until it has read them. */
  wait(client: object, reader: SlowReader): void {
    if (!this.#waiting.has(client)) this.#waiting.set(client, reader)
    this.#unsummed += reader.bytes()
    const isDue = performance.now() - this.#summedAt > sumEveryMs
    if (isDue || this.#unsummed > this.#bytesMax * unsummedShare) this.#bound()
  }

  forget(client: object): void {
    this.#waiting.delete(client)
  }

  #bound(): void {
    this.#summedAt = performance.now()
    this.#unsummed = 0
    let sum = 0
    for (const [client, reader] of this.#waiting) {
      const bytes = reader.bytes()
      if (bytes === 0) this.#waiting.delete(client)
      else sum += bytes
    }
    for (const [client, reader] of this.#waiting) {
      if (sum <= this.#bytesMax) return
      sum -= reader.bytes()
      this.#waiting.delete(client)
      reader.close()
    }
  }
}
