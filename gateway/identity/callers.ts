import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { All, type Caller, type Callers, unauthenticated } from './caller.ts'
import { isLoopback } from './loopback.ts'
import { isSameHost } from './origins.ts'

const actorCharsMax = 200
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
/** Headers that proxies and tunnels add. */
const FORWARDED = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip']

/** How credentials become callers. Kinds of credentials that are left out are not accepted. */
export interface CallersOptions {
  /** Verifies a token. */
  token?: ((token: string) => Promise<Caller>) | undefined
  /** Verifies an API key. */
  key?: ((text: string) => Promise<Caller>) | undefined
  /** Origins of web pages that may use the gateway, beside pages of its own host. */
  origins?: Iterable<string> | undefined
}

/**
 * Creates the callers of a server without authentication. It serves only this machine, where a
 * request without credentials is the development caller with all scopes. A web page open in the
 * developer's browser can send requests here too. Unknown host names (DNS rebinding), foreign
 * origins that are not allowed and forwarded requests are therefore rejected. The headers x-touchstone-actor and
 * x-touchstone-roles set the developer's name and roles, so that stewardship can be tried with
 * several people. Credentials are checked nevertheless: an invalid token is rejected and never
 * becomes the development caller.
 */
export function localCallers(
  hostsAllowed: readonly string[] = [],
  options: CallersOptions = {},
): Callers {
  const hosts = new Set([...LOOPBACK, ...hostsAllowed])
  const origins = new Set(options.origins)
  const all = new All()
  const whole: Caller = {
    actor: 'development',
    scopes: all,
    roles: all,
    regions: ['*'],
    legalEntities: ['*'],
    via: 'DEVELOPMENT',
    expiresAt: null,
  }
  return {
    open: true,
    origins,
    refuse(req) {
      const host = req.headers.host ?? ''
      if (!hosts.has(host.replace(/:\d+$/, '')) || !isLoopback(req.socket.remoteAddress ?? ''))
        return {
          status: 421,
          code: 'HOST_NOT_ALLOWED',
          message: `This server accepts only the host names ${[...hosts].join(', ')}; allow others with TOUCHSTONE_HOSTS_ALLOWED`,
        }
      // A proxy or tunnel on this machine that uses our own name makes every sender look local.
      if (
        LOOPBACK.includes(host.replace(/:\d+$/, '')) &&
        FORWARDED.some((name) => Object.hasOwn(req.headers, name))
      )
        return {
          status: 403,
          code: 'FORWARDED',
          message:
            'Without authentication only direct requests from this machine are accepted, none through a proxy: set TOUCHSTONE_AUTHENTICATION=required',
        }
      return refuseOrigin(req, origins)
    },
    async identify({ bearer, headers }) {
      return bearer === null ? developer(headers, whole) : await verify(bearer, options)
    },
  }
}

/**
 * Creates the callers of a server with authentication. Requests without credentials are rejected;
 * the name in the Host header does not matter.
 */
export function authenticatedCallers(options: CallersOptions): Callers {
  const origins = new Set(options.origins)
  return {
    open: false,
    origins,
    refuse: (req) => refuseOrigin(req, origins),
    async identify({ bearer }) {
      if (bearer === null)
        throw unauthenticated(
          'Say who you are: "Authorization: Bearer" with a token or an API key, or X-Api-Key',
        )
      return await verify(bearer, options)
    },
  }
}

async function verify(bearer: string, { token, key }: CallersOptions): Promise<Caller> {
  const isKey = bearer.startsWith('tsk_')
  const verifier = isKey ? key : token
  if (!verifier) throw unauthenticated(`${isKey ? 'API keys' : 'Tokens'} are not taken here`)
  const caller = await verifier(bearer)
  return isKey ? caller : { ...caller, bearer }
}

function refuseOrigin(
  req: IncomingMessage,
  allowed: ReadonlySet<string>,
): ReturnType<Callers['refuse']> {
  const { origin, host = '' } = req.headers
  if (origin === undefined || allowed.has(origin) || isSameHost(origin, host)) return null
  return {
    status: 403,
    code: 'ORIGIN_NOT_ALLOWED',
    message:
      'Web pages of this origin may not send requests here; allow it with TOUCHSTONE_ORIGINS_ALLOWED',
  }
}

function developer(headers: IncomingHttpHeaders, whole: Caller): Caller {
  const actor = headers['x-touchstone-actor']
  const roles = headers['x-touchstone-roles']
  return {
    ...whole,
    actor: typeof actor === 'string' && actor !== '' ? actor.slice(0, actorCharsMax) : whole.actor,
    roles: typeof roles === 'string' && roles !== '*' ? rolesOf(roles) : whole.roles,
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
