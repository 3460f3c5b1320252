import type { Duplex } from 'node:stream'
import type { Server as GraphqlServer } from 'graphql-ws'
import type { WebSocket } from 'ws'
import { INTERNAL_ERROR, NOT_UTF8 } from './closeCodes.ts'
import type { OperationIds } from './operationIds.ts'

/** A client that lets more than this wait is not read until it has read. */
const unreadBytesMax = 256 * 1024
/** A pong repeats the payload of its ping up to this length. */
const pongCharsMax = 1_024

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Connects a WebSocket to graphql-ws, as its own adapter for `ws` does. Beyond that, it orders
 * messages about the same operation, accepts no new operations once the socket is ending
 * (OperationIds), and rejects bytes that are not UTF-8 in binary messages too.
 */
export function serveGraphqlSocket<E>(
  server: GraphqlServer<E>,
  socket: WebSocket,
  at: {
    extra: E
    /** The connection of the socket. */
    stream: Duplex
    ids: OperationIds
    keepAliveMs: number
    /** Called with the size of each message, in bytes, when graphql-ws gets it. */
    received: (bytes: number) => void
    report: (error: unknown) => void
  },
): void {
  const fail = (error: unknown) => {
    at.report(error)
    socket.close(INTERNAL_ERROR, 'Internal server error')
  }
  // A client that breaks the protocol: ws closes the socket with the code for it.
  socket.on('error', () => {})
  const send = (data: string) => sendText(socket, data)
  const stopPinging = ping(socket, at.keepAliveMs)
  const closed = server.opened(
    {
      protocol: socket.protocol,
      send,
      async onPing(payload) {
        const text = JSON.stringify({ type: 'pong', payload })
        await send(text.length <= pongCharsMax ? text : '{"type":"pong"}')
      },
      close: (code, reason) => socket.close(code, reason),
      onMessage(handle) {
        // With the default binaryType of ws every message is a Buffer.
        socket.on('message', (bytes: Buffer) => {
          let text: string
          try {
            text = utf8.decode(bytes)
          } catch {
            return socket.close(NOT_UTF8, 'The message is not UTF-8')
          }
          const handOver = () => {
            at.received(bytes.length)
            return handle(text)
          }
          at.ids.receive(text, handOver).catch(fail)
          // Every message may have a response: one that nobody reads must not be followed by more.
          if (socket.bufferedAmount > unreadBytesMax && !socket.isPaused) {
            socket.pause()
            at.stream.once('drain', () => socket.resume())
          }
        })
      },
    },
    at.extra,
  )
  socket.once('close', (code, reason) => {
    stopPinging()
    closed(code, String(reason)).catch(at.report)
  })
}

/** Resolves when a message counts as sent, or the socket is closed. */
export function sendText(socket: WebSocket, data: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.readyState !== socket.OPEN) resolve()
    else socket.send(data, (e) => (e ? reject(e) : resolve()))
  })
}

/**
 * Pings the client, and terminates the socket if it does not respond in time. A client that is not
 * read at present responds by reading.
 */
function ping(socket: WebSocket, everyMs: number): () => void {
  let answered = true
  let waitingBytes = 0
  socket.on('pong', () => {
    answered = true
  })
  const timer = setInterval(() => {
    if (socket.readyState !== socket.OPEN) return
    const isReading = socket.isPaused && socket.bufferedAmount !== waitingBytes
    if (!answered && !isReading) return socket.terminate()
    waitingBytes = socket.bufferedAmount
    answered = false
    socket.ping()
  }, everyMs)
  return () => clearInterval(timer)
}
