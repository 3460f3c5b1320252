import { GraphQLError } from 'graphql'
import type { RequestInfo } from '../../subgraphs/contract.ts'
import type { Runtime } from '../execution/runtime.ts'
import type { Drain } from '../http/drain.ts'
import { HttpError } from '../http/httpAnswer.ts'
import type { QueryBounds } from '../limits/bounds.ts'
import type { ReportError } from './mask.ts'
import { type OperationParams, type PreparedOperation, prepareOperation, type WatchCaller } from './operation.ts'
import type { AskedDocument, PublishedOperations } from './publishedOperations.ts'

/** A request of any transport, of the right shape; whether its operation is sound is not known yet. */
export interface OperationRequest extends AskedDocument {
  operationName: OperationParams['operationName']
  variables: OperationParams['variables']
  tellCost: boolean
}

/** Lists and objects below each other; what reads them goes down by calling itself. */
const variablesDepthMax = 50

const HASH = /^(?:sha256:)?([0-9a-f]{64})$/i

/** What a client handed over, from a body, an address or a WebSocket. Throws HttpError where the shape is wrong. */
export function readRequest(given: unknown, { documentBytesMax }: QueryBounds): OperationRequest {
  if (Array.isArray(given)) throw new HttpError(400, 'BATCHING_NOT_SUPPORTED', 'Send one operation a request')
  const { query, operationName, variables, documentId, extensions } = Object(given) as Record<string, unknown>
  const extra = Object(extensions) as Record<string, unknown>
  const hash = hashOf(documentId, extra)
  // A client that names its operation leaves the text out, or empty where its protocol wants one.
  const named = hash !== null && (query === undefined || query === null || query === '')
  if (!named && (typeof query !== 'string' || query === ''))
    throw new HttpError(
      400,
      'NO_QUERY',
      'The request has no "query": send {"query": "...", "variables": {...}}, or name a published one in "documentId"',
    )
  if (typeof query === 'string' && Buffer.byteLength(query) > documentBytesMax)
    throw new HttpError(
      413,
      'DOCUMENT_TOO_LARGE',
      `The document is larger than ${documentBytesMax} bytes: pass values as variables`,
    )
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string')
    throw new HttpError(400, 'BAD_OPERATION_NAME', '"operationName" is a string')
  if (variables !== undefined && variables !== null && (typeof variables !== 'object' || Array.isArray(variables)))
    throw new HttpError(400, 'BAD_VARIABLES', '"variables" is an object')
  if (!isWithin(variablesDepthMax, variables))
    throw new HttpError(400, 'BAD_VARIABLES', `"variables" nest more than ${variablesDepthMax} levels`)
  return {
    query: named ? null : (query as string),
    hash,
    operationName,
    variables: variables as OperationParams['variables'],
    tellCost: extra.cost === true,
  }
}

function isWithin(depth: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth >= 0 && Object.values(value).every((v) => isWithin(depth - 1, v))
}

/** The sha256 by which an operation is named: `documentId`, or Apollo's `extensions.persistedQuery.sha256Hash`. */
function hashOf(documentId: unknown, extensions: Record<string, unknown>): string | null {
  const { persistedQuery } = extensions
  const named = documentId ?? (persistedQuery == null ? null : Object(persistedQuery).sha256Hash)
  if (named === null || named === undefined) {
    if (persistedQuery == null) return null
    throw badId('"extensions.persistedQuery" has no "sha256Hash"')
  }
  const hash = typeof named === 'string' ? HASH.exec(named)?.[1] : undefined
  if (hash === undefined) throw badId('An operation is named by the sha256 of its text, 64 digits in hex')
  return hash.toLowerCase()
}

function badId(message: string): HttpError {
  return new HttpError(400, 'BAD_DOCUMENT_ID', message)
}

/** Finds the text where it was only named, and prepares it. An array: what is wrong with it. */
export async function prepareRequest(
  at: {
    runtime: Runtime
    operations: PublishedOperations
    report: ReportError
    watch?: WatchCaller | null
    drain?: Drain
  },
  asked: OperationRequest,
  request: RequestInfo,
): Promise<PreparedOperation | GraphQLError[]> {
  const query = await at.operations.textOf(asked)
  if (query instanceof GraphQLError) return [query]
  const { operationName, variables, tellCost } = asked
  const params = { query, operationName, variables, tellCost }
  return prepareOperation(at.runtime, params, request, at.report, at.watch, at.drain)
}

/** The same as a GraphQL error, for transports without a status. */
export function asGraphqlError(error: HttpError): GraphQLError {
  return new GraphQLError(error.message, { extensions: { code: error.code } })
}
