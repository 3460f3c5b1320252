import type { ExecutionResult } from 'graphql'
import pino from 'pino'
import { createRuntime } from '../../gateway/execution/runtime.ts'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import { OperationContext } from '../../gateway/operation/operationContext.ts'
import { everyone, querySubgraphs } from './subgraphs.ts'

const most = Number.MAX_SAFE_INTEGER

/** Returns the gateway's planner and subgraphs as a function, without rights, limits, cost and metrics. */
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
    const operation = new OperationContext({ correlationId: '', scopes: everyone })
    const { contextFactory, execute, schema } = runtime.getEnveloped({ operation, correlationId: '' } as never)
    const document = runtime.documents.read(schema, query)
    if (!('definitions' in document)) throw new Error('the query is wrong')
    const args = { schema, document, variableValues: variables, contextValue: await contextFactory() }
    return (await execute(args as never)) as ExecutionResult
  }
}
