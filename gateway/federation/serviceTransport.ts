import type { Transport } from '@graphql-mesh/transport-common'
import http from '@graphql-mesh/transport-http'
import { type ExecutionResult, GraphQLError } from 'graphql'
import { asyncStream } from '../../schema/kit/asyncStream.ts'
import type { GatewayContext } from '../execution/operationContext.ts'
import { UNAUTHORIZED } from '../http/closeCodes.ts'
import type { InternalTokens } from '../identity/internal.ts'
import { UNREACHABLE } from '../operation/mask.ts'

/**
 * Where a subgraph that runs as a service is reached: queries over HTTP, subscriptions over
 * graphql-ws on the same path. The correlation id goes with each request, and a token of the
 * gateway's that says who asks.
 */
export function serviceEntry(subgraph: string, url: string) {
  return {
    kind: 'http',
    subgraph,
    location: url,
    headers: [
      ['x-correlation-id', '{context.correlationId}'],
      ['authorization', 'Bearer {context.internalToken}'],
    ] as [string, string][],
    options: {
      // Two identical queries of two callers must not be answered with one caller's correlation id
      // and scopes.
      deduplicateInflightRequests: false,
      subscriptions: {
        kind: 'ws',
        location: new URL(url).pathname,
        options: {
          connectionParams: {
            'x-correlation-id': '{context.correlationId}',
            authorization: 'Bearer {context.internalToken}',
          },
          // It would try again with the token of this moment, which is not good for long. Clients
          // resume by cursor.
          retryAttempts: 0,
        },
      },
    },
  }
}

interface ServiceRequest {
  context: GatewayContext
}
type Executor = (
  request: ServiceRequest,
) => Promise<ExecutionResult | AsyncIterable<ExecutionResult>>

/**
 * The token is signed for each fetch, not for each operation: a subscription lasts longer than a
 * token, and its events fetch entities. Whatever asks, errors on the way name the subgraph.
 */
export function serviceTransport(tokens: InternalTokens): Transport {
  const plain = http as unknown as {
    getSubgraphExecutor(options: unknown): Executor | Promise<Executor>
  }
  return {
    async getSubgraphExecutor(options: { subgraphName: string }) {
      const { subgraphName } = options
      const executor = await plain.getSubgraphExecutor(options)
      const explained = (result: ExecutionResult): ExecutionResult =>
        result.errors
          ? { ...result, errors: result.errors.map((e) => explain(e, subgraphName)) }
          : result
      // A proxy, because what the executor holds open is let go of through it.
      return new Proxy(executor, {
        async apply(target, _this, [request]: [ServiceRequest]) {
          const internalToken = await tokens.sign(request.context.operation.request)
          const context: GatewayContext & { internalToken: string } = {
            ...request.context,
            internalToken,
          }
          const result = await target({ ...request, context })
          return Symbol.asyncIterator in result ? events(result, subgraphName) : explained(result)
        },
      })
    },
  } as unknown as Transport
}

/**
 * Names the subgraph that cannot be reached, or does not know this gateway: what that one says is
 * not for callers.
 */
function explain(e: GraphQLError, subgraph: string): GraphQLError {
  const { code } = e.extensions
  if (UNREACHABLE.has(code)) e.extensions.serviceName = subgraph
  if (code !== 'UNAUTHENTICATED') return e
  const extensions = { code: 'DOWNSTREAM_SERVICE_ERROR', serviceName: subgraph }
  return new GraphQLError(unknownThere(subgraph), { path: e.path, extensions })
}

function unknownThere(subgraph: string): string {
  return `the service ${subgraph} does not know this gateway: TOUCHSTONE_INTERNAL_SECRET has to be the same there and here, and the clocks alike`
}

/** Returns the same events; a socket that the service rejects is an error that says why. */
function events(
  from: AsyncIterable<ExecutionResult>,
  subgraph: string,
): AsyncIterableIterator<ExecutionResult> {
  const values = from[Symbol.asyncIterator]()
  return asyncStream(
    () =>
      values.next().catch((e: unknown) => {
        const rejected =
          typeof e === 'object' && e !== null && 'code' in e && e.code === UNAUTHORIZED
        throw rejected ? new Error(unknownThere(subgraph)) : e
      }),
    async () => await values.return?.(),
  )
}
