import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

/** Bytes that may wait for a client before the next message has to wait for it. */
const waitingBytesMax = 64 * 1024

/** Counts what waits for clients that read slowly. */
interface SlowReaders {
  wait(reader: { bytes(): number; close(): void }): void
}

const corked = new Set<Duplex>()

/**
 * Coalesces messages that are sent in a row into one system call, which costs more than the rest of
 * a small message. A message counts as sent when it is queued, as long as less than
 * `waitingBytesMax` is queued. Beyond that it counts as sent when it has left. A client that does
 * not read therefore costs no more than this.
 */
export function coalesce(ws: WebSocket, socket: Duplex, slowReaders: SlowReaders): void {
  const send = ws.send.bind(ws) as (data: string, done?: (error?: Error) => void) => void
  const reader = { bytes: () => ws.bufferedAmount, close: () => ws.terminate() }
  // The sender was already notified of success, so the end of the socket reports an error.
  const ended = (error?: Error) => {
    if (error) ws.terminate()
  }
  ws.send = ((data: string, done?: (error?: Error) => void) => {
    if (corked.size === 0) process.nextTick(uncork)
    if (!corked.has(socket)) {
      corked.add(socket)
      socket.cork()
    }
    if (!done || ws.bufferedAmount > waitingBytesMax) {
      send(data, done)
      slowReaders.wait(reader)
      return
    }
    send(data, ended)
    done()
  }) as WebSocket['send']
}

/** Runs after everything that this turn of the event loop sends. */
function uncork(): void {
  for (const socket of corked) {
    corked.delete(socket)
    socket.uncork()
  }
}
