import { ownValue } from '../../schema/kit/dictionary.ts'
import { counted } from '../../schema/kit/numberText.ts'

/** Keys of one issuer. */
const keysMax = 100
/** Characters of any text of a key; a modulus has the most. */
const textCharsMax = 2_000
/** 8,192 bits in base64url. Checking a signature of a longer key takes many times as long. */
const modulusCharsMax = 1_366
/** 32 bits in base64url: a long exponent makes each check as slow as signing. */
const exponentCharsMax = 6

/** The public parts of a key that are used. Certificates, addresses and private parts are not. */
const TEXTS = ['kty', 'kid', 'use', 'alg', 'crv', 'x', 'y', 'n', 'e'] as const
const KINDS: ReadonlySet<unknown> = new Set(['RSA', 'EC', 'OKP'])

export interface PublicKey {
  kty: string
  [part: string]: string
}

/**
 * Returns the keys of a JSON Web Key Set that may check a signature, with only the parts that are
 * used. `report` receives how many were left out, because they are not public keys or exceed a
 * bound. Throws if the document is no key set, has too many keys or none that can be used.
 */
export function usableKeys(
  document: unknown,
  report: (why: string) => void,
): { keys: PublicKey[] } {
  const given = partOf(document, 'keys')
  if (!Array.isArray(given)) throw new Error('the document is no JSON Web Key Set: it has no keys')
  if (given.length > keysMax)
    throw new Error(`the key set has ${given.length} keys; at most ${keysMax} are read`)
  const keys = given.flatMap((key) => publicKeyOf(key) ?? [])
  const left = given.length - keys.length
  if (left > 0 && keys.length === 0) throw new Error('the key set has no key that can be used')
  if (left > 0)
    report(
      `${counted(left, 'key of the issuer is', 'keys of the issuer are')} left out: no public key, or too large`,
    )
  return { keys }
}

function publicKeyOf(key: unknown): PublicKey | null {
  if (!KINDS.has(partOf(key, 'kty')) || !isForSignatures(key)) return null
  const parts: [string, string][] = []
  for (const name of TEXTS) {
    const text = partOf(key, name)
    if (text === undefined) continue
    if (typeof text !== 'string' || text.length > textCharsMax) return null
    parts.push([name, text])
  }
  const { n = '', e = '', ...rest } = Object.fromEntries(parts)
  if (n.length > modulusCharsMax || e.length > exponentCharsMax) return null
  return { ...rest, ...(n ? { n } : {}), ...(e ? { e } : {}), kty: rest.kty ?? '' }
}

/** A key for encryption may stand in the same set. */
function isForSignatures(key: unknown): boolean {
  const operations = partOf(key, 'key_ops')
  return !Array.isArray(operations) || operations.includes('verify')
}

function partOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? ownValue(value as Record<string, unknown>, name)
    : undefined
}
