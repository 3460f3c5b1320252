import { isTransientDatabaseError } from '../../subgraphs/contract.ts'

/**
 * Returns what the log may show of an error: name, code, message and stack; not the fields that a
 * driver adds, which hold parameters and so personal data. While the database cannot be reached
 * every request fails, and no stack says more.
 */
export function describeError(err: unknown): object {
  if (!(err instanceof Error)) return { message: String(err) }
  const code = 'code' in err ? { code: String(err.code) } : {}
  if (isTransientDatabaseError(err)) return { name: err.name, ...code, message: err.message }
  return { name: err.name, ...code, message: err.message, stack: err.stack }
}
