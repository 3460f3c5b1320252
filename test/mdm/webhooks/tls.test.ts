import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createPoster } from '../../../mdm/webhooks/post.ts'
import { parseNetwork } from '../../../schema/kit/networkAddress.ts'

const skip =
  spawnSync('openssl', ['version']).status === 0
    ? false
    : 'SKIPPED: there is no openssl to make certificates'

/** Creates a certificate authority for this test. */
function authority(dir: string) {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=Test CA',
    '-days',
    '2',
  )
  const read = (name: string) => readFileSync(join(dir, name), 'utf8')
  return {
    pem: read('ca.pem'),
    /**
     * Issues a certificate for a name, valid for this number of days; a negative number means
     * expired.
     */
    issue(name: string, days: number) {
      const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
      openssl('req', ...key, '-keyout', 'own.key', '-out', 'own.csr', ...subject)
      const signed = [
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-CAcreateserial',
        '-copy_extensions',
        'copy',
      ]
      openssl('x509', '-req', '-in', 'own.csr', ...signed, '-days', String(days), '-out', 'own.pem')
      return { key: read('own.key'), cert: read('own.pem') }
    },
  }
}

test('delivers over TLS only to a trusted, unexpired certificate of the right name, and reports the reason otherwise', {
  skip,
}, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-tls-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const ca = authority(dir)
  const bodies: string[] = []
  const receiver = async (certificate: { key: string; cert: string }) => {
    const server = createServer(certificate, (req, res) => {
      req.setEncoding('utf8').on('data', (text) => bodies.push(text))
      req.on('end', () => res.writeHead(204).end())
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    return (server.address() as AddressInfo).port
  }
  const send = async (port: number, authorities?: string[]) => {
    const reach = { networks: [parseNetwork('127.0.0.1')], http: false, ports: [port] }
    const resolve = async () => [{ address: '127.0.0.1', family: 4 }]
    const poster = createPoster({
      reach,
      timeoutMs: 30_000,
      resolve,
      ...(authorities ? { authorities } : {}),
    })
    const { status, error } = await poster.post(`https://hooks.example:${port}/`, {}, '{"n":1}')
    poster.close()
    return { status, error }
  }
  const good = await receiver(ca.issue('hooks.example', 2))
  assert.deepEqual(await send(good, [ca.pem]), { status: 204, error: null })
  assert.deepEqual(bodies, ['{"n":1}'])

  const refused: [number, string[] | undefined, RegExp][] = [
    [
      good,
      undefined,
      /certificate is not accepted: .*(UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN)/,
    ],
    [
      await receiver(ca.issue('other.example', 2)),
      [ca.pem],
      /not accepted: .*other\.example.*ERR_TLS_CERT_ALTNAME/,
    ],
    [
      await receiver(ca.issue('hooks.example', -1)),
      [ca.pem],
      /not accepted: .*expired.*CERT_HAS_EXPIRED/,
    ],
  ]
  for (const [port, authorities, why] of refused) {
    const { status, error } = await send(port, authorities)
    assert.equal(status, null)
    assert.match(error ?? '', why)
  }
  assert.equal(bodies.length, 1, 'nothing was sent to a server with a rejected certificate')
})
