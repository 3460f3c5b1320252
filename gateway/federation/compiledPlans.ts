import type { QueryPlanner } from '@graphql-hive/router-query-planner'
import { unifiedGraphHandler } from '@graphql-hive/router-runtime'
import { type DocumentNode, type ExecutionResult, Kind, parse, print, visit } from 'graphql'
import { getVariableValues } from 'graphql/execution/values.js'
import { type CompiledPlan, compilePlan } from '../execution/compilePlan.ts'
import type { GatewayContext } from '../execution/operationContext.ts'
import type { PlanRequest, PrepareFetch } from '../execution/planRequest.ts'
import { hasDirectives, type Operation } from '../operation/document.ts'
import { SCHEMA_SCOPE } from '../operation/rights.ts'
import { completeResults } from './completeResults.ts'
import type { LocalExecutors } from './localTransport.ts'

type Handler = typeof unifiedGraphHandler

/**
 * Wraps the library's handler of the native planner so that each query is compiled once. The
 * library's executor runs operations that cannot be compiled.
 */
export function compiledPlans(
  planner: QueryPlanner,
  supergraph: string,
  local: LocalExecutors,
): Handler {
  const complete = completeResults(unifiedGraphHandler)
  if (needsLibrary(parse(supergraph, { noLocation: true }))) return complete
  return async (options) => {
    const made = await complete(options)
    const { executor: library, unifiedGraph: schema } = made
    if (!library) return made

    const prepareFetch: PrepareFetch = (subgraph, fetch) => {
      const here = local.get(subgraph)?.prepare(fetch.document, fetch.operationName)
      if (here) return (variables, { context }) => here(variables, context as GatewayContext)
      return (variables, { context, signal, info }) => {
        const request = { ...fetch, variables, context, signal, info, subgraphName: subgraph }
        return options.onSubgraphExecute(subgraph, request as never) as Promise<ExecutionResult>
      }
    }
    const planned = async (operation: Operation): Promise<CompiledPlan | null> => {
      if (!isCompilable(operation)) return null
      const plan = await planner.planAsync(
        print(operation.document.node),
        operation.name ?? undefined,
        new Set(),
        0,
      )
      return compilePlan(operation, plan, prepareFetch)
    }
    const executor = async (given: Parameters<typeof library>[0]) => {
      const request = given as typeof given & PlanRequest
      const { compiled, request: caller } = (request.context as GatewayContext).operation
      if (!compiled.plan) {
        compiled.plan = planned(compiled.operation)
        // A failure is reported to the requests that wait for it; the next one plans again.
        compiled.plan.catch(() => {
          compiled.plan = null
        })
      }
      const plan = await compiled.plan
      if (!plan) return await library(given)
      const definitions = compiled.operation.node.variableDefinitions ?? []
      const hideSuggestions = !caller.scopes.has(SCHEMA_SCOPE)
      const { coerced, errors } = definitions.length
        ? getVariableValues(schema, definitions, request.variables ?? {}, {
            maxErrors: 50,
            hideSuggestions,
          })
        : { coerced: {}, errors: undefined }
      return errors ? { errors } : await plan(coerced, request)
    }
    return { ...made, executor: executor as typeof library }
  }
}

/**
 * Returns true if the supergraph uses a feature that only the library handles: hidden types, events
 * by address, or overrides by share.
 */
function needsLibrary(supergraph: DocumentNode): boolean {
  let needs = false
  visit(supergraph, {
    DirectiveDefinition: () => false,
    Directive({ name, arguments: given = [] }) {
      if (name.value === 'inaccessible' || name.value === 'pubsubOperation') needs = true
      if (given.some((a) => a.name.value === 'overrideLabel' && a.value.kind === Kind.STRING))
        needs = true
    },
  })
  return needs
}

/**
 * Returns true for queries without introspection and without directives, which are evaluated at
 * execution.
 */
function isCompilable(operation: Operation): boolean {
  return (
    operation.type === 'query' &&
    !hasDirectives(operation) &&
    operation.selected.selections.every((s) => s.kind === 'FIELD' && !s.name.startsWith('__'))
  )
}
