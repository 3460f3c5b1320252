import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { RequestInfo } from '../subgraphs/contract.ts'

/** Who may ask, and as whom. */
export interface Callers {
  /** Why a request is turned away before it is read, or null. */
  refuse(req: IncomingMessage): { status: number; code: string; message: string } | null
  /** `headers` are those of the request, or of the one that opened the connection. */
  identify(correlationId: string, headers?: IncomingHttpHeaders): RequestInfo
}

const actorCharsMax = 200
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/** A set of scopes or roles that has every one of them. */
class All extends Set<string> {
  override has(): boolean {
    return true
  }
}

/**
 * Without authentication only this machine is served, and whoever asks is the development caller with all scopes. A web
 * page that the developer has open is not this machine: it can make the browser send requests here, so a name that is
 * not ours (DNS rebinding) and a foreign origin are turned away. So that stewardship can be tried with several people, the
 * headers x-touchstone-actor and x-touchstone-roles say as whom the developer acts.
 */
export function localCallers(hostsAllowed: readonly string[] = []): Callers {
  const hosts = new Set([...LOOPBACK, ...hostsAllowed])
  const scopes: ReadonlySet<string> = new All()
  return {
    refuse(req) {
      const host = req.headers.host ?? ''
      if (!hosts.has(host.replace(/:\d+$/, '')))
        return {
          status: 421,
          code: 'HOST_NOT_ALLOWED',
          message: `This server answers to ${[...hosts].join(', ')}; set TOUCHSTONE_HOSTS_ALLOWED for other names`,
        }
      const { origin } = req.headers
      if (origin !== undefined && !sameHost(origin, host))
        return { status: 403, code: 'ORIGIN_NOT_ALLOWED', message: 'Pages of other sites may not ask here' }
      return null
    },
    identify(correlationId, headers) {
      const actor = headers?.['x-touchstone-actor']
      const roles = headers?.['x-touchstone-roles']
      return {
        correlationId,
        scopes,
        actor: typeof actor === 'string' && actor !== '' ? actor.slice(0, actorCharsMax) : 'development',
        roles: typeof roles === 'string' && roles !== '*' ? rolesOf(roles) : new All(),
      }
    },
  }
}

function sameHost(origin: string, host: string): boolean {
  try {
    return new URL(origin).host === host
  } catch {
    return false // "null" of a sandboxed page, or no URL at all
  }
}

function rolesOf(header: string): Set<string> {
  return new Set(
    header
      .split(',')
      .map((r) => r.trim())
      .filter((r) => r !== '' && r !== '-'),
  )
}
