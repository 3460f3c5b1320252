import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Headers, Verdict } from './contract.ts'

/** How far a delivery's timestamp may be from now, either way; beyond it a recorded delivery could be played again. */
export const skewSecondsMax = 300
/** Signatures that one header may list, while its sender changes secrets. */
const signaturesMax = 10

export type Scheme = 'STRIPE' | 'STANDARD_WEBHOOKS'

/**
 * Checks a delivery's signature over its raw bytes, with each of the valid secrets in turn, in constant time.
 * STRIPE: `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=…]`, HMAC-SHA256 of `<t>.<body>` with the secret as it is written.
 * STANDARD_WEBHOOKS (standardwebhooks.com): `webhook-id`, `webhook-timestamp`, `webhook-signature: v1,<base64> …`,
 * HMAC-SHA256 of `<id>.<timestamp>.<body>`; a secret `whsec_<base64>` stands for its bytes.
 * `now` in ms since 1970.
 */
export function verify(
  scheme: Scheme,
  secrets: readonly string[],
  headers: Headers,
  body: Uint8Array,
  now: number,
): Verdict {
  if (secrets.length === 0)
    return refuse('NO_SECRET', 'no secret is configured for this source system, so it cannot prove who it is')
  return scheme === 'STRIPE' ? verifyStripe(secrets, headers, body, now) : verifyStandard(secrets, headers, body, now)
}

/** The headers that a sender puts beside a body. For relays and for those who try it out. */
export function sign(
  scheme: Scheme,
  secret: string,
  body: Uint8Array | string,
  now: number,
  id: string,
): Record<string, string> {
  const seconds = String(Math.floor(now / 1000))
  if (scheme === 'STRIPE')
    return { 'stripe-signature': `t=${seconds},v1=${hmac(secret, [`${seconds}.`, body]).toString('hex')}` }
  return {
    'webhook-id': id,
    'webhook-timestamp': seconds,
    'webhook-signature': `v1,${hmac(standardKey(secret), [`${id}.${seconds}.`, body]).toString('base64')}`,
  }
}

function verifyStripe(secrets: readonly string[], headers: Headers, body: Uint8Array, now: number): Verdict {
  const header = single(headers['stripe-signature'])
  if (!header) return refuse('NO_SIGNATURE', 'the header Stripe-Signature is missing')
  const parts = header.split(',').map((p) => p.split('=', 2))
  const seconds = parts.find(([k]) => k?.trim() === 't')?.[1] ?? ''
  const given = parts.filter(([k]) => k?.trim() === 'v1').map(([, v]) => Buffer.from(v ?? '', 'hex'))
  if (!isSeconds(seconds) || given.length === 0)
    return refuse('NO_SIGNATURE', 'the header Stripe-Signature is not of the form t=<seconds>,v1=<hex>')
  const expected = secrets.map((s) => hmac(s, [`${seconds}.`, body]))
  if (!anyEqual(given, expected)) return wrong('Stripe-Signature')
  return inTime(seconds, now) ?? { ok: true, id: null }
}

function verifyStandard(secrets: readonly string[], headers: Headers, body: Uint8Array, now: number): Verdict {
  const id = single(headers['webhook-id'])
  const seconds = single(headers['webhook-timestamp'])
  const header = single(headers['webhook-signature'])
  if (!id || !seconds || !header)
    return refuse('NO_SIGNATURE', 'the headers webhook-id, webhook-timestamp and webhook-signature are needed')
  if (!/^[\x21-\x7e]{1,200}$/.test(id)) return refuse('NO_SIGNATURE', 'webhook-id is 1 to 200 visible ASCII characters')
  if (!isSeconds(seconds)) return refuse('NO_SIGNATURE', 'webhook-timestamp is a count of seconds since 1970')
  const given = header
    .split(' ')
    .filter((s) => s.startsWith('v1,'))
    .map((s) => Buffer.from(s.slice(3), 'base64'))
  const expected = secrets.map((s) => hmac(standardKey(s), [`${id}.${seconds}.`, body]))
  if (!anyEqual(given, expected)) return wrong('webhook-signature')
  return inTime(seconds, now) ?? { ok: true, id }
}

function hmac(key: string | Uint8Array, parts: (string | Uint8Array)[]): Buffer {
  const h = createHmac('sha256', key)
  for (const part of parts) h.update(part)
  return h.digest()
}

function standardKey(secret: string): string | Uint8Array {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : secret
}

/** Every pair is compared, so the time taken does not tell which secret or signature was near. */
function anyEqual(given: Buffer[], expected: Buffer[]): boolean {
  let equal = false
  for (const g of given.slice(0, signaturesMax))
    for (const e of expected) if (g.length === e.length && timingSafeEqual(g, e)) equal = true
  return equal
}

/** Looked at after the signature, so that only the true sender learns about its clock. */
function inTime(seconds: string, now: number): Verdict | null {
  const behind = Math.floor(now / 1000) - Number(seconds)
  if (behind > skewSecondsMax)
    return refuse(
      'STALE_TIMESTAMP',
      `signed ${behind} s ago; at most ${skewSecondsMax} s are accepted: sign again and resend`,
    )
  if (-behind > skewSecondsMax)
    return refuse(
      'FUTURE_TIMESTAMP',
      `signed ${-behind} s in the future; at most ${skewSecondsMax} s are accepted: check the sender's clock`,
    )
  return null
}

function isSeconds(text: string): boolean {
  return /^\d{1,12}$/.test(text)
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function wrong(header: string): Verdict {
  return refuse('WRONG_SIGNATURE', `${header} does not fit the body and a configured secret`)
}

function refuse(code: Extract<Verdict, { ok: false }>['code'], detail: string): Verdict {
  return { ok: false, code, detail }
}
