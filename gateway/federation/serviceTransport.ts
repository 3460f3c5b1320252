import type { Transport } from '@graphql-mesh/transport-common'
import http from '@graphql-mesh/transport-http'
import { type DocumentNode, type ExecutionResult, GraphQLError } from 'graphql'
import { asyncStream } from '../../schema/kit/asyncStream.ts'
import { boundedResponse } from '../../schema/kit/boundedResponse.ts'
import type { GatewayContext } from '../execution/operationContext.ts'
import { UNAUTHORIZED } from '../http/closeCodes.ts'
import type { InternalTokens } from '../identity/internal.ts'
import type { Variables } from '../operation/document.ts'
import { UNREACHABLE } from '../operation/maskErrors.ts'
import { resumeAfter } from '../subscriptions/resumeAfter.ts'

/** Bytes of one response of a service, after decompression. */
const responseBytesMax = 64 * 1024 * 1024

/**
 * Returns the entry of a subgraph that runs as a service. Queries use HTTP, subscriptions use
 * graphql-ws on the same path. Each request carries the correlation id and a token of the gateway
 * that names the caller.
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
      // Identical queries of two callers must not share one caller's correlation id and scopes.
      deduplicateInflightRequests: false,
      subscriptions: {
        kind: 'ws',
        location: new URL(url).pathname,
        options: {
          connectionParams: {
            'x-correlation-id': '{context.correlationId}',
            authorization: 'Bearer {context.internalToken}',
          },
          // A retry would reuse the current token, which expires soon. Clients resume by cursor.
          retryAttempts: 0,
        },
      },
    },
  }
}

interface ServiceRequest {
  context: GatewayContext
  operationType: string
  document: DocumentNode
  variables?: Variables | undefined
}
type Executor = (
  request: ServiceRequest,
) => Promise<ExecutionResult | AsyncIterable<ExecutionResult>>

/**
 * Signs a token for each fetch, not for each operation: a subscription outlives a token, and its
 * events fetch entities. All transport errors name the subgraph.
 */
export function serviceTransport(tokens: InternalTokens): Transport {
  const plain = http as unknown as {
    getSubgraphExecutor(options: unknown): Executor | Promise<Executor>
  }
  return {
    async getSubgraphExecutor(options: { subgraphName: string; fetch?: Fetch }) {
      const { subgraphName, fetch: given = fetch } = options
      const executor = await plain.getSubgraphExecutor({ ...options, fetch: bounded(given) })
      const explained = (result: ExecutionResult): ExecutionResult =>
        result.errors
          ? { ...result, errors: result.errors.map((e) => explain(e, subgraphName)) }
          : result
      // A proxy, because the executor's open resources are released through it.
      return new Proxy(executor, {
        async apply(target, _this, [request]: [ServiceRequest]) {
          const internalToken = await tokens.sign(request.context.operation.request)
          const context: GatewayContext & { internalToken: string } = {
            ...request.context,
            internalToken,
          }
          const result = await target({ ...resumed(request), context })
          return Symbol.asyncIterator in result ? events(result, subgraphName) : explained(result)
        },
      })
    },
  } as unknown as Transport
}

type Fetch = (...request: Parameters<typeof fetch>) => Promise<Response>

/** Returns a fetch whose responses fail when they have more bytes than a service may send. */
function bounded(given: Fetch): Fetch {
  return async (...request) => boundedResponse(await given(...request), responseBytesMax)
}

function resumed(request: ServiceRequest): ServiceRequest {
  const { resumeAfter: cursor } = request.context.operation
  if (request.operationType !== 'subscription' || cursor === null) return request
  return { ...request, ...resumeAfter(request.document, request.variables, cursor) }
}

/**
 * Replaces the error of a subgraph that is unreachable or rejects this gateway. The result names
 * the subgraph; the service's own text is not meant for callers.
 */
function explain(e: GraphQLError, subgraph: string): GraphQLError {
  const { code } = e.extensions
  if (UNREACHABLE.has(code)) e.extensions.serviceName = subgraph
  if (code !== 'UNAUTHENTICATED') return e
  const extensions = { code: 'DOWNSTREAM_SERVICE_ERROR', serviceName: subgraph }
  return new GraphQLError(gatewayRejected(subgraph), { path: e.path, extensions })
}

function gatewayRejected(subgraph: string): string {
  return `the service ${subgraph} rejects this gateway: both need the same TOUCHSTONE_INTERNAL_SECRET and synchronized clocks`
}

/**
 * Returns the same events. If the service rejects the socket, the result is an error that states
 * why.
 */
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
        throw rejected ? new Error(gatewayRejected(subgraph)) : e
      }),
    async () => await values.return?.(),
  )
}
