import { createServer, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { type ConnectionBounds, SERVER_BOUNDS } from '../limits/bounds.ts'
import { peerOf } from './peer.ts'
import { inTurns } from './pipelinedRequests.ts'

/**
 * Maximum number of connections on which no request runs: new ones that have sent no whole request
 * head, and idle ones. Beyond it the one that has waited longest is closed, so that a flood of
 * connections leaves room for the next one.
 */
const waitingMaxDefault = 5_000
const headersMsMax = 10_000
/** For the head and the body of a request together. */
const requestMsMaxDefault = 60_000
/** How often both times are checked. Node's default is 30 s. */
const checkMs = 1_000

export interface BoundedServerOptions extends Partial<ConnectionBounds> {
  waitingMax?: number
  requestMsMax?: number
  /** Receives which bound a connection exceeded that was closed, and its peer. */
  closed?: (exceeded: keyof ConnectionBounds, peer: string) => void
}

export interface BoundedServer {
  http: Server
  /** No longer counts a connection among those of its address on which nobody is known. */
  authenticated(socket: Socket): void
}

/**
 * Creates an HTTP server that bounds its connections: all of them, those of one address that have
 * not proved who they are, and those that send nothing, send slowly, or send too many requests
 * before they read. Where a bound is exceeded, the connection that has waited longest for a request
 * is closed; the new one if all others are in use.
 */
export function createBoundedServer(
  listener: RequestListener,
  options: BoundedServerOptions = {},
): BoundedServer {
  const { connectionsMax, addressConnectionsMax } = { ...SERVER_BOUNDS, ...options }
  const { waitingMax = waitingMaxDefault, requestMsMax = requestMsMaxDefault, closed } = options
  const http = createServer({ connectionsCheckingInterval: checkMs }, inTurns(listener))
  http.headersTimeout = Math.min(headersMsMax, requestMsMax)
  http.requestTimeout = requestMsMax
  /** All connections, with the requests in progress on each. */
  const open = new Map<Socket, number>()
  /** Connections on which no request runs, the one that has waited longest first. */
  const waiting = new Set<Socket>()
  /** Connections on which nobody is known, by peer. */
  const strangers = new Map<string, Set<Socket>>()
  const peers = new WeakMap<Socket, string>()

  const authenticated = (socket: Socket) => {
    const peer = peers.get(socket)
    if (peer === undefined) return
    peers.delete(socket)
    const others = strangers.get(peer)
    others?.delete(socket)
    if (others?.size === 0) strangers.delete(peer)
  }
  const forget = (socket: Socket) => {
    open.delete(socket)
    waiting.delete(socket)
    authenticated(socket)
  }
  const close = (socket: Socket) => {
    forget(socket)
    socket.destroy()
  }
  const longestWaiting = (of: Iterable<Socket>, newest: Socket) => {
    for (const socket of of) if (socket !== newest && waiting.has(socket)) return socket
    return newest
  }
  const wait = (socket: Socket) => {
    waiting.add(socket)
    if (waiting.size > waitingMax) close(longestWaiting(waiting, socket))
  }

  http.on('connection', (socket) => {
    const peer = peerOf(socket.remoteAddress)
    open.set(socket, 0)
    peers.set(socket, peer)
    const known = strangers.get(peer) ?? new Set()
    strangers.set(peer, known.add(socket))
    socket.once('close', () => forget(socket))
    wait(socket)
    if (known.size > addressConnectionsMax) {
      closed?.('addressConnectionsMax', peer)
      close(longestWaiting(known, socket))
    } else if (open.size > connectionsMax) {
      closed?.('connectionsMax', peer)
      close(longestWaiting(waiting, socket))
    }
  })
  http.on('upgrade', (_, socket) => waiting.delete(socket as Socket))
  // Before the listener that responds: it ignores requests of a connection that is closed.
  http.prependListener('request', ({ socket }, res) => {
    const requests = open.get(socket)
    if (requests === undefined) return
    waiting.delete(socket)
    open.set(socket, requests + 1)
    res.once('close', () => {
      const left = (open.get(socket) ?? 0) - 1
      if (!open.has(socket) || socket.destroyed) return
      open.set(socket, left)
      if (left === 0) wait(socket)
    })
  })
  return { http, authenticated }
}
