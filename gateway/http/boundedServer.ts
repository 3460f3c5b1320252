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

/** For each connection on which nobody is known: counts it among those no longer. */
const strangers = new WeakMap<Socket, () => void>()

/**
 * Marks a connection whose sender has proved who it is: it no longer counts among those of its
 * address on which nobody is known. Every server calls it, also for deliveries and metrics: behind
 * a proxy all senders have one address.
 */
export function markAuthenticated(socket: Socket): void {
  strangers.get(socket)?.()
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
): Server {
  const { connectionsMax, addressConnectionsMax } = { ...SERVER_BOUNDS, ...options }
  const { waitingMax = waitingMaxDefault, requestMsMax = requestMsMaxDefault, closed } = options
  const open = new Set<Socket>()
  /** Connections on which no request runs, the one that has waited longest first. */
  const waiting = new Set<Socket>()
  /** Connections on which nobody is known, by peer. */
  const unknown = new Map<string, Set<Socket>>()

  const forget = (socket: Socket) => {
    open.delete(socket)
    waiting.delete(socket)
    markAuthenticated(socket)
  }
  const close = (socket: Socket) => {
    forget(socket)
    socket.destroy()
  }
  const longestWaiting = (of: ReadonlySet<Socket>, newest: Socket) => {
    for (const socket of waiting) if (socket !== newest && of.has(socket)) return socket
    return newest
  }
  const wait = (socket: Socket) => {
    if (!open.has(socket)) return
    waiting.add(socket)
    if (waiting.size > waitingMax) close(longestWaiting(waiting, socket))
  }

  const use = (socket: Socket) => waiting.delete(socket)
  const turns = inTurns(listener, { busy: use, idle: wait })
  const http = createServer({ connectionsCheckingInterval: checkMs }, turns)
  http.headersTimeout = Math.min(headersMsMax, requestMsMax)
  http.requestTimeout = requestMsMax
  http.on('connection', (socket) => {
    const peer = peerOf(socket.remoteAddress)
    const known = unknown.get(peer) ?? new Set()
    unknown.set(peer, known.add(socket))
    strangers.set(socket, () => {
      strangers.delete(socket)
      known.delete(socket)
      if (known.size === 0) unknown.delete(peer)
    })
    open.add(socket)
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
  http.on('upgrade', (_, socket) => use(socket as Socket))
  return http
}
