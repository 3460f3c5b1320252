import type { Transport } from '@graphql-mesh/transport-common'
import http from '@graphql-mesh/transport-http'

/**
 * Where a subgraph that runs as a service is reached: queries over HTTP, subscriptions over graphql-ws on the same path.
 * The correlation id and who asks go with each request.
 */
export function serviceEntry(subgraph: string, url: string) {
  return {
    kind: 'http',
    subgraph,
    location: url,
    headers: [
      ['x-correlation-id', '{context.correlationId}'],
      ['x-touchstone-actor', '{context.actor}'],
      ['x-touchstone-roles', '{context.roles}'],
    ] as [string, string][],
    options: {
      // Two identical queries of two callers must not be answered with one caller's correlation id and scopes.
      deduplicateInflightRequests: false,
      subscriptions: {
        kind: 'ws',
        location: new URL(url).pathname,
        options: { connectionParams: { 'x-correlation-id': '{context.correlationId}' } },
      },
    },
  }
}

export const serviceTransport: Transport = http as unknown as Transport
