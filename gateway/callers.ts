import type { IncomingMessage } from 'node:http'
import type { RequestInfo } from '../subgraphs/contract.ts'

/** Who may ask, and as whom. */
export interface Callers {
  /** Why a request is turned away before it is read, or null. */
  refuse(req: IncomingMessage): { status: number; code: string; message: string } | null
  identify(correlationId: string): RequestInfo
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/** A set of scopes that has every one of them. */
class AllScopes extends Set<string> {
  override has(): boolean {
    return true
  }
}

/**
 * Without authentication only this machine is served, and whoever asks is the development caller with all scopes. A web
 * page that the developer has open is not this machine: it can make the browser send requests here, so a name that is
 * not ours (DNS rebinding) and a foreign origin are turned away.
 */
export function localCallers(hostsAllowed: readonly string[] = []): Callers {
  const hosts = new Set([...LOOPBACK, ...hostsAllowed])
  const scopes: ReadonlySet<string> = new AllScopes()
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
    identify: (correlationId) => ({ correlationId, scopes }),
  }
}

function sameHost(origin: string, host: string): boolean {
  try {
    return new URL(origin).host === host
  } catch {
    return false // "null" of a sandboxed page, or no URL at all
  }
}
