import { GraphQLError } from 'graphql'
import { boundedText } from '../../../schema/kit/boundedResponse.ts'
import { nestsWithin } from '../../../schema/kit/nesting.ts'
import type { OwnBounds } from './ownSubgraph.ts'

/** A response of GraphQL over HTTP, not yet checked. */
export interface RawResult {
  data: Record<string, unknown> | null
  errors: readonly RawError[]
}

export interface RawError {
  message: string
  path: readonly (string | number)[] | undefined
  code: string | undefined
}

/** Maximum number of errors that are read from one response. */
const errorsMax = 100
/** Maximum nesting of a response: a value of a scalar of its own may be any JSON. */
const levelsMax = 200

/**
 * Posts an operation and reads its response within the bounds. Throws GraphQLError if there is no
 * GraphQL response; its text is for the log. Redirects are refused: they would carry credentials to
 * another server.
 */
export async function post(
  at: { name: string; url: string; bounds: Pick<OwnBounds, 'timeoutMs' | 'responseBytesMax'> },
  body: string,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<RawResult> {
  const { timeoutMs, responseBytesMax } = at.bounds
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(at.url, {
      method: 'POST',
      redirect: 'error',
      headers: {
        ...headers,
        accept: 'application/graphql-response+json, application/json',
        'content-type': 'application/json',
      },
      body,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
    return resultOf(
      at.name,
      response.status,
      await boundedText(response, responseBytesMax, ' (responseBytesMax)'),
    )
  } catch (e) {
    if (signal?.aborted) throw signal.reason
    if (timeout.aborted) throw away(at.name, `no response in ${timeoutMs} ms`)
    if (e instanceof GraphQLError) throw e
    const cause = e instanceof Error && e.cause instanceof Error ? e.cause : e
    throw away(at.name, cause instanceof Error ? cause.message || cause.name : String(cause))
  }
}

/** Returns the error of a subgraph that gives no usable response. Callers do not see the reason. */
export function away(subgraph: string, why: string): GraphQLError {
  const extensions = { code: 'DOWNSTREAM_SERVICE_ERROR', serviceName: subgraph }
  return new GraphQLError(`subgraph ${subgraph}: ${why}`, { extensions })
}

function resultOf(subgraph: string, status: number, text: string): RawResult {
  if (status === 401 || status === 403)
    throw away(subgraph, `HTTP ${status}: it rejects this gateway's credentials`)
  const body = parsed(text)
  if (!nestsWithin(levelsMax, body)) throw away(subgraph, `it nests more than ${levelsMax} levels`)
  const data = objectOf(body?.data)
  const errors = Array.isArray(body?.errors) ? body.errors.slice(0, errorsMax).map(errorOf) : []
  if (!data && errors.length === 0) throw away(subgraph, `HTTP ${status} without a GraphQL result`)
  return { data, errors }
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    return objectOf(JSON.parse(text))
  } catch {
    return null // The caller reports that there is no result.
  }
}

function errorOf(given: unknown): RawError {
  const { message, path, extensions } = objectOf(given) ?? {}
  const code = objectOf(extensions)?.code
  return {
    message: typeof message === 'string' ? message : 'an error without a message',
    path: Array.isArray(path)
      ? path.filter((p) => typeof p === 'string' || typeof p === 'number')
      : undefined,
    code: typeof code === 'string' ? code : undefined,
  }
}

function objectOf(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}
