import type { Transport } from '@graphql-mesh/transport-common'
import http from '@graphql-mesh/transport-http'
import type { InternalTokens } from './identity/internal.ts'
import type { GatewayContext } from './operationContext.ts'

/**
 * Where a subgraph that runs as a service is reached: queries over HTTP, subscriptions over graphql-ws on the same path.
 * The correlation id goes with each request, and a token of the gateway's that says who asks.
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
      // Two identical queries of two callers must not be answered with one caller's correlation id and scopes.
      deduplicateInflightRequests: false,
      subscriptions: {
        kind: 'ws',
        location: new URL(url).pathname,
        options: {
          connectionParams: {
            'x-correlation-id': '{context.correlationId}',
            authorization: 'Bearer {context.internalToken}',
          },
          // It would try again with the token of this moment, which is not good for long. Clients resume by cursor.
          retryAttempts: 0,
        },
      },
    },
  }
}

interface ServiceRequest {
  context: GatewayContext
}
type Executor = (request: ServiceRequest) => unknown

/**
 * The token is signed for each fetch, not for each operation: a subscription lasts longer than a token, and its events
 * fetch entities.
 */
export function serviceTransport(tokens: InternalTokens): Transport {
  const plain = http as unknown as { getSubgraphExecutor(options: unknown): Executor | Promise<Executor> }
  return {
    async getSubgraphExecutor(options: unknown) {
      const executor = await plain.getSubgraphExecutor(options)
      // A proxy, because what the executor holds open is let go of through it.
      return new Proxy(executor, {
        async apply(target, _this, [request]: [ServiceRequest]) {
          const internalToken = await tokens.sign(request.context.operation.request)
          const context: GatewayContext & { internalToken: string } = { ...request.context, internalToken }
          return await target({ ...request, context })
        },
      })
    },
  } as unknown as Transport
}
