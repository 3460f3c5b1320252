import { Buffer, isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { ACTOR_NAMES, isActorName } from '../../schema/kit/actorName.ts'
import { All, type Caller, type Callers, type Refusal, unauthenticated } from './caller.ts'
import { DEVELOPMENT_SECRET_FILE, DEVELOPMENT_SECRET_PREFIX } from './developmentSecret.ts'
import { refuseIndirect } from './direct.ts'
import { isSameHost } from './origins.ts'
import { isFromOwnUser } from './ownUser.ts'

/** How credentials become callers. Kinds of credentials that are left out are not accepted. */
export interface CallersOptions {
  /** Verifies a token. */
  token?: ((token: string) => Promise<Caller>) | undefined
  /** Verifies an API key. */
  key?: ((text: string) => Promise<Caller>) | undefined
  /** Origins of web pages that may use the gateway, beside pages of its own host. */
  origins?: Iterable<string> | undefined
}

export interface LocalCallersOptions extends CallersOptions {
  /** Returns true for the secret of this start. */
  isSecret: (text: string) => boolean
  /** Whether a process of our own user needs no secret. */
  acceptsOwnUser?: boolean | undefined
  /** Names that the Host header may have besides those of loopback. */
  hostsAllowed?: readonly string[] | undefined
}

/**
 * Creates the callers of a server without authentication. It serves only this machine, where a
 * request of our own user, or with the secret of this start, is the development caller with all
 * scopes. Other users of the machine, web pages in the developer's browser and proxies reach the
 * port too, but do not know the secret. Host names of others (DNS rebinding), foreign origins and
 * forwarded requests are rejected besides. The headers x-touchstone-actor and x-touchstone-roles
 * set the developer's name and roles, so that stewardship can be tried with several people.
 */
export function localCallers(options: LocalCallersOptions): Callers {
  const hosts = new Set(options.hostsAllowed)
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
    isLocal: true,
    origins,
    refuse: (req) => refuseIndirect(req, hosts) ?? refuseOrigin(req, origins),
    async identify({ bearer, headers, request }) {
      if (bearer === null) {
        if (options.acceptsOwnUser && request && (await isFromOwnUser(request)))
          return developer(headers, whole)
        throw unauthenticated(
          `Open the link that "npx touchstone link" prints, or send "Authorization: Bearer" with the content of the file ${DEVELOPMENT_SECRET_FILE} in the data directory`,
        )
      }
      if (!bearer.startsWith(DEVELOPMENT_SECRET_PREFIX)) return await verify(bearer, options)
      if (options.isSecret(bearer)) return developer(headers, whole)
      throw unauthenticated(
        `This is not the secret of the latest start: open the link that "npx touchstone link" prints, or read the file ${DEVELOPMENT_SECRET_FILE} in the data directory again`,
      )
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
    isLocal: false,
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

/**
 * Refuses requests of web pages of other origins. Cookies are never credentials here, but a proxy
 * in front may add credentials to what a browser sends.
 */
function refuseOrigin(req: IncomingMessage, allowed: ReadonlySet<string>): Refusal | null {
  const { origin, host = '' } = req.headers
  const isForeign =
    origin === undefined
      ? isForeignWithoutOrigin(req)
      : !allowed.has(origin) && !isSameHost(origin, host)
  if (!isForeign) return null
  return {
    status: 403,
    code: 'ORIGIN_NOT_ALLOWED',
    message:
      'Web pages of this origin may not send requests here; allow it with TOUCHSTONE_ORIGINS_ALLOWED',
  }
}

/**
 * Browsers name no origin for the GET of an image, a script, a form or a link of another page, but
 * its site. Another port of this host is the same site, and still another page. A link to a page
 * without parameters runs nothing.
 */
function isForeignWithoutOrigin({ headers, method, url = '' }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  if (site !== 'cross-site' && site !== 'same-site') return false
  return method !== 'GET' || url.includes('?') || headers['sec-fetch-mode'] !== 'navigate'
}

function developer(headers: IncomingHttpHeaders, whole: Caller): Caller {
  const actor = headers['x-touchstone-actor']
  const roles = headers['x-touchstone-roles']
  return {
    ...whole,
    actor: typeof actor === 'string' && actor !== '' ? actorOf(actor) : whole.actor,
    roles: typeof roles === 'string' && roles !== '*' ? rolesOf(roles) : whole.roles,
  }
}

/** Node reads the bytes of a header as Latin-1; clients write names in UTF-8. */
function actorOf(header: string): string {
  const bytes = Buffer.from(header, 'latin1')
  const actor = isUtf8(bytes) ? bytes.toString('utf8') : header
  if (!isActorName(actor))
    throw unauthenticated(`The header x-touchstone-actor must be ${ACTOR_NAMES}`)
  return actor
}

function rolesOf(header: string): Set<string> {
  return new Set(
    header
      .split(',')
      .map((r) => r.trim())
      .filter((r) => r !== '' && r !== '-'),
  )
}
