import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Maximum number of requests of one connection that run at the same time, and that begin in one turn
 * of the event loop. Node parses all that has arrived in one turn, up to 2 MB, and a request that
 * waits for nothing ends before the next one is parsed.
 */
const runningMax = 4
/** A connection with more requests than this is not read. */
const readMax = 16
/**
 * Maximum number of requests of one connection that run or wait. Few clients send a request before
 * they have the response to the one before; a flood sends thousands in one go.
 */
const pipelinedMax = 100

/** Called when a connection gets a request while it has none, and when it has none any more. */
export interface ConnectionUse {
  busy(socket: Socket): void
  idle(socket: Socket): void
}

/**
 * Returns a listener that takes the requests of one connection of HTTP/1.1 in turns with those of
 * the others: some at a time, the next ones in a later turn of the event loop.
 */
export function inTurns(listener: RequestListener, use: ConnectionUse): RequestListener {
  const lines = new WeakMap<Socket, Line>()
  return (req, res) => {
    const { socket } = req
    if (socket.destroyed) return
    let line = lines.get(socket)
    if (!line) {
      line = new Line(socket, listener, use)
      lines.set(socket, line)
    }
    line.add(req, res)
  }
}

/** The requests of one connection. */
class Line {
  readonly #socket: Socket
  readonly #listener: RequestListener
  readonly #use: ConnectionUse
  readonly #waiting: [IncomingMessage, ServerResponse][] = []
  #running = 0
  /** Requests that began since the count was last reset, which needs a later turn. */
  #begun = 0
  #isHeld = false
  #listens = false
  #isScheduled = false

  constructor(socket: Socket, listener: RequestListener, use: ConnectionUse) {
    this.#socket = socket
    this.#listener = listener
    this.#use = use
  }

  add(req: IncomingMessage, res: ServerResponse): void {
    if (this.#size >= pipelinedMax) {
      this.#waiting.length = 0
      this.#socket.destroy()
      return
    }
    if (this.#size === 0) this.#use.busy(this.#socket)
    if (this.#mayRun && this.#waiting.length === 0) this.#run(req, res)
    else this.#waiting.push([req, res])
    if (this.#size > readMax) this.#hold()
  }

  get #size(): number {
    return this.#running + this.#waiting.length
  }

  get #mayRun(): boolean {
    return this.#running < runningMax && this.#begun < runningMax
  }

  #run(req: IncomingMessage, res: ServerResponse): void {
    this.#running++
    if (++this.#begun === runningMax) this.#schedule()
    res.once('close', () => {
      this.#running--
      if (this.#size === 0) this.#use.idle(this.#socket)
      if (this.#size <= readMax / 2) this.#release()
      if (this.#waiting.length > 0) this.#schedule()
    })
    this.#listener(req, res)
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#begun = 0
      while (this.#mayRun && !this.#socket.destroyed) {
        const next = this.#waiting.shift()
        if (!next) return
        this.#run(...next)
      }
    })
  }

  #hold(): void {
    if (this.#isHeld) return
    this.#isHeld = true
    this.#socket.pause()
    if (this.#listens) return
    this.#listens = true
    // Node reads on after each message; its own listener comes before this one.
    this.#socket.on('resume', () => {
      if (this.#isHeld) this.#socket.pause()
    })
  }

  #release(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#socket.resume()
  }
}
