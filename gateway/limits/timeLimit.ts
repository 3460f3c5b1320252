import { type ExecutionResult, GraphQLError } from 'graphql'
import { withDeadline } from '../../schema/kit/deadline.ts'

/** Why nothing more is read for an operation; what its resolvers throw from then on. */
export function tooSlow(msMax: number): GraphQLError {
  return new GraphQLError(`The query took longer than ${msMax} ms and was ended: ask for less at a time`, {
    extensions: { code: 'TIMEOUT' },
  })
}

/** The same for an operation whose client has closed its connection. */
export function clientGone(): GraphQLError {
  return new GraphQLError('The client has gone', { extensions: { code: GONE } })
}

const GONE = 'CLIENT_GONE'

/** Whether it is only for want of a client that there is no answer. */
export function isGone({ errors }: ExecutionResult): boolean {
  return errors?.some((e) => e.extensions.code === GONE) ?? false
}

/**
 * Answers within `msMax`, whatever `work` does, and aborts `stop` where that is late: from then on no statement is begun for
 * it. One that runs ends by the database's own bound, which is as long (cli/server/gatewayRole.ts), so that nobody else who shares it is
 * cut off.
 */
export async function within(
  msMax: number,
  stop: AbortController,
  work: () => Promise<ExecutionResult>,
): Promise<ExecutionResult> {
  return await withDeadline(work(), msMax, () => {
    const error = tooSlow(msMax)
    stop.abort(error)
    return { data: null, errors: [error] }
  })
}
