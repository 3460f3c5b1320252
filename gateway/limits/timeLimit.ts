import { type ExecutionResult, GraphQLError } from 'graphql'
import { withDeadline } from '../../schema/kit/deadline.ts'

/** The error of a query that took too long, and of what its resolvers begin from then on. */
export function tookTooLong(msMax: number): GraphQLError {
  return new GraphQLError(
    `The query took longer than ${msMax} ms and was ended: request less at a time`,
    {
      extensions: { code: 'TIMEOUT' },
    },
  )
}

const ABANDONED = 'CLIENT_GONE'

/** The error of an operation whose client has closed its connection. */
export function abandoned(): GraphQLError {
  return new GraphQLError('The client has closed the connection', {
    extensions: { code: ABANDONED },
  })
}

/** Whether there is no response only because the client has closed its connection. */
export function isAbandoned({ errors }: ExecutionResult): boolean {
  return errors?.some((e) => e.extensions.code === ABANDONED) ?? false
}

/**
 * Returns a result within `msMax`. When the work is late it aborts `stop`: no further statement is
 * begun for it. A statement that is running ends by the database's own timeout, which is as long
 * (cli/server/gatewayRole.ts): other requests may share it.
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
