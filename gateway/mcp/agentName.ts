const nameCharsMax = 60
const PREFIX = 'mcp1.'
const NAME = /^[A-Za-z0-9][A-Za-z0-9 ._/@+-]{0,59}$/

/** The agent of a client that states no name. */
export const UNNAMED = 'unnamed'

/** Returns name and version of a client program as one plain name. Other characters become `-`. */
export function agentName(client: { name?: unknown; version?: unknown } | undefined): string {
  const given = [client?.name, client?.version]
    .filter((part) => typeof part === 'string')
    .join(' ')
    .replace(/[^A-Za-z0-9 ._/@+-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, nameCharsMax)
    .trim()
  return NAME.test(given) ? given : UNNAMED
}

/**
 * Returns the session id of a client. It is its name alone and gives no rights: each request is
 * authenticated by its own token, so there is nothing to store, to bound or to steal.
 */
export function sessionIdOf(agent: string): string {
  return `${PREFIX}${Buffer.from(agent).toString('base64url')}`
}

/** Returns the name in a session id, or null if it is no session id of this server. */
export function agentOfSession(sessionId: string): string | null {
  if (!sessionId.startsWith(PREFIX) || sessionId.length > 2 * nameCharsMax) return null
  const name = Buffer.from(sessionId.slice(PREFIX.length), 'base64url').toString('latin1')
  return NAME.test(name) && sessionIdOf(name) === sessionId ? name : null
}
