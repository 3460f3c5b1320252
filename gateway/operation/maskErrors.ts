import { type ExecutionResult, GraphQLError } from 'graphql'
import { isTransientDatabaseError } from '../../subgraphs/contract.ts'

/** Receives every error whose text is hidden from the caller. */
export type ReportError = (error: unknown, correlationId: string) => void

/** Codes of an HTTP client inside the gateway for its own errors; their texts name addresses. */
export const UNREACHABLE: ReadonlySet<unknown> = new Set([
  'DOWNSTREAM_SERVICE_ERROR',
  'SUBREQUEST_HTTP_ERROR',
  'RESPONSE_VALIDATION_FAILED',
  'TIMEOUT_ERROR',
])

/** SQLSTATE of a statement that exceeded its timeout. */
const TOO_SLOW = '57014'

/**
 * SQLSTATEs of a value that Postgres cannot take: a number or a time out of range, a text that is
 * not of the type, or with a character that is not stored. Values are checked before they reach the
 * database; this is for those that no check knows, and they are reported as internal errors are.
 */
const UNSTORABLE: ReadonlySet<unknown> = new Set([
  '22003', // numeric value out of range
  '22007', // invalid datetime format
  '22008', // datetime field overflow
  '22021', // character not in repertoire
  '22P02', // invalid text representation
  '22P05', // untranslatable character
])

/**
 * The planner reads fewer literals than GraphQL allows: it takes about 50 levels of values, and no
 * number such as 1e999. Values of variables never reach it.
 */
const UNPLANNABLE = /^Failed to parse query: Parse error/

/**
 * Returns the part of an error that callers may read. A GraphQLError with its own code passes, and
 * so do GraphQL's own errors about the operation. Every other error is reported and replaced by a
 * code and the correlation id.
 */
export function maskError(
  error: unknown,
  correlationId: string,
  report: ReportError,
): GraphQLError {
  if (!(error instanceof GraphQLError)) return hide(error, undefined, correlationId, report)
  const { code } = error.extensions
  if (code === 'INTERNAL' || code === 'UNAVAILABLE') {
    if (error.extensions.correlationId) return error // masked already, by a subgraph
  } else if (typeof code === 'string' && code !== 'INTERNAL_SERVER_ERROR') {
    if (!UNREACHABLE.has(code)) return error
    report(error, correlationId)
    const { serviceName: subgraph } = error.extensions
    const what = typeof subgraph === 'string' ? `The subgraph ${subgraph}` : 'A part of the graph'
    return unavailable(what, error, correlationId, subgraph)
  }
  const cause = originalError(error)
  // GraphQL checks variables before it runs anything, hence without a path, and arguments at their
  // field.
  if (cause instanceof GraphQLError && (!error.path || cause.message.startsWith('Argument "'))) {
    return new GraphQLError(error.message, {
      nodes: error.nodes,
      path: error.path,
      extensions: { ...error.extensions, code: 'BAD_USER_INPUT' },
    })
  }
  return hide(cause, error, correlationId, report)
}

/** Masks all errors of a result. An error that left several places empty is reported once. */
export function maskErrors(
  result: ExecutionResult,
  correlationId: string,
  report: ReportError,
): ExecutionResult {
  if (!result.errors?.length) return result
  const reported = new Set<unknown>()
  const once: ReportError = (e, id) => {
    const key = e instanceof GraphQLError ? `${e.extensions.serviceName} ${e.message}` : e
    if (!reported.has(key)) report(e, id)
    reported.add(key)
  }
  return { ...result, errors: result.errors.map((e) => maskError(e, correlationId, once)) }
}

function hide(
  cause: unknown,
  at: GraphQLError | undefined,
  correlationId: string,
  report: ReportError,
): GraphQLError {
  // The mistake of the document, and known: nobody has to look for it in the log.
  if (cause instanceof Error && UNPLANNABLE.test(cause.message))
    return new GraphQLError(
      'A value in the document nests too deeply or is a number out of range: pass it as a variable',
      { path: at?.path, extensions: { code: 'BAD_USER_INPUT', correlationId } },
    )
  report(cause, correlationId)
  if (isTransientDatabaseError(cause)) return unavailable('The database', at, correlationId)
  if (cause instanceof Error && 'code' in cause && cause.code === TOO_SLOW)
    return new GraphQLError('This took too long and was aborted: request less data at a time', {
      path: at?.path,
      extensions: { code: 'TIMEOUT', correlationId },
    })
  if (cause instanceof Error && 'code' in cause && UNSTORABLE.has(cause.code))
    return new GraphQLError('A value is outside the range or the characters that are stored', {
      path: at?.path,
      extensions: { code: 'BAD_USER_INPUT', correlationId },
    })
  return new GraphQLError('Internal error', {
    path: at?.path,
    extensions: { code: 'INTERNAL', correlationId },
  })
}

function unavailable(
  what: string,
  at: GraphQLError | undefined,
  correlationId: string,
  subgraph?: unknown,
): GraphQLError {
  return new GraphQLError(`${what} cannot be reached at present; try again later`, {
    path: at?.path,
    extensions: {
      code: 'UNAVAILABLE',
      ...(typeof subgraph === 'string' ? { subgraph } : {}),
      correlationId,
    },
  })
}

/**
 * Returns the error that a resolver threw, without the errors that GraphQL wraps around it as
 * locations.
 */
function originalError(error: GraphQLError): unknown {
  let e: unknown = error
  while (e instanceof GraphQLError && e.originalError) e = e.originalError
  return e
}
