import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A certified OpenID provider of others, on this machine, with one public client. */
export interface OpenIdProvider {
  issuer: string
  /** What the next tokens are. They can be changed at any time. */
  tokens: { audience: string; seconds: number; refresh: boolean }
  /** Changes the address at which the next sign-in returns, once. */
  tamper: ((address: URL) => void) | null
  /** The events of the provider so far, for example `refresh_token.consumed`. */
  events: string[]
  close(): Promise<void>
}

/** A resource is named by a URI; the audience of its tokens is another matter. */
const RESOURCE = 'urn:touchstone'
export const CLIENT = 'touchstone-console'
const EVENTS = [
  'access_token.issued',
  'refresh_token.consumed',
  'grant.revoked',
  'end_session.success',
  'grant.error',
]

/**
 * Starts the provider for a console on this origin. Names of people are their roles: `admin` may do
 * everything, and everybody's password is right.
 */
export async function openIdProvider(origin: string): Promise<OpenIdProvider> {
  const { default: Provider } = await import('oidc-provider')
  const { exportJWK, generateKeyPair } = await import('jose')
  const listening = createServer()
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
  const at: Omit<OpenIdProvider, 'close'> = {
    issuer,
    tokens: { audience: 'touchstone', seconds: 300, refresh: true },
    tamper: null,
    events: [],
  }
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT,
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [`${origin}/console/signed-in`],
        post_logout_redirect_uris: [`${origin}/console/signed-out`],
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'test' }] },
    cookies: { keys: ['for tests alone'] },
    clientBasedCORS: (_: unknown, from: string) => from === origin,
    // As most issuers do for the client of a page; by default this one wants a consent each time.
    issueRefreshToken: () => at.tokens.refresh,
    extraTokenClaims: (_: unknown, { accountId }: { accountId: string }) => ({
      roles: [accountId],
    }),
    features: {
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: '',
          audience: at.tokens.audience,
          accessTokenTTL: at.tokens.seconds,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  })
  for (const event of EVENTS) provider.on(event, () => at.events.push(event))
  const handle = provider.callback()
  listening.on('request', (req, res) => {
    const set = res.setHeader.bind(res)
    res.setHeader = (name, value) => {
      if (name.toLowerCase() !== 'location' || !`${value}`.startsWith(`${origin}/`))
        return set(name, value)
      const address = new URL(`${value}`)
      at.tamper?.(address)
      at.tamper = null
      return set(name, address.href)
    }
    handle(req, res)
  })
  return Object.assign(at, {
    async close() {
      listening.closeAllConnections()
      await new Promise((resolve) => listening.close(resolve))
    },
  })
}
