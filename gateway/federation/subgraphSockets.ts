import type { Server } from 'node:http'
import {
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLError,
  type GraphQLSchema,
} from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'
import { markAuthenticated } from '../http/boundedServer.ts'
import { UNAUTHORIZED } from '../http/closeCodes.ts'
import { CORRELATION_HEADER, correlationId } from '../http/correlation.ts'
import { GRAPHQL_PATH } from '../http/paths.ts'
import { HttpError } from '../httpError.ts'
import type { Caller, Callers } from '../identity/caller.ts'
import { credentialsOf } from '../identity/credentials.ts'
import { maskError, maskErrors, type ReportError } from '../operation/maskErrors.ts'
import { subscribeSubgraph } from './subscribeSubgraph.ts'

/**
 * Serves a subgraph's subscriptions to the gateway. The parameters of a graphql-ws connection hold
 * the correlation id and the gateway's token. The token is verified once, when the connection
 * opens; the caller's rights stay as the token states them.
 */
export function serveSubgraphSockets(
  server: Server,
  at: {
    schema: GraphQLSchema
    contextOf: (correlationId: string, caller: Caller) => object
    callers: Callers
    bodyBytesMax: number
    report: ReportError
    /** Receives the correlation id of each connection whose token is invalid. */
    refused: (correlationId: string) => void
  },
): { close(): Promise<void> } {
  const sockets = new WebSocketServer({
    server,
    path: GRAPHQL_PATH,
    maxPayload: at.bodyBytesMax,
  })
  const of = (args: ExecutionArgs) => args.contextValue as { correlationId: string; caller: Caller }
  const masked = (id: string) => (result: ExecutionResult) => maskErrors(result, id, at.report)
  const served = useServer<Record<string, unknown>, { caller?: Caller }>(
    {
      isProd: true,
      schema: at.schema,
      async onConnect(ctx) {
        try {
          ctx.extra.caller = await at.callers.identify(credentialsOf({}, ctx.connectionParams))
          markAuthenticated(ctx.extra.request.socket)
          return true
        } catch (e) {
          if (!(e instanceof HttpError)) throw e
          at.refused(correlationIdOf(ctx.connectionParams))
          ctx.extra.socket.close(UNAUTHORIZED, e.code)
          return false
        }
      },
      context(ctx) {
        return { correlationId: correlationIdOf(ctx.connectionParams), caller: ctx.extra.caller }
      },
      async execute(args) {
        const { correlationId: id, caller } = of(args)
        return masked(id)(await execute({ ...args, contextValue: at.contextOf(id, caller) }))
      },
      subscribe(args) {
        const { correlationId: id, caller } = of(args)
        return subscribeSubgraph(args, () => at.contextOf(id, caller), masked(id))
      },
      onError: (_ctx, _id, _payload, errors) =>
        errors.map((e) =>
          maskError(e as GraphQLError, correlationId(undefined), at.report).toJSON(),
        ),
    },
    sockets,
  )
  return { close: async () => served.dispose() }
}

function correlationIdOf(params: Readonly<Record<string, unknown>> | undefined): string {
  const given = params?.[CORRELATION_HEADER]
  return correlationId(typeof given === 'string' ? given : undefined)
}
