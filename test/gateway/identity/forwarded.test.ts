import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { forwardedBy } from '../../../gateway/identity/forwarded.ts'

test('the address of a sender in a header of any name shows a proxy', () => {
  const plain = fc.oneof(fc.ipV4(), fc.ipV6())
  fc.assert(
    fc.property(plain, fc.nat(65_535), fc.string(), (ip, port, other) => {
      const bracketed = ip.includes(':') ? `[${ip}]` : ip
      for (const form of [ip, `"${ip}"`, ` ${ip} `, `${bracketed}:${port}`, `${other},${ip}`])
        assert.equal(forwardedBy({ surprise: form }), 'surprise', form)
    }),
  )
})

test('headers of clients show none, and names beyond those that are remembered are judged too', () => {
  const own = {
    ...{ host: '127.0.0.1:4000', referer: 'http://127.0.0.1:4000/', connection: 'keep-alive' },
    ...{ 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0', accept: '*/*' },
    ...{ 'content-type': 'application/json', date: 'Mon, 30 Nov 2026 02:45:01 GMT' },
  }
  assert.equal(forwardedBy(own), null)
  for (let n = 0; n < 500; n++) assert.equal(forwardedBy({ [`made-up-${n}`]: 'x' }), null)
  for (const name of ['via', 'x-forwarded-for', 'x-real-ip', 'cf-ray', 'x-late-proxy'])
    for (let twice = 0; twice < 2; twice++) assert.equal(forwardedBy({ [name]: 'x' }), name)
  assert.equal(forwardedBy(own), null)
})
