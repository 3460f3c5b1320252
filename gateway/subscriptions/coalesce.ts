import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

/** Bytes that may wait for a client before the next message has to wait for it. */
const waitingBytesMax = 64 * 1024

const corked = new Set<Duplex>()

/**
 * Lets messages that are sent one right after the other leave together: one system call for all of
 * them in place of one for each, which costs more than the rest of a small message. A message
 * counts as sent when it is taken, as long as less than `waitingBytesMax` waits; past it, when it
 * has left. So a client that does not read still costs no more than this.
 */
export function coalesce(ws: WebSocket, socket: Duplex): void {
  const send = ws.send.bind(ws) as (data: string, done?: (error?: Error) => void) => void
  ws.send = ((data: string, done?: (error?: Error) => void) => {
    if (corked.size === 0) process.nextTick(uncork)
    if (!corked.has(socket)) {
      corked.add(socket)
      socket.cork()
    }
    if (!done || ws.bufferedAmount > waitingBytesMax) return send(data, done)
    send(data, (error) => {
      // Whoever sent it was told that it is sent: the socket's end tells the rest.
      if (error) ws.terminate()
    })
    done()
  }) as WebSocket['send']
}

/** After everything that this turn has to send. */
function uncork(): void {
  for (const socket of corked) {
    corked.delete(socket)
    socket.uncork()
  }
}
