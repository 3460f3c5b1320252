import type { Server as GraphqlServer } from 'graphql-ws'
import type { RawData, WebSocket } from 'ws'
import { INTERNAL_ERROR, NOT_UTF8 } from './closeCodes.ts'
import type { OperationIds } from './operationIds.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Connects a WebSocket to graphql-ws, as its own adapter for `ws` does. Beyond that, it orders
 * messages about the same operation (OperationIds), accepts no new operations once the socket is
 * ending, and rejects bytes that are not UTF-8 in binary messages too.
 */
export function serveGraphqlSocket<E>(
  server: GraphqlServer<E>,
  socket: WebSocket,
  at: {
    extra: E
    ids: OperationIds
    keepAliveMs: number
    /** True once the socket is about to close: its client sends new operations again elsewhere. */
    isEnding: () => boolean
    /** Called with the size of each message, in bytes, before it is handled. */
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
  const stopPinging = ping(socket, at.keepAliveMs)
  const closed = server.opened(
    {
      protocol: socket.protocol,
      send: (data) =>
        new Promise((resolve, reject) => {
          if (socket.readyState !== socket.OPEN) resolve()
          else socket.send(data, (e) => (e ? reject(e) : resolve()))
        }),
      close: (code, reason) => socket.close(code, reason),
      onMessage(handle) {
        socket.on('message', (data: RawData) => {
          const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer)
          let text: string
          try {
            text = utf8.decode(bytes)
          } catch {
            return socket.close(NOT_UTF8, 'The message is not UTF-8')
          }
          at.received(bytes.length)
          at.ids.receive(text, at.isEnding(), handle).catch(fail)
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

/** Pings the client, and terminates the socket if it does not respond in time. */
function ping(socket: WebSocket, everyMs: number): () => void {
  let answered = true
  socket.on('pong', () => {
    answered = true
  })
  const timer = setInterval(() => {
    if (socket.readyState !== socket.OPEN) return
    if (!answered) return socket.terminate()
    answered = false
    socket.ping()
  }, everyMs)
  return () => clearInterval(timer)
}
