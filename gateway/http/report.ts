import { isTransientDatabaseError } from '../../subgraphs/contract.ts'

/** Why a server does not listen, in words that say what to do. */
export function explainListen(e: NodeJS.ErrnoException, host: string, port: number): Error {
  if (e.code === 'EADDRINUSE')
    return new Error(`port ${port} on ${host} is in use: stop what listens there, or set TOUCHSTONE_PORT to a free one`)
  if (e.code === 'EACCES') return new Error(`port ${port} may not be opened by this user: use one above 1023`)
  return e
}

/**
 * Name, code, message and stack; not the fields a driver adds, which hold parameters and so personal data. When the
 * database is away every request says so, and where it was asked from is of no use.
 */
export function describeError(err: unknown): object {
  if (!(err instanceof Error)) return { message: String(err) }
  const code = 'code' in err ? { code: String(err.code) } : {}
  if (isTransientDatabaseError(err)) return { name: err.name, ...code, message: err.message }
  return { name: err.name, ...code, message: err.message, stack: err.stack }
}
