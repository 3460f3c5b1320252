import type { IncomingMessage, Server } from 'node:http'
import { type ExecutionArgs, type ExecutionResult, execute, type GraphQLError, type GraphQLSchema } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'
import type { Callers } from './callers.ts'
import { CORRELATION_HEADER, correlationId } from './correlation.ts'
import { maskError, maskErrors, type ReportError } from './mask.ts'
import { GRAPHQL_PATH } from './server.ts'
import { subscribeSubgraph } from './subscribeSubgraph.ts'

/** A subgraph service's subscriptions, for the gateway: graphql-ws with the correlation id among the connection's parameters. */
export function serveSubgraphSockets(
  server: Server,
  at: {
    schema: GraphQLSchema
    contextOf: (correlationId: string) => object
    callers: Callers
    bodyBytesMax: number
    report: ReportError
  },
): { close(): Promise<void> } {
  const sockets = new WebSocketServer({
    server,
    path: GRAPHQL_PATH,
    maxPayload: at.bodyBytesMax,
    verifyClient: ({ req }: { req: IncomingMessage }) => at.callers.refuse(req) === null,
  })
  const idOf = (args: ExecutionArgs) => (args.contextValue as { correlationId: string }).correlationId
  const masked = (id: string) => (result: ExecutionResult) => maskErrors(result, id, at.report)
  const served = useServer(
    {
      isProd: true,
      schema: at.schema,
      context(ctx) {
        const given = ctx.connectionParams?.[CORRELATION_HEADER]
        return { correlationId: correlationId(typeof given === 'string' ? given : undefined) }
      },
      async execute(args) {
        const id = idOf(args)
        return masked(id)(await execute({ ...args, contextValue: at.contextOf(id) }))
      },
      subscribe(args) {
        const id = idOf(args)
        return subscribeSubgraph(args, () => at.contextOf(id), masked(id))
      },
      onError: (_ctx, _id, _payload, errors) =>
        errors.map((e) => maskError(e as GraphQLError, correlationId(undefined), at.report).toJSON()),
    },
    sockets,
  )
  return { close: async () => served.dispose() }
}
