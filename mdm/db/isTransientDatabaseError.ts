/**
 * SQLSTATEs of a server that is away or overloaded for now. In class 57 that is a shutdown, a
 * crash, a start-up or an ended idle session, but not 57014 (the statement was canceled) and not
 * 57P04 (the database was dropped). In class 53 it is too little disk, memory or connections, but
 * not 53400: the statement itself exceeds a configured limit.
 */
const SQLSTATES = /^(08(?!P01)...|57P0[1235]|53(?!400)...)$/
/**
 * The server or pooler reported a protocol violation: a wrong message, or PgBouncer's word for "my
 * server is away".
 */
const PROTOCOL_VIOLATION = '08P01'

const CODES = new Set([
  // The driver: the connection was lost or not made in time, or its pool is closing, as at the end
  // of a process.
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'CONNECT_TIMEOUT',
  // Sockets and the resolver. EMFILE and ENFILE: this machine has no file handle left for a socket.
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EMFILE',
  'ENFILE',
])

/**
 * True if the error says that the database cannot be reached or has no room at present, so that
 * waiting may help. False for errors of a statement and for conflicts between transactions, which
 * `transaction` retries.
 */
export function isTransientDatabaseError(error: unknown): boolean {
  // Node reports one error for each address of a host. Any that may pass is reason to wait.
  if (error instanceof AggregateError) return error.errors.some(isTransientDatabaseError)
  if (!(error instanceof Error && 'code' in error)) return false
  const code = String(error.code)
  // A file that is missing has this code too; only a missing Unix socket is a server that is not
  // there yet.
  if (code === 'ENOENT') return 'syscall' in error && error.syscall === 'connect'
  if (code === PROTOCOL_VIOLATION) return endedConnection(error)
  return CODES.has(code) || SQLSTATES.test(code)
}

/** PgBouncer states the severity in the localised field only. */
function endedConnection(error: Error & { severity?: unknown; severity_local?: unknown }): boolean {
  return (error.severity ?? error.severity_local) === 'FATAL'
}
