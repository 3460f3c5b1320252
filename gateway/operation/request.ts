import { GraphQLError } from 'graphql'
import { nestsWithin } from '../../schema/kit/nesting.ts'
import { HttpError } from '../httpError.ts'
import type { RequestedDocument } from './publishedOperations.ts'

/** A request of any transport that has the right shape. Its operation is not checked yet. */
export interface OperationRequest extends RequestedDocument {
  operationName: string | null | undefined
  variables: Record<string, unknown> | null | undefined
  /** True if the response includes the cost of the operation. */
  includeCost: boolean
  /** The cursor of the last event that the client of an event stream has received. */
  lastEventId?: string | undefined
}

/** Maximum nesting of lists and objects: their readers are recursive. */
const variablesDepthMax = 50

const HASH = /^(?:sha256:)?([0-9a-f]{64})$/i

/**
 * Reads a request from a body, a URL or a WebSocket message. Throws HttpError 400 or 413 if its
 * shape is wrong.
 */
export function readRequest(
  given: unknown,
  { documentBytesMax }: { documentBytesMax: number },
): OperationRequest {
  if (Array.isArray(given))
    throw new HttpError(400, 'BATCHING_NOT_SUPPORTED', 'Send one operation per request')
  const { query, operationName, variables, documentId, extensions } = Object(given) as Record<
    string,
    unknown
  >
  const extra = Object(extensions) as Record<string, unknown>
  const hash = hashOf(documentId, extra)
  // A client that names its operation omits the text, or sends an empty one if its protocol
  // requires a text.
  const named = hash !== null && (query === undefined || query === null || query === '')
  if (!named && (typeof query !== 'string' || query === ''))
    throw new HttpError(
      400,
      'NO_QUERY',
      'The request has no "query": send {"query": "...", "variables": {...}}, or name a published operation in "documentId"',
    )
  if (typeof query === 'string' && Buffer.byteLength(query) > documentBytesMax)
    throw new HttpError(
      413,
      'DOCUMENT_TOO_LARGE',
      `The document is larger than ${documentBytesMax} bytes: pass values as variables`,
    )
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string')
    throw new HttpError(400, 'BAD_OPERATION_NAME', '"operationName" must be a string')
  if (
    variables !== undefined &&
    variables !== null &&
    (typeof variables !== 'object' || Array.isArray(variables))
  )
    throw new HttpError(400, 'BAD_VARIABLES', '"variables" must be an object')
  if (!nestsWithin(variablesDepthMax, variables))
    throw new HttpError(
      400,
      'BAD_VARIABLES',
      `"variables" nest more than ${variablesDepthMax} levels`,
    )
  return {
    query: named ? null : (query as string),
    hash,
    // Several clients send an empty text where no operation is named.
    operationName: operationName === '' ? null : operationName,
    variables: variables as OperationRequest['variables'],
    includeCost: extra.cost === true,
  }
}

/**
 * Returns the sha256 that names an operation: `documentId`, or Apollo's
 * `extensions.persistedQuery.sha256Hash`.
 */
function hashOf(documentId: unknown, extensions: Record<string, unknown>): string | null {
  const { persistedQuery } = extensions
  const named = documentId ?? (persistedQuery == null ? null : Object(persistedQuery).sha256Hash)
  if (named === null || named === undefined) {
    if (persistedQuery == null) return null
    throw badId('"extensions.persistedQuery" has no "sha256Hash"')
  }
  const hash = typeof named === 'string' ? HASH.exec(named)?.[1] : undefined
  if (hash === undefined)
    throw badId('An operation is named by the sha256 of its text, 64 digits in hex')
  return hash.toLowerCase()
}

function badId(message: string): HttpError {
  return new HttpError(400, 'BAD_DOCUMENT_ID', message)
}

/** Converts a rejection for transports without a status. */
export function asGraphqlError(error: HttpError): GraphQLError {
  return new GraphQLError(error.message, { extensions: { code: error.code } })
}
