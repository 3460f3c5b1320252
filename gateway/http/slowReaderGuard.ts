import type { ServerResponse } from 'node:http'

/** A connection is closed if its client reads nothing for this long. */
const readMsMax = 30_000
/** Maximum bytes of all responses that wait for their clients. Beyond it the oldest are closed. */
const bytesMax = 256 * 2 ** 20

/** Bounds the memory of complete responses that their clients do not read. */
export class SlowReaderGuard {
  /** In the order in which the responses began to wait. */
  readonly #waiting = new Map<ServerResponse, number>()
  readonly #bytesMax: number
  readonly #readMsMax: number
  #bytes = 0

  constructor(options: { bytesMax?: number; readMsMax?: number } = {}) {
    this.#bytesMax = options.bytesMax ?? bytesMax
    this.#readMsMax = options.readMsMax ?? readMsMax
  }

  /** Calls `over` when an ended response was read or abandoned; at once if no part of it waits. */
  watch(res: ServerResponse, over: () => void): void {
    const bytes = res.writableLength
    if (bytes === 0 || res.destroyed) {
      over()
      return
    }
    this.#waiting.set(res, bytes)
    this.#bytes += bytes
    res.once('close', () => {
      this.#forget(res)
      over()
    })
    res.socket?.setTimeout(this.#readMsMax)
    for (const [longest] of this.#waiting) {
      if (this.#bytes <= this.#bytesMax) break
      this.#forget(longest)
      longest.destroy()
    }
  }

  #forget(res: ServerResponse): void {
    this.#bytes -= this.#waiting.get(res) ?? 0
    this.#waiting.delete(res)
  }
}
