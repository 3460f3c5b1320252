import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

/** First byte of a sealed cursor. Plain ones begin with 1 (the feed) or with `[` (lists). */
const sealedFormat = 2
const saltBytes = 16
const tagBytes = 16
const lengthBytes = 4
/** The length of the content would reveal how many digits a number has. */
const paddedBytes = 64
const keyBytes = 32
/** A Feistel network of four rounds is a permutation that only the key reveals. */
const roundsMin = 4
const halfBits = 15
const halfMask = 2 ** halfBits - 1

/** Each text has a key of its own, made from its salt, so one nonce is enough for all. */
const nonce = Buffer.alloc(12)

/**
 * Seals the cursors of callers with row rights by AES-256-GCM. Plain cursors hold numbers that
 * count the rows of all callers, such as positions of the feed. Two cursors of one place differ, so
 * they do not even reveal that nothing happened in between. The first key seals, and all of them
 * open: add a key in front, and remove the last one when its cursors are no longer needed.
 */
export class CursorSeal {
  readonly #keys: readonly Buffer[]

  /** `secrets`: of 32 characters or more, the same for all processes of an installation. */
  constructor(secrets: readonly string[]) {
    this.#keys = secrets.map((secret) =>
      Buffer.from(hkdfSync('sha256', secret, '', 'touchstone cursors', keyBytes)),
    )
  }

  /** `purpose` is part of the seal: a cursor opens only for the purpose it was sealed for. */
  seal(purpose: string, content: Buffer): string {
    const [key] = this.#keys
    if (!key) throw new Error('there is no key to seal cursors with')
    const length = Buffer.alloc(lengthBytes)
    length.writeUInt32BE(content.length)
    const used = lengthBytes + content.length
    const padding = Buffer.alloc(Math.ceil(used / paddedBytes) * paddedBytes - used)
    const salt = randomBytes(saltBytes)
    const cipher = createCipheriv('aes-256-gcm', keyOf(key, salt), nonce).setAAD(
      Buffer.from(purpose),
    )
    const sealed = Buffer.concat([
      cipher.update(Buffer.concat([length, content, padding])),
      cipher.final(),
    ])
    return Buffer.concat([Buffer.of(sealedFormat), salt, cipher.getAuthTag(), sealed]).toString(
      'base64url',
    )
  }

  /**
   * Returns another number of 30 bits for a number of 30 bits, always the same one, and a different
   * one for each. For numbers that count all rows and yet have to identify one.
   */
  disguise(purpose: string, number: number): number {
    const [key] = this.#keys
    if (!key) throw new Error('there is no key to disguise numbers with')
    let [left, right] = [number >> halfBits, number & halfMask]
    for (let round = 0; round < roundsMin; round++) {
      const mixed = createHmac('sha256', key).update(`${purpose} ${round} ${right}`).digest()
      ;[left, right] = [right, left ^ (mixed.readUInt16BE() & halfMask)]
    }
    return left * 2 ** halfBits + right
  }

  /** Returns the content of a text; null if no key of this installation sealed it for `purpose`. */
  open(purpose: string, text: string): Buffer | null {
    const bytes = Buffer.from(text, 'base64url')
    if (!isSealed(text) || bytes.toString('base64url') !== text) return null
    const salt = bytes.subarray(1, 1 + saltBytes)
    const tag = bytes.subarray(1 + saltBytes, headBytes)
    const sealed = bytes.subarray(headBytes)
    if (sealed.length === 0) return null
    for (const key of this.#keys) {
      const opened = decrypt(keyOf(key, salt), purpose, tag, sealed)
      if (opened) return opened.subarray(lengthBytes, lengthBytes + opened.readUInt32BE())
    }
    return null
  }
}

const headBytes = 1 + saltBytes + tagBytes

/** Returns whether a text begins like a sealed cursor. */
export function isSealed(text: string): boolean {
  return Buffer.from(text.slice(0, 4), 'base64url')[0] === sealedFormat
}

function keyOf(key: Buffer, salt: Buffer): Buffer {
  return createHmac('sha256', key).update(salt).digest()
}

/** Returns null if the text was not sealed with this key. */
function decrypt(key: Buffer, purpose: string, tag: Buffer, sealed: Buffer): Buffer | null {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
    .setAAD(Buffer.from(purpose))
    .setAuthTag(tag)
  const opened = decipher.update(sealed)
  try {
    return Buffer.concat([opened, decipher.final()])
  } catch (e) {
    // The only error of `final` without a code is that the tag does not fit.
    if (e instanceof Error && /authenticate/.test(e.message)) return null
    throw e
  }
}
