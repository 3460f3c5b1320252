import type { DocumentNode, ExecutionResult } from 'graphql'
import type { Variables } from '../operation/document.ts'

/** The state that one request passes through a query plan to its fetches. */
export interface PlanRequest {
  context: unknown
  signal?: AbortSignal
  info?: unknown
}

/** An operation of a query plan on one subgraph. */
export interface Fetch {
  document: DocumentNode
  operationType: 'query'
  operationName: string | undefined
}

/** Executes one fetch for a request. */
export type ExecuteFetch = (
  variables: Variables | undefined,
  request: PlanRequest,
) => ExecutionResult | PromiseLike<ExecutionResult>

/** Returns the function that executes a fetch. Called once for each fetch of a plan. */
export type PrepareFetch = (subgraph: string, fetch: Fetch) => ExecuteFetch
