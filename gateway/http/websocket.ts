import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ExecutionResult, GraphQLError } from 'graphql'
import { handleProtocols, makeServer } from 'graphql-ws'
import { type WebSocket, WebSocketServer } from 'ws'
import { asyncStream } from '../../schema/kit/asyncStream.ts'
import { type PreparedOperation, prepareOperation } from '../execution/prepareOperation.ts'
import { isStream } from '../execution/runOperation.ts'
import type { NoteRefusal, Runtime } from '../execution/runtime.ts'
import { HttpError } from '../httpError.ts'
import { type Callers, unauthenticated } from '../identity/caller.ts'
import { credentialsOf } from '../identity/credentials.ts'
import { credentialsExpired, watchCredentials } from '../identity/credentialWatcher.ts'
import type { QueryBounds, ServerBounds } from '../limits/bounds.ts'
import { type CallerBounds, operationsOfBytes, operationsOfValues } from '../limits/callerBounds.ts'
import type { ReportError } from '../operation/maskErrors.ts'
import type { PublishedOperations } from '../operation/publishedOperations.ts'
import { asGraphqlError, readRequest } from '../operation/request.ts'
import { coalesce } from '../subscriptions/coalesce.ts'
import { SubscriptionClosed } from '../subscriptions/takeUntilClosed.ts'
import { markAuthenticated } from './boundedServer.ts'
import { GOING_AWAY, UNAUTHORIZED, UNAVAILABLE } from './closeCodes.ts'
import { CORRELATION_HEADER, correlationId } from './correlation.ts'
import type { Drain } from './drain.ts'
import { sendText, serveGraphqlSocket } from './graphqlSocket.ts'
import { resultText } from './resultText.ts'
import type { SlowReaderGuard } from './slowReaderGuard.ts'
import { SocketSession } from './socketSession.ts'

const initMsMax = 5_000
/**
 * Bytes that a client may send before its connection_init is accepted; a token has up to 16 KiB.
 */
const initBytesMax = 64 * 1024
const keepAliveMs = 15_000
/** Maximum number of open operations on one socket. */
const operationsMax = 100
const graceMsDefault = 1_000
/** How long a client may take to respond to the close of its socket. */
const closeMsMax = 1_000

/** A socket as graphql-ws passes it on. */
interface Extra {
  request: IncomingMessage
  session: SocketSession
}

/** Arguments that graphql-ws passes from onSubscribe to the execution. */
interface Subscribed {
  prepared: PreparedOperation
  session: SocketSession
  id: string
  end(): void
}

export interface WebSockets {
  size(): number
  /**
   * Closes every socket with 1001, "going away", when its operations have their responses, at the
   * latest after `graceMs`. Clients connect again and resume from their cursor.
   */
  close(graceMs?: number): Promise<void>
}

/** Serves all operations over graphql-ws, on the same path as HTTP. */
export function serveWebSockets(
  server: Server,
  path: string,
  at: {
    runtime: () => Runtime
    drain: () => Drain
    operations: PublishedOperations
    bounds: QueryBounds & ServerBounds
    report: ReportError
    callers: Callers
    callerBounds: CallerBounds
    slowReaders: SlowReaderGuard
    recheckMs?: number | undefined
    refused?: NoteRefusal | undefined
  },
): WebSockets {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: at.bounds.bodyBytesMax,
    // One message of a socket in each turn of the event loop: thousands may arrive in one go.
    allowSynchronousEvents: false,
    handleProtocols,
  })
  const sessions = new Map<WebSocket, SocketSession>()
  /**
   * Sockets without a connection_init yet, the oldest first. They do not count against the limit of
   * WebSockets.
   */
  const uninitialized = new Set<WebSocket>()
  const admit = (ws: WebSocket) => {
    const [first] = uninitialized
    if (first && uninitialized.size >= at.bounds.streamsMax) {
      uninitialized.delete(first)
      first.terminate()
    }
    uninitialized.add(ws)
    const session = new SocketSession(ws)
    sessions.set(ws, session)
    ws.once('close', () => {
      uninitialized.delete(ws)
      sessions.delete(ws)
    })
    return session
  }
  const refusalOf = (req: IncomingMessage): { status: number; message: string } | null => {
    if (sockets.clients.size - uninitialized.size >= at.bounds.streamsMax)
      return { status: 503, message: 'Too many WebSockets' }
    // Not through URL, which throws for `//`.
    const right = req.url?.split('?', 1)[0] === path
    return (
      at.callers.refuse(req) ??
      (right ? null : { status: 404, message: `WebSockets are served on ${path}` })
    )
  }
  server.on('upgrade', (req, socket, head) => {
    const refusal = refusalOf(req)
    if (!refusal) {
      sockets.handleUpgrade(req, socket, head, (ws) => {
        coalesce(ws, socket, at.slowReaders)
        const session = admit(ws)
        boundInit(ws, socket, session)
        serveGraphqlSocket(graphql, ws, {
          extra: { request: req, session },
          stream: socket,
          ids: session.ids,
          keepAliveMs,
          received: (bytes) => {
            session.messageBytes = bytes
          },
          report: (e) => at.report(e, correlationId(req.headers[CORRELATION_HEADER])),
        })
      })
      return
    }
    // Node no longer listens to this socket: without a listener, a disconnected client would end
    // the process.
    socket.on('error', () => socket.destroy())
    const { status, message } = refusal
    const answer = `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n${message}\n`
    socket.end(answer, () => socket.destroy())
  })
  // graphql-ws passes the result of `onSubscribe` on; the operation was prepared there already.
  const run = async (args: unknown) => {
    const { prepared, session, id, end } = args as Subscribed
    try {
      const result = await prepared.run()
      return isStream(result) ? sendEvents(result, id, session) : result
    } finally {
      session.respond(id)
      end()
    }
  }
  const graphql = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: initMsMax,
    execute: run,
    subscribe: run as never,
    onComplete: (ctx, id) => ctx.extra.session.ids.completed(id),
    onError: (ctx, id) => ctx.extra.session.ids.completed(id),
    async onConnect(ctx) {
      const { session, request } = ctx.extra
      const { socket } = session
      try {
        const given = { ...credentialsOf(request.headers, ctx.connectionParams), request }
        const caller = await at.callers.identify(given)
        if (sockets.clients.size - uninitialized.size >= at.bounds.streamsMax)
          throw new HttpError(503, 'BUSY', 'Too many WebSockets')
        const release = at.callerBounds.acquire(caller, 'streams')
        if (socket.readyState === socket.OPEN) socket.once('close', release)
        else release()
        uninitialized.delete(socket)
        markAuthenticated(request.socket)
        session.caller = { given, caller }
        const watch = watchCredentials(at.callers, given, caller, at.recheckMs)
        const unwatch = watch?.((why) => session.endWith(why))
        if (unwatch) socket.once('close', unwatch)
        return true
      } catch (e) {
        if (!(e instanceof HttpError)) throw e
        if (e.status === 401)
          at.refused?.({
            actor: null,
            code: e.code,
            fields: [],
            correlationId: correlationId(undefined),
          })
        socket.close(e.status === 401 ? UNAUTHORIZED : UNAVAILABLE, e.code)
        return false
      }
    },
    async onSubscribe(ctx, operation, payload) {
      if (Object.keys(ctx.subscriptions).length > operationsMax)
        return [
          asGraphqlError(
            new HttpError(429, 'TOO_MANY_OPERATIONS', `At most ${operationsMax} at once`),
          ),
        ]
      const fromParams = ctx.connectionParams?.[CORRELATION_HEADER]
      const id = correlationId(
        typeof fromParams === 'string' ? fromParams : ctx.extra.request.headers[CORRELATION_HEADER],
      )
      const { session } = ctx.extra
      if (!session.caller)
        return [asGraphqlError(unauthenticated('Say who you are in connection_init'))]
      const { caller, given } = session.caller
      if (caller.expiresAt !== null && caller.expiresAt <= Date.now()) {
        // Without a message: the client sends the operation again with its new credentials.
        delete ctx.subscriptions[operation] // dictionary: without a prototype, of graphql-ws
        session.endWith(credentialsExpired())
        return [asGraphqlError(credentialsExpired())]
      }
      let end: (() => void) | undefined
      session.begin(operation)
      const refuse = (errors: readonly GraphQLError[]) => {
        session.respond(operation)
        end?.()
        return errors
      }
      try {
        end = at.callerBounds.begin(caller)
        at.callerBounds.charge(caller, operationsOfBytes(session.messageBytes))
        const operationRequest = readRequest(payload, at.bounds)
        const watch = watchCredentials(at.callers, given, caller, at.recheckMs)
        const drain = at.drain().watch
        const environment = {
          ...at,
          runtime: at.runtime(),
          closing: watch ? [watch, drain] : [drain],
        }
        const prepared = await prepareOperation(environment, operationRequest, {
          correlationId: id,
          ...caller,
        })
        if (!('run' in prepared)) return refuse(prepared)
        at.callerBounds.charge(caller, operationsOfValues(prepared.values))
        // Completed while its text was being resolved: no further message is sent.
        if (!Object.hasOwn(ctx.subscriptions, operation))
          return refuse([
            asGraphqlError(
              new HttpError(400, 'COMPLETED', 'The operation was completed before it began'),
            ),
          ])
        session.begin(operation, () => prepared.abandon())
        if (prepared.type === 'subscription') end()
        // Only the operation's type is read from the document.
        const args: Subscribed = { prepared, session, id: operation, end }
        return { document: typeOnly(prepared.type), schema: undefined, ...args } as never
      } catch (e) {
        if (e instanceof HttpError) return refuse([asGraphqlError(e)])
        refuse([])
        throw e
      }
    },
  })
  return {
    size: () => sockets.clients.size,
    async close(graceMs = graceMsDefault) {
      const closed = new Promise<void>((resolve) => sockets.close(() => resolve()))
      for (const session of sessions.values()) session.end(GOING_AWAY, 'SERVER_STOPPING', graceMs)
      const timer = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate()
      }, graceMs + closeMsMax)
      await closed
      clearTimeout(timer)
    },
  }
}

/**
 * Sends the results of a subscription, and returns an iterator without values, which ends with it,
 * for graphql-ws: that would write the JSON of each result again for each subscriber. A
 * subscription that the gateway closes ends its session and stays silent, until its socket closes
 * too.
 */
function sendEvents(
  results: AsyncIterable<ExecutionResult>,
  id: string,
  session: SocketSession,
): AsyncIterableIterator<never, undefined> {
  const done: IteratorReturnResult<undefined> = { done: true, value: undefined }
  const iterator = results[Symbol.asyncIterator]()
  const begin = `{"id":${JSON.stringify(id)},"type":"next","payload":`
  let release: () => void = () => {}
  const sendAll = async () => {
    for (;;) {
      const result = await iterator.next()
      if (result.done) return done
      try {
        await sendText(session.socket, `${begin}${resultText(result.value)}}`)
      } catch (e) {
        await iterator.return?.()
        throw e
      }
    }
  }
  return asyncStream<never>(
    async () => {
      try {
        return await sendAll()
      } catch (e) {
        if (!(e instanceof SubscriptionClosed)) throw e
        const ended = new Promise<IteratorReturnResult<undefined>>((resolve) => {
          release = () => resolve(done)
        })
        session.endWith(e)
        return await ended
      }
    },
    async () => {
      release()
      await iterator.return?.()
    },
  )
}

/**
 * Terminates a socket whose client sends more than a connection_init before it is authenticated.
 */
function boundInit(ws: WebSocket, socket: Duplex, session: SocketSession): void {
  let bytes = 0
  const count = (chunk: Buffer) => {
    if (session.caller) {
      socket.off('data', count)
      return
    }
    bytes += chunk.length
    if (bytes > initBytesMax) ws.terminate()
  }
  socket.on('data', count)
}

function typeOnly(operation: string) {
  return { kind: 'Document', definitions: [{ kind: 'OperationDefinition', operation }] }
}
