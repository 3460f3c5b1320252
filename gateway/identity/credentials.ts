import type { IncomingHttpHeaders } from 'node:http'
import { type Credentials, unauthenticated } from './caller.ts'

/** Node accepts headers of 16 KiB; a value over a WebSocket could be longer. */
const bearerCharsMax = 16_384

/**
 * Reads credentials from `Authorization: Bearer …` or `X-Api-Key`. Over graphql-ws, connection
 * parameters of these names take precedence over the headers of the upgrade. The URL is never read:
 * it appears in logs and histories. Throws HttpError if credentials are malformed or ambiguous:
 * they are never ignored in favour of fewer rights.
 */
export function credentialsOf(
  headers: IncomingHttpHeaders,
  params?: Readonly<Record<string, unknown>>,
): Credentials {
  const given = new Map(
    Object.entries(params ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  )
  const fromParams =
    given.get('authorization') !== undefined || given.get('x-api-key') !== undefined
  const of = (name: 'authorization' | 'x-api-key') => (fromParams ? given.get(name) : headers[name])
  const found = [bearerOf(of('authorization')), keyOf(of('x-api-key'))].filter((b) => b !== null)
  if (found.length > 1) throw unauthenticated('Send a token or an API key, not both')
  return { bearer: found[0] ?? null, headers }
}

function bearerOf(value: unknown): string | null {
  if (value === undefined || value === null) return null
  const [, bearer] =
    /^Bearer +([\x21-\x7e]+) *$/i.exec(typeof value === 'string' ? value : '') ?? []
  if (bearer === undefined || bearer.length > bearerCharsMax)
    throw unauthenticated('Send "Authorization: Bearer" with one token or API key after it')
  return bearer
}

function keyOf(value: unknown): string | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'string' || !value.startsWith('tsk_') || value.length > bearerCharsMax)
    throw unauthenticated('X-Api-Key takes one API key, as "npx touchstone keys create" printed it')
  return value
}
