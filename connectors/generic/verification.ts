import { createHash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { DeliveryHeaders, SignatureVerdict } from '../contract.ts'
import { failAt, type Located } from '../mapping/document.ts'
import {
  anyEqual,
  checkTimestamp,
  hmac,
  refuse,
  single,
  skewSecondsMax,
  standardWebhooks,
  type Verify,
} from '../signature.ts'
import { parseShape } from './parseShape.ts'

const toleranceSecondsMax = 3_600
/** Texts that are compared are at most this long, in characters; longer ones are wrong. */
const credentialCharsMax = 4_096

const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'must be the name of a header')

const part = z.union([
  z.enum(['body', 'timestamp', 'address']),
  z.strictObject({ text: z.string().min(1) }),
  z.strictObject({ header: headerName }),
])

const verifySchema = z.strictObject({
  standard: z.literal(true).optional(),
  basic: z.strictObject({ user: z.string().regex(/^[^:]+$/, 'must not hold a colon') }).optional(),
  token: z.strictObject({ header: headerName, prefix: z.string().optional() }).optional(),
  hmac: z.enum(['sha1', 'sha256', 'sha384', 'sha512']).optional(),
  header: headerName.optional(),
  as: z.enum(['hex', 'base64', 'base64url']).optional(),
  prefix: z.string().min(1).optional(),
  pair: z.string().min(1).optional(),
  over: z.array(part).min(1).optional(),
  timestamp: z
    .strictObject({
      header: headerName.optional(),
      pair: z.string().min(1).optional(),
      in: z.enum(['s', 'ms', 'iso']).default('s'),
    })
    .optional(),
  toleranceSeconds: z.int().min(1).max(toleranceSecondsMax).optional(),
  secretIs: z.enum(['text', 'base64', 'hex']).optional(),
})

type Spec = z.infer<typeof verifySchema>
type Part = z.infer<typeof part>

const METHODS = ['standard', 'basic', 'token', 'hmac'] as const

/**
 * Compiles `verify:` of a definition of events (connectors/generic/README.md). Throws ConfigError
 * with file and line for a definition that would accept what nobody signed. `address` is that of
 * the source's deliveries, where it is configured.
 */
export function compileVerification(place: Located, address: string | null): Verify {
  return Array.isArray(place.value) && place.value.length > 0
    ? anyOf(
        place.value.map((value, i) =>
          compileOne({ ...place, value, path: [...place.path, i] }, address),
        ),
      )
    : compileOne(place, address)
}

/** The first that accepts a delivery counts; else the one whose signature the delivery has. */
function anyOf(ways: readonly Verify[]): Verify {
  return (secrets, headers, body, now) => {
    const verdicts = ways.map((way) => way(secrets, headers, body, now))
    const [first] = verdicts
    const best =
      verdicts.find((v) => v.ok) ??
      verdicts.find((v) => !v.ok && v.code !== 'NO_SIGNATURE') ??
      verdicts.find((v) => !v.ok && v.challenge !== undefined) ??
      first
    if (!best) throw new Error('there is no way to verify a delivery')
    return best
  }
}

function compileOne(place: Located, address: string | null): Verify {
  const spec = parseShape(verifySchema, place, 'verify')
  const methods = METHODS.filter((m) => spec[m] !== undefined)
  if (methods.length !== 1)
    return failAt(place, `verify: needs exactly one of ${METHODS.join(', ')}`)
  if (spec.hmac) return compileHmac(spec, spec.hmac, place, address)
  const extra = Object.keys(spec).find((k) => k !== methods[0])
  if (extra !== undefined) return failAt(place, `${extra}: is only allowed beside hmac:`, [extra])
  if (spec.basic) return basic(spec.basic.user)
  if (spec.token) return token(spec.token.header, spec.token.prefix ?? '')
  return standardWebhooks
}

function compileHmac(
  spec: Spec,
  algorithm: string,
  place: Located,
  address: string | null,
): Verify {
  const { header, as, over, timestamp } = spec
  if (!header || !as || !over)
    return failAt(
      place,
      'hmac: needs header: with the name of the signature’s header, as: with its encoding and over: with the signed parts, as over: [timestamp, body]',
    )
  if (!over.includes('body'))
    return failAt(place, 'over: needs body, else any content would be accepted', ['over'])
  if (over.includes('timestamp') !== (timestamp !== undefined))
    return failAt(
      place,
      timestamp
        ? 'timestamp: must be one of the signed parts in over:, else it could be replaced'
        : 'over: names the timestamp, so timestamp: must name its header or pair',
      [timestamp ? 'timestamp' : 'over'],
    )
  if (timestamp && (timestamp.header === undefined) === (timestamp.pair === undefined))
    return failAt(place, 'timestamp: needs either header: or pair:', ['timestamp'])
  if (timestamp?.pair !== undefined && spec.pair === undefined)
    return failAt(place, 'timestamp: pair: needs pair: of the signature too', ['timestamp'])
  if (spec.toleranceSeconds !== undefined && !timestamp)
    return failAt(place, 'toleranceSeconds: needs timestamp:', ['toleranceSeconds'])
  const read =
    spec.pair === undefined ? plainSignatures(spec.prefix) : pairs(spec.pair, timestamp?.pair)
  const stamp = timestamp && { ...timestamp, tolerance: spec.toleranceSeconds ?? skewSecondsMax }
  const secretIs = spec.secretIs ?? 'text'
  const lacksAddress = over.includes('address') && address === null

  return (secrets, headers, body, now) => {
    if (lacksAddress)
      return refuse(
        'NO_SECRET',
        'signatures of this source system cover the address of its deliveries, which is not configured: give address: in sources.yaml, as the system has it',
      )
    const text = headerOf(headers, header)
    if (!text) return missing(header)
    const { signatures, timestamp: paired } = read(text)
    if (signatures.length === 0)
      return refuse('NO_SIGNATURE', `the header ${header} holds no signature of the expected form`)
    let signedAt = ''
    if (stamp) {
      signedAt = (stamp.header ? headerOf(headers, stamp.header) : paired) ?? ''
      if (!signedAt) return missing(stamp.header ?? `${header} with ${stamp.pair}=`)
    }
    const seconds = stamp ? secondsOf(signedAt, stamp.in) : 0
    if (seconds === null)
      return refuse(
        'NO_SIGNATURE',
        `the timestamp of the signature is not in the form "${stamp?.in}"`,
      )
    const parts: (string | Uint8Array)[] = []
    for (const p of over) {
      const value = partOf(p, { headers, signedAt, body, address })
      if (value === undefined)
        return missing(typeof p === 'object' && 'header' in p ? p.header : header)
      parts.push(value)
    }
    const keys = secrets.flatMap((s) => keyOf(s, secretIs) ?? [])
    if (keys.length === 0)
      return refuse(
        'NO_SECRET',
        `the secret of this source system is not ${secretIs}, as secretIs: states, so deliveries cannot be verified`,
      )
    const expected = keys.map((key) => hmac(key, parts, algorithm))
    const given = signatures.map((s) => Buffer.from(s, as))
    if (!anyEqual(given, expected)) return wrong(header)
    return (stamp && checkTimestamp(seconds, now, stamp.tolerance)) || { ok: true, id: null }
  }
}

interface Signed {
  headers: DeliveryHeaders
  signedAt: string
  body: Uint8Array
  address: string | null
}

function partOf(
  p: Part,
  { headers, signedAt, body, address }: Signed,
): string | Uint8Array | undefined {
  if (p === 'body') return body
  if (p === 'timestamp') return signedAt
  if (p === 'address') return address ?? undefined
  return 'text' in p ? p.text : headerOf(headers, p.header)
}

interface Signatures {
  signatures: string[]
  timestamp?: string | undefined
}

/** A header that holds signatures, each after the prefix; a sender lists several in a rotation. */
function plainSignatures(prefix = ''): (header: string) => Signatures {
  return (header) => ({
    signatures: header
      .split(/[\s,]+/)
      .filter((s) => s.length > prefix.length && s.startsWith(prefix))
      .map((s) => s.slice(prefix.length)),
  })
}

/** A header of pairs, as `t=1492774577,v1=5257a8…`, between commas or semicolons. */
function pairs(signature: string, timestamp: string | undefined): (header: string) => Signatures {
  return (header) => {
    const found = header.split(/[,;]/).map((p) => {
      const at = p.indexOf('=')
      return [p.slice(0, Math.max(at, 0)).trim(), p.slice(at + 1).trim()] as const
    })
    return {
      signatures: found.flatMap(([name, value]) => (name === signature && value ? [value] : [])),
      timestamp: found.find(([name]) => name === timestamp)?.[1],
    }
  }
}

/** Returns whole seconds since 1970, or null. */
function secondsOf(text: string, unit: 's' | 'ms' | 'iso'): number | null {
  if (unit === 'iso') {
    const ms = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:?\d{2})$/.test(text) ? Date.parse(text) : NaN
    return Number.isNaN(ms) ? null : Math.floor(ms / 1000)
  }
  if (!/^\d{1,15}$/.test(text)) return null
  return unit === 's' ? Number(text) : Math.floor(Number(text) / 1000)
}

/**
 * Returns the key of a secret; null for one that is not in its encoding. Decoded as far as it goes
 * it would be a short or empty key, with which anyone could sign.
 */
function keyOf(secret: string, secretIs: 'text' | 'base64' | 'hex'): string | Uint8Array | null {
  if (secretIs === 'text') return secret
  const form = secretIs === 'hex' ? /^(?:[0-9a-f]{2})+$/i : /^[\w+/-]{2,}={0,2}$/
  return form.test(secret) ? Buffer.from(secret, secretIs) : null
}

/** The secret is the password; both are compared, so that neither can be guessed alone. */
function basic(user: string): Verify {
  return (secrets, headers) => {
    const header = headerOf(headers, 'Authorization')
    if (!header) return { ...missing('Authorization'), challenge: 'Basic realm="touchstone"' }
    const given = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(header.trim())?.[1]
    if (given === undefined)
      return refuse('NO_SIGNATURE', 'the header Authorization must have the form Basic <base64>')
    const credentials = Buffer.from(given, 'base64').toString('utf8')
    const expected = secrets.map((s) => `${user}:${s}`)
    return anySame(credentials, expected) ? { ok: true, id: null } : wrong('Authorization')
  }
}

function token(name: string, prefix: string): Verify {
  return (secrets, headers) => {
    const header = headerOf(headers, name)
    if (!header) return missing(name)
    if (!header.startsWith(prefix))
      return refuse('NO_SIGNATURE', `the header ${name} must begin with "${prefix}"`)
    const given = header.slice(prefix.length).trim()
    return anySame(given, secrets) ? { ok: true, id: null } : wrong(name)
  }
}

/** Compares hashes with each expected text, so that the time taken reveals no length and no part. */
function anySame(given: string, expected: readonly string[]): boolean {
  if (given.length > credentialCharsMax) return false
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const hash = digest(given)
  let same = false
  for (const e of expected) if (timingSafeEqual(hash, digest(e))) same = true
  return same
}

function headerOf(headers: DeliveryHeaders, name: string): string | undefined {
  return single(ownValue(headers, name.toLowerCase()))
}

function missing(header: string): Extract<SignatureVerdict, { ok: false }> {
  return refuse('NO_SIGNATURE', `the header ${header} is missing`)
}

function wrong(header: string): SignatureVerdict {
  return refuse('WRONG_SIGNATURE', `${header} does not match under any configured secret`)
}
