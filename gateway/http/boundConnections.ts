import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Maximum number of connections on which no request runs: new ones that have sent no whole request
 * head, and idle ones. Beyond it the one that has waited longest is closed, so that a flood of
 * connections leaves room for the next one.
 */
const waitingMaxDefault = 5_000
/**
 * Maximum number of requests in progress on one connection of HTTP/1.1. Few clients send a request
 * before they have the response to the one before; a flood sends thousands in one go.
 */
const pipelinedMax = 100
const headersMsMax = 10_000
const requestMsMax = 60_000
/** How often both times are checked. Node's default is 30 s. */
export const CONNECTIONS_CHECK = { connectionsCheckingInterval: 1_000 }

/**
 * Bounds the connections of a server that send nothing, send it slowly, or send too many requests
 * before they read.
 */
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
  const inProgress = new WeakMap<Socket, number>()
  // Before the listener that responds: it ignores requests of a connection that is closed here.
  server.prependListener('request', ({ socket }, res) => {
    waiting.delete(socket)
    const requests = (inProgress.get(socket) ?? 0) + 1
    inProgress.set(socket, requests)
    if (requests > pipelinedMax) {
      socket.destroy()
      return
    }
    res.once('close', () => {
      inProgress.set(socket, (inProgress.get(socket) ?? 1) - 1)
      if (!socket.destroyed) wait(socket)
    })
  })
}
