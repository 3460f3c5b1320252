import type { Transport } from '@graphql-mesh/transport-common'
import { type DocumentNode, type ExecutionArgs, type ExecutionResult, execute } from 'graphql'
import { LRUCache } from 'lru-cache'
import { traced, tracingIsOn } from '../../schema/trace.ts'
import type { Subgraph } from '../../subgraphs/contract.ts'
import { compileFetch } from '../execution/compileFetch.ts'
import { executeFetch } from '../execution/executeFetch.ts'
import type { GatewayContext } from '../execution/operationContext.ts'
import type { Variables } from '../operation/document.ts'
import { maskErrors, type ReportError } from '../operation/maskErrors.ts'
import { resumeAfter } from '../subscriptions/resumeAfter.ts'
import { subscribeSubgraph } from './subscribeSubgraph.ts'

/** Maximum number of prepared fetches of plans that the library executes. */
const fetchesMax = 1_000

/**
 * Executes operations on one subgraph in this process, without HTTP and without printing and
 * parsing documents.
 */
export interface LocalExecutor {
  /** Compiles a query. */
  prepare(document: DocumentNode, operationName: string | undefined): ExecuteLocally
  /** Executes an operation as the runtime's transports do. */
  execute(request: LocalRequest): unknown
}

type ExecuteLocally = (
  variables: Variables | undefined,
  context: GatewayContext,
) => ExecutionResult | Promise<ExecutionResult>

export type LocalExecutors = ReadonlyMap<string, LocalExecutor>

export interface LocalRequest extends Pick<ExecutionArgs, 'document' | 'operationName'> {
  variables: ExecutionArgs['variableValues']
  operationType: string
  context: GatewayContext
}

/**
 * Creates the executors of subgraphs in this process. With `compiled`, queries are compiled;
 * otherwise graphql-js executes them.
 */
export function localExecutors(
  subgraphs: readonly Subgraph[],
  report: ReportError,
  compiled: boolean,
): LocalExecutors {
  return new Map(subgraphs.map((s) => [s.name, localExecutor(s, report, compiled)]))
}

export function localTransport(executors: LocalExecutors): Transport {
  return {
    getSubgraphExecutor({ subgraphName }) {
      const executor = executors.get(subgraphName)
      if (!executor)
        throw new Error(
          `subgraph ${subgraphName} is in the supergraph but not in this process: run "npx touchstone generate"`,
        )
      // The runtime's executor type is generic over results that its callers choose.
      return executor.execute as never
    },
  }
}

function localExecutor(subgraph: Subgraph, report: ReportError, compiled: boolean): LocalExecutor {
  const { schema } = subgraph
  const maskedFor =
    ({ operation }: GatewayContext) =>
    (result: ExecutionResult) =>
      maskErrors(result, operation.request.correlationId, report)

  function prepare(document: DocumentNode, operationName: string | undefined): ExecuteLocally {
    const plan = compiled ? compileFetch(schema, document, operationName) : null
    return (variableValues, context) => {
      const masked = maskedFor(context)
      const contextValue = context.operation.contextOf(subgraph)
      const run = () =>
        plan
          ? executeFetch(plan, { contextValue, variableValues })
          : execute({ schema, document, operationName, variableValues, contextValue })
      if (tracingIsOn())
        return traced({ name: `subgraph ${subgraph.name}` }, async () => masked(await run()))
      const result = run()
      return result instanceof Promise ? result.then(masked) : masked(result)
    }
  }

  const prepared = new LRUCache<DocumentNode, ExecuteLocally>({ max: fetchesMax })
  return {
    prepare,
    execute({ document, operationName, variables, operationType, context }) {
      const { operation } = context
      if (operationType === 'subscription') {
        const resumed =
          operation.resumeAfter === null
            ? { document, variables: variables ?? undefined }
            : resumeAfter(document, variables ?? undefined, operation.resumeAfter)
        return subscribeSubgraph(
          {
            schema,
            document: resumed.document,
            variableValues: resumed.variables,
            operationName,
          },
          () => {
            operation.renew()
            return operation.contextOf(subgraph)
          },
          maskedFor(context),
          (events) => operation.shared?.intercept(events, subgraph) ?? events,
        )
      }
      let executeLocally = prepared.get(document)
      if (!executeLocally) {
        executeLocally = prepare(document, operationName ?? undefined)
        prepared.set(document, executeLocally)
      }
      return executeLocally(variables ?? undefined, context)
    },
  }
}
