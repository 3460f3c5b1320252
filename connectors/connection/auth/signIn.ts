import type { AuthDefinition, OAuthDefinition } from '../definition/auth.ts'
import type { Template } from '../definition/template.ts'
import { signAssertion } from './assertion.ts'
import type { Credential } from './credential.ts'
import { readToken } from './tokenAnswer.ts'

/** Writes a text of `auth:` with settings and secrets, which are read again each time. */
export type WriteText = (template: Template) => Promise<string>

/** Asks the token endpoint. Throws ConnectionError. */
export type AskToken = (
  url: string,
  form: readonly (readonly [string, string])[],
  headers: ReadonlyMap<string, string>,
) => Promise<unknown>

export interface SignInParts {
  source: string
  write: WriteText
  ask: AskToken
  /** The secrets that have been read. */
  secrets: ReadonlySet<string>
  now: number
  /** The newest refresh token that the system gave; null before. */
  refreshed: { token: string | null }
}

/** Without a sign-in, secrets are read again after this time. */
const fixedMsMax = 300_000

/** Signs in as a definition says. Throws ConnectionError. */
export async function signIn(auth: AuthDefinition, parts: SignInParts): Promise<Credential> {
  const { write, secrets, now } = parts
  const fixed = (headers: [string, string][], hidden: string[] = []): Credential => ({
    headers: new Map(headers),
    values: new Map(),
    expiresAt: now + fixedMsMax,
    secrets: [...secrets, ...hidden],
  })
  switch (auth.how) {
    case 'none':
      return fixed([])
    case 'header': {
      const headers: [string, string][] = []
      for (const [name, template] of auth.headers)
        headers.push([name.toLowerCase(), await write(template)])
      return fixed(headers)
    }
    case 'basic': {
      const value = basicOf(await write(auth.user), await write(auth.password))
      return fixed([['authorization', value]], [value.slice('Basic '.length)])
    }
    case 'oauth2':
      return await exchangeGrant(auth, parts)
  }
}

async function exchangeGrant(auth: OAuthDefinition, parts: SignInParts): Promise<Credential> {
  const { write, ask, now, refreshed } = parts
  const url = await write(auth.token)
  const form: [string, string][] = []
  const headers = new Map<string, string>([['accept', 'application/json']])
  const optional = async (name: string, template: Template | null) => {
    if (template) form.push([name, await write(template)])
  }
  switch (auth.grant) {
    case 'clientCredentials':
      form.push(['grant_type', 'client_credentials'])
      break
    case 'refreshToken':
      form.push(['grant_type', 'refresh_token'])
      form.push(['refresh_token', refreshed.token ?? (await written(auth.refreshToken))])
      break
    case 'jwtBearer':
      form.push(['grant_type', 'urn:ietf:params:oauth:grant-type:jwt-bearer'])
      form.push(['assertion', await assertion()])
      break
    case 'privateKeyJwt':
      form.push(['grant_type', 'client_credentials'])
      form.push(['client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'])
      form.push(['client_assertion', await assertion()])
  }
  if (auth.clientIn === 'basic' && auth.clientId && auth.clientSecret) {
    // RFC 6749, 2.3.1: both are encoded as in a form before they are joined.
    const [id, secret] = [await write(auth.clientId), await write(auth.clientSecret)]
    headers.set('authorization', basicOf(encodeURIComponent(id), encodeURIComponent(secret)))
  } else {
    await optional('client_id', auth.clientId)
    await optional('client_secret', auth.clientSecret)
  }
  await optional('scope', auth.scope)
  for (const [name, template] of auth.form) form.push([name, await write(template)])

  const given = await ask(url, form, headers).catch((e: unknown) => {
    // The next attempt uses the configured one: it may be newer than the one the system gave.
    refreshed.token = null
    throw e
  })
  const answer = readToken(auth, given, { source: parts.source, now })
  if (auth.grant === 'refreshToken') refreshed.token = answer.refreshToken ?? refreshed.token
  return {
    headers: new Map([[auth.header.toLowerCase(), `${auth.prefix}${answer.token}`]]),
    values: answer.values,
    expiresAt: answer.expiresAt,
    secrets: [
      ...parts.secrets,
      ...[answer.token, answer.refreshToken, refreshed.token].filter((s) => s !== null),
    ],
  }

  async function written(template: Template | null): Promise<string> {
    return template ? await write(template) : ''
  }

  async function assertion(): Promise<string> {
    const claims: [string, string][] = []
    for (const [name, template] of auth.claims) claims.push([name, await write(template)])
    return await signAssertion({
      source: parts.source,
      privateKey: await written(auth.privateKey),
      algorithm: auth.algorithm,
      keyId: auth.keyId ? await write(auth.keyId) : null,
      claims: new Map(claims),
      now,
      lifetimeMs: auth.assertionMs,
    })
  }
}

function basicOf(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
}
