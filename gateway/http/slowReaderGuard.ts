import type { ServerResponse } from 'node:http'

/** An answer of which its client takes nothing for so long is given up, with the connection. */
const takeMsMax = 30_000
/** Of all answers that wait for their clients; past it those that wait longest are given up. */
const bytesMax = 256 * 2 ** 20

/** Answers that are ready and that their clients have not taken yet: memory that who asks and does not read would fill. */
export class UntakenAnswers {
  /** The one that waits longest stands first. */
  readonly #waiting = new Map<ServerResponse, number>()
  readonly #bytesMax: number
  readonly #takeMsMax: number
  #bytes = 0

  constructor(options: { bytesMax?: number; takeMsMax?: number } = {}) {
    this.#bytesMax = options.bytesMax ?? bytesMax
    this.#takeMsMax = options.takeMsMax ?? takeMsMax
  }

  /** Says when an ended answer was taken or given up: at once where nothing of it waits. */
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
    res.socket?.setTimeout(this.#takeMsMax)
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
