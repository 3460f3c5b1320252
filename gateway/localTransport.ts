import type { Transport } from '@graphql-mesh/transport-common'
import { type ExecutionArgs, type ExecutionResult, execute } from 'graphql'
import type { Subgraph } from '../subgraphs/contract.ts'
import { maskErrors, type ReportError } from './mask.ts'
import type { GatewayContext } from './operationContext.ts'
import { subscribeSubgraph } from './subscribeSubgraph.ts'

/** Runs fetches on subgraphs in this process: no HTTP, no printing and parsing of documents. */
export function localTransport(subgraphs: readonly Subgraph[], report: ReportError): Transport {
  const byName = new Map(subgraphs.map((s) => [s.name, s]))
  return {
    getSubgraphExecutor({ subgraphName }) {
      const subgraph = byName.get(subgraphName)
      if (!subgraph)
        throw new Error(
          `subgraph ${subgraphName} is in the supergraph but not in this process: run "npx touchstone generate"`,
        )
      return ((request: LocalRequest) => {
        const { operation } = request.context
        const args: ExecutionArgs = {
          schema: subgraph.schema,
          document: request.document,
          variableValues: request.variables,
          operationName: request.operationName,
        }
        const masked = (result: ExecutionResult) => maskErrors(result, operation.request.correlationId, report)
        if (request.operationType === 'subscription')
          return subscribeSubgraph(
            args,
            () => {
              operation.renew()
              return operation.of(subgraph)
            },
            masked,
            (events) => operation.gate?.take(events, subgraph) ?? events,
          )
        const result = execute({ ...args, contextValue: operation.of(subgraph) })
        return result instanceof Promise ? result.then(masked) : masked(result)
        // The runtime's own type of an executor is generic over results that its callers choose.
      }) as never
    },
  }
}

interface LocalRequest extends Pick<ExecutionArgs, 'document' | 'operationName'> {
  variables: ExecutionArgs['variableValues']
  operationType: string
  context: GatewayContext
}
