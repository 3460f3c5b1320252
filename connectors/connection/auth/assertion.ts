import { createPrivateKey, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { ConnectionError } from '../contract.ts'

export interface AssertionParts {
  source: string
  /** A PEM: PKCS#8, PKCS#1 or SEC1. */
  privateKey: string
  algorithm: string
  keyId: string | null
  claims: ReadonlyMap<string, string>
  /** Milliseconds since 1970. */
  now: number
  lifetimeMs: number
}

/**
 * Signs an assertion of a client (RFC 7523). Throws ConnectionError INVALID_KEY, which says nothing
 * of the key.
 */
export async function signAssertion(parts: AssertionParts): Promise<string> {
  const { algorithm, keyId, claims, now, lifetimeMs } = parts
  const seconds = Math.floor(now / 1_000)
  const header = { alg: algorithm, typ: 'JWT', ...(keyId === null ? {} : { kid: keyId }) }
  try {
    return await new SignJWT({ ...Object.fromEntries(claims), jti: randomUUID() })
      .setProtectedHeader(header)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + Math.floor(lifetimeMs / 1_000))
      .sign(createPrivateKey(parts.privateKey.replaceAll('\\n', '\n')))
  } catch {
    // The library's message may quote the key.
    throw new ConnectionError(
      'SIGN_IN',
      'INVALID_KEY',
      `${parts.source}: sign-in: the private key cannot sign with ${algorithm}: it must be a PEM without a password, of the kind that ${algorithm} needs`,
    )
  }
}
