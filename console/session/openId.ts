/** Storage of one tab, for the way to the issuer and back. It never holds a token. */
const PENDING = 'touchstone-sign-in'
const RETURN_PATH = '/console/signed-in'
/** Where a sign-out ends. A page that is loaded there asks before it signs in again. */
export const SIGNED_OUT_PATH = '/console/signed-out'
/** A token is renewed when it ends within this time. */
const renewMs = 30_000

export interface OpenId {
  /** Completes a sign-in, or leaves the page for one. Throws why the issuer refused it. */
  start(): Promise<void>
  /** Returns the access token; renews it without the person where the issuer allows that. */
  token(): Promise<string | null>
  /** Leaves for the issuer; the person comes back to the same address. */
  leave(): Promise<never>
  forget(): void
  /**
   * Ends the sign-in at the issuer as far as it lets pages do that: it revokes the refresh token, and
   * returns the address at which the session there ends. Null if the issuer has none.
   */
  signOut(): Promise<string | null>
}

interface Tokens {
  access: string
  refresh: string | null
  id: string | null
  endsMs: number
}
interface Pending {
  state: string
  verifier: string
  address: string
}
/** What the discovery document of the issuer states. */
interface Endpoints {
  issuer: string
  authorization_endpoint: string
  token_endpoint: string
  revocation_endpoint?: string
  end_session_endpoint?: string
  authorization_response_iss_parameter_supported?: boolean
}

/**
 * Signs in by OpenID Connect: the code flow of a public client with PKCE (RFC 7636). The tokens are
 * in memory alone, so a page that is loaded again asks the issuer, which knows the person.
 */
export function openIdOf(at: { issuer: string; clientId: string; scopes: string }): OpenId {
  let tokens: Tokens | null = null
  let renewing: Promise<void> | null = null
  let endpoints: Promise<Endpoints> | null = null
  const discover = () => {
    endpoints ??= fetchJson<Endpoints>(
      `${at.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    )
      .then((found) => {
        if (found.issuer === at.issuer) return found
        throw new Error(
          `The issuer names itself ${found.issuer}, and the server names it ${at.issuer}`,
        )
      })
      .catch((e) => {
        endpoints = null
        throw e
      })
    return endpoints
  }
  const request = async (body: Record<string, string>) => {
    const { token_endpoint } = await discover()
    const given = await fetchJson<{
      access_token: string
      refresh_token?: string
      id_token?: string
      expires_in?: number
    }>(token_endpoint, new URLSearchParams({ client_id: at.clientId, ...body }))
    tokens = {
      access: given.access_token,
      // An issuer that does not rotate them returns none.
      refresh: given.refresh_token ?? tokens?.refresh ?? null,
      id: given.id_token ?? tokens?.id ?? null,
      endsMs: Date.now() + (given.expires_in ?? 300) * 1_000,
    }
  }
  const leave = async (): Promise<never> => {
    const { authorization_endpoint } = await discover()
    const pending: Pending = {
      state: random(),
      verifier: random(),
      address: location.pathname + location.search,
    }
    sessionStorage.setItem(PENDING, JSON.stringify(pending))
    const url = new URL(authorization_endpoint)
    const given = {
      response_type: 'code',
      client_id: at.clientId,
      redirect_uri: location.origin + RETURN_PATH,
      scope: at.scopes,
      state: pending.state,
      code_challenge: await challengeOf(pending.verifier),
      code_challenge_method: 'S256',
    }
    for (const [name, value] of Object.entries(given)) url.searchParams.set(name, value)
    location.assign(url)
    return await new Promise(() => {})
  }
  const complete = async (query: URLSearchParams) => {
    const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? 'null') as Pending | null
    sessionStorage.removeItem(PENDING)
    history.replaceState(null, '', pending?.address ?? '/console')
    const [error, code] = [query.get('error'), query.get('code')]
    if (error) throw new Error(query.get('error_description') ?? error)
    if (!pending || !code || query.get('state') !== pending.state)
      throw new Error('The sign-in was not begun in this tab, or was completed already')
    // Another issuer may have got hold of the code (RFC 9207).
    const { issuer, authorization_response_iss_parameter_supported: isNamed } = await discover()
    const by = query.get('iss')
    if (by === null ? isNamed : by !== issuer)
      throw new Error(`The sign-in was completed by another issuer than ${issuer}`)
    await request({
      grant_type: 'authorization_code',
      code,
      redirect_uri: location.origin + RETURN_PATH,
      code_verifier: pending.verifier,
    })
  }
  return {
    async start() {
      if (location.pathname === RETURN_PATH)
        return await complete(new URLSearchParams(location.search))
      await leave()
    },
    async token() {
      const refresh = tokens?.refresh
      if (tokens && refresh && tokens.endsMs - Date.now() < renewMs) {
        // A refusal shows when the graph refuses the old token.
        renewing ??= request({ grant_type: 'refresh_token', refresh_token: refresh })
          .catch(() => {})
          .finally(() => {
            renewing = null
          })
        await renewing
      }
      return tokens?.access ?? null
    },
    leave,
    forget() {
      tokens = null
    },
    async signOut() {
      const last = tokens
      tokens = null
      const { revocation_endpoint, end_session_endpoint } = await discover()
      // The session may end at the issuer all the same; the token ends by itself.
      if (revocation_endpoint && last?.refresh)
        await fetchJson(
          revocation_endpoint,
          new URLSearchParams({
            client_id: at.clientId,
            token: last.refresh,
            token_type_hint: 'refresh_token',
          }),
        ).catch(() => {})
      if (!end_session_endpoint) return null
      const url = new URL(end_session_endpoint)
      url.searchParams.set('client_id', at.clientId)
      url.searchParams.set('post_logout_redirect_uri', location.origin + SIGNED_OUT_PATH)
      if (last?.id) url.searchParams.set('id_token_hint', last.id)
      return url.href
    },
  }
}

async function fetchJson<T>(url: string, body?: URLSearchParams): Promise<T> {
  const response = await fetch(url, body ? { method: 'POST', body } : {}).catch(() => {
    throw new Error(
      `The issuer ${new URL(url).origin} does not respond, or does not allow requests of this page (CORS)`,
    )
  })
  const json = (await response.json().catch(() => ({}))) as T & {
    error?: string
    error_description?: string
  }
  if (!response.ok)
    throw new Error(
      json.error_description ?? json.error ?? `The issuer responds ${response.status}`,
    )
  return json
}

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)))
}

async function challengeOf(verifier: string): Promise<string> {
  if (!isSecureContext)
    throw new Error(
      'Sign-in needs https, or an address of this machine: browsers refuse it elsewhere',
    )
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))
  return base64url(new Uint8Array(digest))
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
}
