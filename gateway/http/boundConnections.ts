import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Maximum number of connections on which no request runs: new ones that have sent no whole request
 * head, and idle ones. Beyond it the one that has waited longest is closed, so that a flood of
 * connections leaves room for the next one.
 */
const waitingMaxDefault = 5_000
const headersMsMax = 10_000
const requestMsMax = 60_000
/** How often both times are checked. Node's default is 30 s. */
export const CONNECTIONS_CHECK = { connectionsCheckingInterval: 1_000 }

/** Bounds the connections of a server that send nothing, or send it slowly. */
export function boundConnections(server: Server, waitingMax = waitingMaxDefault): void {
  server.headersTimeout = headersMsMax
  server.requestTimeout = requestMsMax
  const waiting = new Set<Socket>()
  const wait = (socket: Socket) => {
    waiting.add(socket)
    const [longest] = waiting
    if (longest && waiting.size > waitingMax) {
      waiting.delete(longest)
      longest.destroy()
    }
  }
  server.on('connection', (socket) => {
    wait(socket)
    socket.once('close', () => waiting.delete(socket))
  })
  server.on('upgrade', (_, socket) => waiting.delete(socket as Socket))
  server.on('request', ({ socket }, res) => {
    waiting.delete(socket)
    res.once('close', () => {
      if (!socket.destroyed) wait(socket)
    })
  })
}
