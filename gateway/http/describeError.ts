import { isTransientDatabaseError } from '../../subgraphs/contract.ts'

/**
 * Returns the loggable parts of an error: name, code, message and stack. The fields of a driver are
 * left out: they hold parameters and therefore personal data. While the database is unreachable
 * every request fails, so the stack is left out as well.
 */
export function describeError(err: unknown): object {
  if (!(err instanceof Error)) return { message: String(err) }
  const code = 'code' in err ? { code: String(err.code) } : {}
  if (isTransientDatabaseError(err)) return { name: err.name, ...code, message: err.message }
  return { name: err.name, ...code, message: err.message, stack: err.stack }
}
