import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import type { SignatureVerdict } from '../../connectors/contract.ts'
import {
  type Scheme,
  sign,
  skewSecondsMax,
  standardWebhooks,
  stripeSignature,
  type Verify,
  verifyBy,
} from '../../connectors/signature.ts'
import fc from '../property.ts'

const now = Date.UTC(2026, 2, 1, 9, 30)
const body = Buffer.from('{"id":"evt_1","ö":"ü"}')
const verify = (scheme: Scheme, ...delivery: Parameters<Verify>) =>
  verifyBy(scheme === 'STRIPE' ? stripeSignature : standardWebhooks, ...delivery)
const code = (v: SignatureVerdict) => (v.ok ? 'OK' : v.code)
const secrets: Record<Scheme, string[]> = {
  STRIPE: ['whsec_one', 'whsec_two'],
  STANDARD_WEBHOOKS: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'plain-secret'],
}

test('accepts the published example of Standard Webhooks', () => {
  const headers = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  }
  const given = verify(
    'STANDARD_WEBHOOKS',
    ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    headers,
    Buffer.from('{"test": 2432232314}'),
    1_614_265_330_000,
  )
  assert.deepEqual(given, { ok: true, id: 'msg_p5jXN8AQM9LWM0D4loKWxJek' })
})

test('STRIPE: accepts t and v1 as the documentation computes them', () => {
  const t = Math.floor(now / 1000)
  const v1 = createHmac('sha256', 'whsec_one').update(`${t}.${body}`).digest('hex')
  const other = 'ab'.repeat(32)
  const given = (header: string) =>
    code(verify('STRIPE', ['whsec_one'], { 'stripe-signature': header }, body, now))
  assert.equal(given(`t=${t},v1=${v1}`), 'OK')
  assert.equal(given(`t=${t},v1=${other},v1=${v1},v0=${other}`), 'OK', 'one of several is enough')
  assert.equal(given(`t=${t},v1=${other}`), 'WRONG_SIGNATURE')
  assert.equal(given(`t=${t},v0=${v1}`), 'NO_SIGNATURE', 'v0 is not a signature')
  assert.equal(given(`v1=${v1}`), 'NO_SIGNATURE')
  assert.equal(given(`t=abc,v1=${v1}`), 'NO_SIGNATURE')
  assert.equal(given(`t=${t + 1},v1=${v1}`), 'WRONG_SIGNATURE', 'the time is signed too')
})

for (const scheme of ['STRIPE', 'STANDARD_WEBHOOKS'] as const) {
  test(`${scheme}: accepts each of two secrets, and rejects a third`, () => {
    for (const secret of secrets[scheme])
      assert.equal(
        code(verify(scheme, secrets[scheme], sign(scheme, secret, body, now, 'msg_1'), body, now)),
        'OK',
      )
    assert.equal(
      code(verify(scheme, secrets[scheme], sign(scheme, 'another', body, now, 'msg_1'), body, now)),
      'WRONG_SIGNATURE',
    )
    assert.equal(
      code(verify(scheme, [], sign(scheme, 'another', body, now, 'msg_1'), body, now)),
      'NO_SECRET',
    )
    assert.equal(code(verify(scheme, secrets[scheme], {}, body, now)), 'NO_SIGNATURE')
  })

  test(`${scheme}: rejects a timestamp more than ${skewSecondsMax} s away, with a code for each direction`, () => {
    const at = (seconds: number) => {
      const headers = sign(scheme, secrets[scheme][0] ?? '', body, now + seconds * 1000, 'msg_1')
      return code(verify(scheme, secrets[scheme], headers, body, now))
    }
    assert.equal(at(-skewSecondsMax), 'OK')
    assert.equal(at(skewSecondsMax), 'OK')
    assert.equal(at(-skewSecondsMax - 1), 'STALE_TIMESTAMP')
    assert.equal(at(skewSecondsMax + 1), 'FUTURE_TIMESTAMP')
  })

  test(`${scheme}: rejects a body with any other byte`, () => {
    const headers = sign(scheme, secrets[scheme][0] ?? '', body, now, 'msg_1')
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), (i, flip) => {
        const changed = Buffer.from(body)
        changed[i] = (changed[i] ?? 0) ^ flip
        return code(verify(scheme, secrets[scheme], headers, changed, now)) === 'WRONG_SIGNATURE'
      }),
    )
  })
}

test('STANDARD_WEBHOOKS: rejects an id that is not visible ASCII, because it becomes a key', () => {
  const headers = { ...sign('STANDARD_WEBHOOKS', 's', body, now, 'a\u0000b') }
  assert.equal(code(verify('STANDARD_WEBHOOKS', ['s'], headers, body, now)), 'NO_SIGNATURE')
})
