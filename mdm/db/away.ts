/**
 * Whether an error says that the database is away for now, and not that a statement was wrong: SQLSTATE classes 08
 * (connection), 57P (shutdown, start-up) and 53 (no room, no memory, too many connections), and what the driver and the
 * system say of lost and refused connections, of several addresses at once too. ENOENT: its Unix socket is not there.
 */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isDatabaseAway)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return (
    /^(08|57P|53)/.test(code) ||
    /^(CONNECTION_|CONNECT_|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|ENOENT|EAI_AGAIN)/.test(code)
  )
}
