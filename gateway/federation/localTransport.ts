import type { Transport } from '@graphql-mesh/transport-common'
import { type DocumentNode, type ExecutionArgs, type ExecutionResult, execute } from 'graphql'
import { traced, tracingIsOn } from '../../schema/trace.ts'
import type { Subgraph } from '../../subgraphs/contract.ts'
import { compileOperation, type OperationPlan } from '../execution/compileOperation.ts'
import { executeCompiled } from '../execution/executeCompiled.ts'
import { maskErrors, type ReportError } from '../operation/mask.ts'
import type { GatewayContext } from '../operation/operationContext.ts'
import { subscribeSubgraph } from './subscribeSubgraph.ts'

export type LocalExecutors = ReadonlyMap<string, ReturnType<typeof localExecutor>>

/** Run fetches on subgraphs in this process: no HTTP, no printing and parsing of documents. */
export function localExecutors(subgraphs: readonly Subgraph[], report: ReportError, compiled = true): LocalExecutors {
  return new Map(subgraphs.map((s) => [s.name, localExecutor(s, report, compiled)]))
}

/** The same as the runtime wants it. */
export function localTransport(executors: LocalExecutors): Transport {
  return {
    getSubgraphExecutor({ subgraphName }) {
      const executor = executors.get(subgraphName)
      if (!executor)
        throw new Error(
          `subgraph ${subgraphName} is in the supergraph but not in this process: run "npx touchstone generate"`,
        )
      // The runtime's own type of an executor is generic over results that its callers choose.
      return executor as never
    },
  }
}

export interface LocalRequest extends Pick<ExecutionArgs, 'document' | 'operationName'> {
  variables: ExecutionArgs['variableValues']
  operationType: string
  context: GatewayContext
}

/** Documents are those of plans, which are kept with the operation that they are of; and so is what is made of them here. */
function localExecutor(subgraph: Subgraph, report: ReportError, compiled: boolean) {
  const plans = new WeakMap<DocumentNode, OperationPlan | null>()
  return (request: LocalRequest) => {
    const { document, operationName, variables: variableValues } = request
    const { operation } = request.context
    const args: ExecutionArgs = { schema: subgraph.schema, document, variableValues, operationName }
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
    let plan = plans.get(document)
    if (plan === undefined) {
      plan = compiled ? compileOperation(subgraph.schema, document, operationName ?? undefined) : null
      plans.set(document, plan)
    }
    const contextValue = operation.of(subgraph)
    const run = () =>
      plan ? executeCompiled(plan, { contextValue, variableValues }) : execute({ ...args, contextValue })
    if (tracingIsOn()) return traced({ name: `subgraph ${subgraph.name}` }, async () => masked(await run()))
    const result = run()
    return result instanceof Promise ? result.then(masked) : masked(result)
  }
}
