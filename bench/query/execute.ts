import type { ExecutionResult } from 'graphql'
import pino from 'pino'
import { OperationContext } from '../../gateway/execution/operationContext.ts'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import { createRuntime } from '../../gateway/federation/createRuntime.ts'
import { CompiledDocument } from '../../gateway/operation/documentCache.ts'
import { everyone, querySubgraphs } from './subgraphs.ts'

const most = Number.MAX_SAFE_INTEGER

/**
 * Returns the gateway's planner and subgraphs as a function, without rights, limits, cost and
 * metrics.
 */
export async function bareExecutor(
  databaseUrl: string,
  compiled = { plans: true, fetches: true },
): Promise<(query: string, variables: Record<string, unknown>) => Promise<ExecutionResult>> {
  const subgraphs = querySubgraphs(databaseUrl)
  const runtime = await createRuntime({
    supergraph: composeSupergraph(subgraphs),
    subgraphs,
    services: new Map(),
    bounds: {
      documentBytesMax: most,
      tokensMax: most,
      depthMax: most,
      aliasesMax: most,
      fieldsMax: most,
      costMax: most,
      bodyBytesMax: most,
      queryMsMax: 60_000,
    },
    compiled,
    log: pino({ level: 'silent' }),
    report: (e) => console.error(e),
  })
  return async (query, variables) => {
    const document = runtime.documents.read(query, false)
    const compiled = document instanceof CompiledDocument ? document.operation(null) : null
    if (!compiled) throw new Error('the query is invalid')
    const operation = new OperationContext({ correlationId: '', scopes: everyone }, compiled)
    const { contextFactory, execute, schema } = runtime.getEnveloped({
      operation,
      correlationId: '',
    })
    const { node } = compiled.operation.document
    const args = {
      schema,
      document: node,
      variableValues: variables,
      contextValue: await contextFactory(),
    }
    return (await execute(args)) as ExecutionResult
  }
}
