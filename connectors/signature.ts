import { createHmac, timingSafeEqual } from 'node:crypto'
import type { DeliveryHeaders, SignatureVerdict } from './contract.ts'

/**
 * Largest difference of a delivery's timestamp from now, either way; beyond it a recorded delivery
 * could be replayed.
 */
export const skewSecondsMax = 300
/** Signatures checked of one header; a sender lists several while it rotates secrets. */
const signaturesMax = 10

export type Scheme = 'STRIPE' | 'STANDARD_WEBHOOKS'

/**
 * Verifies a delivery's signature over its raw bytes with each valid secret, in constant time.
 * `now` in ms since 1970.
 */
export type Verify = (
  secrets: readonly string[],
  headers: DeliveryHeaders,
  body: Uint8Array,
  now: number,
) => SignatureVerdict

/** Verifies a delivery by any scheme. Without a secret nothing can be verified. */
export function verifyBy(
  scheme: Verify,
  secrets: readonly string[],
  headers: DeliveryHeaders,
  body: Uint8Array,
  now: number,
): SignatureVerdict {
  if (secrets.length === 0)
    return refuse(
      'NO_SECRET',
      'no secret is configured for this source system, so its deliveries cannot be verified',
    )
  return scheme(secrets, headers, body, now)
}

/** Returns the signature headers of a body, for relays and tests. */
export function sign(
  scheme: Scheme,
  secret: string,
  body: Uint8Array | string,
  now: number,
  id: string,
): Record<string, string> {
  const seconds = String(Math.floor(now / 1000))
  if (scheme === 'STRIPE')
    return {
      'stripe-signature': `t=${seconds},v1=${hmac(secret, [`${seconds}.`, body]).toString('hex')}`,
    }
  return {
    'webhook-id': id,
    'webhook-timestamp': seconds,
    'webhook-signature': `v1,${hmac(standardKey(secret), [`${id}.${seconds}.`, body]).toString('base64')}`,
  }
}

/**
 * `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=…]`: HMAC-SHA256 of `<t>.<body>` with the secret as
 * written.
 */
export const stripeSignature: Verify = (secrets, headers, body, now) => {
  const header = single(headers['stripe-signature'])
  if (!header) return refuse('NO_SIGNATURE', 'the header Stripe-Signature is missing')
  const parts = header.split(',').map((p) => p.split('=', 2))
  const seconds = parts.find(([k]) => k?.trim() === 't')?.[1] ?? ''
  const given = parts
    .filter(([k]) => k?.trim() === 'v1')
    .map(([, v]) => Buffer.from(v ?? '', 'hex'))
  if (!isSeconds(seconds) || given.length === 0)
    return refuse(
      'NO_SIGNATURE',
      'the header Stripe-Signature must have the form t=<seconds>,v1=<hex>',
    )
  const expected = secrets.map((s) => hmac(s, [`${seconds}.`, body]))
  if (!anyEqual(given, expected)) return wrong('Stripe-Signature')
  return checkTimestamp(Number(seconds), now) ?? { ok: true, id: null }
}

/**
 * standardwebhooks.com: `webhook-id`, `webhook-timestamp` and `webhook-signature: v1,<base64> …`,
 * HMAC-SHA256 of `<id>.<timestamp>.<body>`; a secret `whsec_<base64>` means its decoded bytes.
 */
export const standardWebhooks: Verify = (secrets, headers, body, now) => {
  const id = single(headers['webhook-id'])
  const seconds = single(headers['webhook-timestamp'])
  const header = single(headers['webhook-signature'])
  if (!id || !seconds || !header)
    return refuse(
      'NO_SIGNATURE',
      'the headers webhook-id, webhook-timestamp and webhook-signature are required',
    )
  if (!/^[\x21-\x7e]{1,200}$/.test(id))
    return refuse('NO_SIGNATURE', 'webhook-id must have 1 to 200 visible ASCII characters')
  if (!isSeconds(seconds))
    return refuse('NO_SIGNATURE', 'webhook-timestamp must be in seconds since 1970')
  const given = header
    .split(' ')
    .filter((s) => s.startsWith('v1,'))
    .map((s) => Buffer.from(s.slice(3), 'base64'))
  const expected = secrets.map((s) => hmac(standardKey(s), [`${id}.${seconds}.`, body]))
  if (!anyEqual(given, expected)) return wrong('webhook-signature')
  return checkTimestamp(Number(seconds), now) ?? { ok: true, id }
}

export function hmac(
  key: string | Uint8Array,
  parts: (string | Uint8Array)[],
  algorithm = 'sha256',
): Buffer {
  const h = createHmac(algorithm, key)
  for (const part of parts) h.update(part)
  return h.digest()
}

function standardKey(secret: string): string | Uint8Array {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : secret
}

/** Compares every pair, so that the time taken reveals nothing about secrets or signatures. */
export function anyEqual(given: Buffer[], expected: Buffer[]): boolean {
  let equal = false
  for (const g of given.slice(0, signaturesMax))
    for (const e of expected) if (g.length === e.length && timingSafeEqual(g, e)) equal = true
  return equal
}

/** Runs after the signature check, so that only the true sender learns about its clock. */
export function checkTimestamp(
  seconds: number,
  now: number,
  tolerance = skewSecondsMax,
): SignatureVerdict | null {
  const behind = Math.floor(now / 1000) - seconds
  if (behind > tolerance)
    return refuse(
      'STALE_TIMESTAMP',
      `the delivery was signed ${behind} s ago; at most ${tolerance} s are accepted: sign it again and resend`,
    )
  if (-behind > tolerance)
    return refuse(
      'FUTURE_TIMESTAMP',
      `the delivery was signed ${-behind} s in the future; at most ${tolerance} s are accepted: check the sender's clock`,
    )
  return null
}

function isSeconds(text: string): boolean {
  return /^\d{1,12}$/.test(text)
}

export function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function wrong(header: string): SignatureVerdict {
  return refuse('WRONG_SIGNATURE', `${header} does not match the body under any configured secret`)
}

export function refuse(
  code: Extract<SignatureVerdict, { ok: false }>['code'],
  detail: string,
): Extract<SignatureVerdict, { ok: false }> {
  return { ok: false, code, detail }
}
