import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

/** Bytes that may wait for a client before the next message has to wait for it. */
const waitingBytesMax = 64 * 1024

/**
 * Maximum bytes of all messages that wait for their clients. Beyond it the sockets whose clients
 * have read slowly for longest are closed.
 */
const allWaitingBytesMax = 256 * 2 ** 20
const sumEveryMs = 50

const corked = new Set<Duplex>()
/** In the order in which their messages began to wait. */
const slow = new Set<WebSocket>()
let summedAt = 0

/**
 * Coalesces messages that are sent in a row into one system call, which costs more than the rest of
 * a small message. A message counts as sent when it is queued, as long as less than
 * `waitingBytesMax` is queued. Beyond that it counts as sent when it has left. A client that does
 * not read therefore costs no more than this.
 */
export function coalesce(ws: WebSocket, socket: Duplex): void {
  const send = ws.send.bind(ws) as (data: string, done?: (error?: Error) => void) => void
  ws.send = ((data: string, done?: (error?: Error) => void) => {
    if (corked.size === 0) process.nextTick(uncork)
    if (!corked.has(socket)) {
      corked.add(socket)
      socket.cork()
    }
    if (!done || ws.bufferedAmount > waitingBytesMax) {
      send(data, done)
      slow.add(ws)
      if (performance.now() - summedAt > sumEveryMs) boundWaiting()
      return
    }
    send(data, (error) => {
      // The sender was already notified of success, so the end of the socket reports the error.
      if (error) ws.terminate()
    })
    done()
  }) as WebSocket['send']
}

function boundWaiting(): void {
  summedAt = performance.now()
  let bytes = 0
  for (const ws of slow) {
    if (ws.readyState === ws.CLOSED || ws.bufferedAmount <= waitingBytesMax) slow.delete(ws)
    else bytes += ws.bufferedAmount
  }
  for (const longest of slow) {
    if (bytes <= allWaitingBytesMax) break
    bytes -= longest.bufferedAmount
    slow.delete(longest)
    longest.terminate()
  }
}

/** Runs after everything that this turn of the event loop sends. */
function uncork(): void {
  for (const socket of corked) {
    corked.delete(socket)
    socket.uncork()
  }
}
