import type { IncomingMessage, Server } from 'node:http'
import type { ExecutionResult } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { type WebSocket, WebSocketServer } from 'ws'
import { type PreparedOperation, prepareOperation } from '../execution/prepareOperation.ts'
import type { NoteRefusal, Runtime } from '../execution/runtime.ts'
import { HttpError } from '../httpError.ts'
import { type Caller, type Callers, type Credentials, unauthenticated } from '../identity/caller.ts'
import { credentialsOf } from '../identity/credentials.ts'
import { credentialsExpired, watchCredentials } from '../identity/credentialWatcher.ts'
import type { QueryBounds, ServerBounds } from '../limits/bounds.ts'
import { type CallerBounds, operationsOfBytes, operationsOfValues } from '../limits/callerBounds.ts'
import type { ReportError } from '../operation/maskErrors.ts'
import type { PublishedOperations } from '../operation/publishedOperations.ts'
import { asGraphqlError, readRequest } from '../operation/request.ts'
import { coalesce } from '../subscriptions/coalesce.ts'
import { UNAUTHORIZED, UNAVAILABLE } from './closeCodes.ts'
import { CORRELATION_HEADER, correlationId } from './correlation.ts'
import type { Drain } from './drain.ts'

const initMsMax = 5_000
const keepAliveMs = 15_000
/** Maximum number of open operations on one socket. */
const operationsMax = 100
/** Delay between the last results of open operations and the close. */
const closeAfterMs = 500

/** State of a socket, set by its connection_init. */
interface Session {
  given: Credentials
  caller: Caller
  /** Cancelled when the socket closes. */
  running: Set<PreparedOperation>
}

interface Running {
  prepared: PreparedOperation
  running: Set<PreparedOperation>
  end(): void
}

export interface WebSockets {
  size(): number
  /**
   * Closes every socket with 1001, "going away". Clients connect again and resume from their
   * cursor.
   */
  close(): Promise<void>
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
    recheckMs?: number | undefined
    refused?: NoteRefusal | undefined
  },
): WebSockets {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: at.bounds.bodyBytesMax })
  /**
   * Sockets without a connection_init yet, the oldest first. They do not count against the limit of
   * WebSockets.
   */
  const uninitialized = new Set<WebSocket>()
  /** Size of the latest message of each socket, in bytes. */
  const sizes = new WeakMap<WebSocket, number>()
  const admit = (ws: WebSocket) => {
    ws.on('message', (data: Buffer) => sizes.set(ws, data.length))
    const [first] = uninitialized
    if (first && uninitialized.size >= at.bounds.streamsMax) {
      uninitialized.delete(first)
      first.terminate()
    }
    uninitialized.add(ws)
    ws.once('close', () => uninitialized.delete(ws))
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
        coalesce(ws, socket)
        admit(ws)
        sockets.emit('connection', ws, req)
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
  // graphql-ws runs the result of `onSubscribe` through these; the operation was prepared there
  // already.
  const run = (args: unknown) => {
    const { prepared, running, end } = args as Running
    running.add(prepared)
    return prepared.run().finally(() => {
      running.delete(prepared)
      end()
    }) as Promise<ExecutionResult>
  }
  const served = useServer<Record<string, unknown>, Partial<Session>>(
    {
      isProd: true,
      connectionInitWaitTimeout: initMsMax,
      execute: run,
      subscribe: run,
      async onConnect(ctx) {
        const { socket, request } = ctx.extra
        try {
          const given = credentialsOf(request.headers, ctx.connectionParams)
          const caller = await at.callers.identify(given)
          if (sockets.clients.size - uninitialized.size >= at.bounds.streamsMax)
            throw new HttpError(503, 'BUSY', 'Too many WebSockets')
          const release = at.callerBounds.acquire(caller, 'streams')
          if (socket.readyState === socket.OPEN) socket.once('close', release)
          else release()
          uninitialized.delete(socket)
          const running = new Set<PreparedOperation>()
          socket.once('close', () => {
            for (const operation of running) operation.abandon()
          })
          Object.assign(ctx.extra, { given, caller, running })
          // Its operations end first, each with a result that states why.
          const watch = watchCredentials(at.callers, given, caller, at.recheckMs)
          const unwatch = watch?.((why) => {
            setTimeout(() => socket.close(UNAUTHORIZED, why.code), closeAfterMs)
          })
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
          typeof fromParams === 'string'
            ? fromParams
            : ctx.extra.request.headers[CORRELATION_HEADER],
        )
        const { caller, given, running } = ctx.extra
        if (!caller || !given)
          return [asGraphqlError(unauthenticated('Say who you are in connection_init'))]
        if (caller.expiresAt !== null && caller.expiresAt <= Date.now())
          return [asGraphqlError(credentialsExpired())]
        let end: (() => void) | undefined
        try {
          end = at.callerBounds.begin(caller)
          at.callerBounds.charge(caller, operationsOfBytes(sizes.get(ctx.extra.socket) ?? 0))
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
          if (!('run' in prepared)) {
            end()
            return prepared
          }
          at.callerBounds.charge(caller, operationsOfValues(prepared.values))
          if (!Object.hasOwn(ctx.subscriptions, operation)) {
            // Completed while its text was being resolved: no further message is sent.
            end()
            return [
              asGraphqlError(
                new HttpError(400, 'COMPLETED', 'The operation was completed before it began'),
              ),
            ]
          }
          if (prepared.type === 'subscription') end()
          // Only the operation's type is read from the document.
          return {
            document: typeOnly(prepared.type),
            schema: undefined,
            prepared,
            running,
            end,
          } as never
        } catch (e) {
          end?.()
          if (e instanceof HttpError) return [asGraphqlError(e)]
          throw e
        }
      },
    },
    sockets,
    keepAliveMs,
  )
  return { size: () => sockets.clients.size, close: async () => served.dispose() }
}

function typeOnly(operation: string) {
  return { kind: 'Document', definitions: [{ kind: 'OperationDefinition', operation }] }
}
