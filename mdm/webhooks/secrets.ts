import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const prefix = 'whsec_'
const madeBytes = 32
/** Minimum length of a given secret, as Standard Webhooks requires. */
export const secretBytesMin = 24
export const secretBytesMax = 64

export function makeSecret(): string {
  return prefix + randomBytes(madeBytes).toString('base64')
}

/** Returns whether a secret is `whsec_` and base64 of 24 to 64 bytes. */
export function isSecret(text: string): boolean {
  if (!text.startsWith(prefix)) return false
  const bytes = Buffer.from(text.slice(prefix.length), 'base64')
  if (bytes.toString('base64') !== text.slice(prefix.length)) return false
  return bytes.length >= secretBytesMin && bytes.length <= secretBytesMax
}

/** None of the keys of this process opens a secret. */
export class SealedError extends Error {
  override name = 'SealedError'
  constructor(cause?: unknown) {
    super(
      'a secret of a webhook is sealed under a key that this process does not have: set TOUCHSTONE_WEBHOOK_KEY as it was',
      { cause },
    )
  }
}

const PLAIN = 0
const AES_256_GCM = 1
const ivBytes = 12
const tagBytes = 16

/**
 * Seals secrets for the database with AES-256-GCM under the first of the installation's keys, bound
 * to their endpoint, so that a copy in another row does not open; any of the keys opens. Signing
 * needs the plain secret, so a hash would not do. Without a key secrets are stored in plain text,
 * as safe as the database.
 */
export class Vault {
  readonly #keys: readonly Buffer[]

  /** Keys of 32 bytes. */
  constructor(keys: readonly Buffer[]) {
    this.#keys = keys
  }

  seal(webhook: string, secret: string): Uint8Array {
    const [key] = this.#keys
    if (!key) return Buffer.concat([Buffer.of(PLAIN), Buffer.from(secret)])
    const iv = randomBytes(ivBytes)
    const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(webhook))
    const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
    return Buffer.concat([Buffer.of(AES_256_GCM), iv, cipher.getAuthTag(), sealed])
  }

  /** Throws if none of the keys opens it. */
  open(webhook: string, sealed: Uint8Array): string {
    const bytes = Buffer.from(sealed)
    if (bytes[0] === PLAIN) return bytes.toString('utf8', 1)
    const [iv, tag] = [
      bytes.subarray(1, 1 + ivBytes),
      bytes.subarray(1 + ivBytes, 1 + ivBytes + tagBytes),
    ]
    for (const key of this.#keys) {
      const decipher = createDecipheriv('aes-256-gcm', key, iv)
        .setAAD(Buffer.from(webhook))
        .setAuthTag(tag)
      try {
        const text = decipher.update(bytes.subarray(1 + ivBytes + tagBytes))
        return Buffer.concat([text, decipher.final()]).toString('utf8')
      } catch (e) {
        if (key === this.#keys.at(-1)) throw new SealedError(e)
      }
    }
    throw new SealedError()
  }
}
