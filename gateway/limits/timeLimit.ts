import { type ExecutionResult, GraphQLError } from 'graphql'
import { withDeadline } from '../../schema/kit/deadline.ts'

/**
 * Returns the error of a query that took too long. Its resolvers receive it for any further work.
 */
export function tookTooLong(msMax: number): GraphQLError {
  return new GraphQLError(
    `The query took longer than ${msMax} ms and was aborted: request less data at a time`,
    {
      extensions: { code: 'TIMEOUT' },
    },
  )
}

const ABANDONED = 'CLIENT_GONE'

/** Returns the error of an operation whose client has closed its connection. */
export function abandoned(): GraphQLError {
  return new GraphQLError('The client has closed the connection', {
    extensions: { code: ABANDONED },
  })
}

/** Returns true if there is no response only because the client has closed its connection. */
export function isAbandoned({ errors }: ExecutionResult): boolean {
  return errors?.some((e) => e.extensions.code === ABANDONED) ?? false
}

/**
 * Returns a result within `msMax`. If the work is late, aborts `stop`: no further statement starts
 * for it. A running statement ends by the database's own timeout of the same length
 * (cli/server/gatewayRole.ts), because other requests may share it.
 */
export async function withTimeLimit(
  msMax: number,
  stop: AbortController,
  work: () => Promise<ExecutionResult>,
): Promise<ExecutionResult> {
  return await withDeadline(work(), msMax, () => {
    const error = tookTooLong(msMax)
    stop.abort(error)
    return { data: null, errors: [error] }
  })
}
