import type { QueryPlanner } from '@graphql-hive/router-query-planner'
import { unifiedGraphHandler } from '@graphql-hive/router-runtime'
import { type DocumentNode, type ExecutionResult, getOperationAST, Kind, print, visit } from 'graphql'
import { getVariableValues } from 'graphql/execution/values.js'
import type { LocalExecutors, LocalRequest } from '../federation/localTransport.ts'
import { type CompiledPlan, compilePlan } from './compilePlan.ts'

type Handler = typeof unifiedGraphHandler
interface Request {
  document: DocumentNode
  operationName?: string
  variables?: Record<string, unknown>
}

/**
 * The runtime's handler of the native planner, with plans of queries compiled: they are kept with the document, which the
 * parser's cache keeps. What is not compiled runs as before.
 */
export function compilingHandler(planner: QueryPlanner, supergraph: string, local: LocalExecutors): Handler {
  // Hidden types and overrides by share of traffic are the library's business.
  if (/(?<!directive )@(inaccessible|pubsubOperation)\b|overrideLabel: "/.test(supergraph)) return unifiedGraphHandler
  return async (options) => {
    const made = await unifiedGraphHandler(options)
    const { executor: plain, unifiedGraph: schema } = made
    if (!plain) return made
    const plans = new WeakMap<DocumentNode, Map<string, Promise<CompiledPlan | null>>>()

    const planned = async ({ document, operationName }: Request): Promise<CompiledPlan | null> => {
      const operation = getOperationAST(document, operationName)
      if (operation?.operation !== 'query' || !isCompilable(document)) return null
      const plan = await planner.planAsync(print(document), operationName, new Set(), 0)
      return compilePlan(schema, plan, document, operation)
    }
    const planOf = (request: Request): Promise<CompiledPlan | null> => {
      const of = plans.get(request.document) ?? new Map<string, Promise<CompiledPlan | null>>()
      plans.set(request.document, of)
      const name = request.operationName ?? ''
      let plan = of.get(name)
      if (!plan) {
        plan = planned(request)
        of.set(name, plan)
        // What fails is planned again, and then says so to whom it may concern.
        plan.catch(() => of.delete(name))
      }
      return plan
    }
    const executor = async (request: Parameters<typeof plain>[0]) => {
      const plan = await planOf(request as Request)
      if (!plan) return await plain(request)
      const { document, operationName, variables, context, signal, info } = request as typeof request & Request
      const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? []
      const { coerced, errors } = definitions.length
        ? getVariableValues(schema, definitions, variables ?? {}, { maxErrors: 50 })
        : { coerced: {}, errors: undefined }
      if (errors) return { errors }
      return await plan(coerced as Record<string, unknown>, (subgraph, fetch) => {
        const here = local.get(subgraph)
        if (here) return here({ ...fetch, context } as LocalRequest) as Promise<ExecutionResult>
        const request = { ...fetch, context, signal, info, subgraphName: subgraph }
        return options.onSubgraphExecute(subgraph, request as never) as Promise<ExecutionResult>
      })
    }
    return { ...made, executor: executor as typeof plain }
  }
}

/** Without directives that decide at run time, and not about the schema. */
function isCompilable(document: DocumentNode): boolean {
  let is = true
  visit(document, {
    Directive() {
      is = false
    },
    OperationDefinition({ selectionSet }) {
      for (const s of selectionSet.selections) if (s.kind !== Kind.FIELD || s.name.value.startsWith('__')) is = false
    },
  })
  return is
}
