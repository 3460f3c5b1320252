import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerCertificate } from 'node:tls'
import { databaseHost, driverTarget } from '../../../mdm/db/databaseUrl.ts'

test('a host that is a folder is a Unix socket, without TLS, as in libpq', () => {
  for (const url of [
    'postgres://me:p@localhost/db?host=/run/pg&sslmode=require',
    'postgres://me:p@%2Frun%2Fpg/db',
    'postgres://me@localhost/db?host=%2Frun%2Fpg&password=p',
    'postgres:///db?host=/run/pg&user=me&password=p',
  ]) {
    const { options } = driverTarget(url)
    assert.equal(options.path, '/run/pg/.s.PGSQL.5432', url)
    assert.deepEqual([options.user, options.password, options.ssl], ['me', 'p', false], url)
    assert.equal(databaseHost(url), '/run/pg')
  }
  const port = driverTarget('postgres://me@localhost/db?host=/run/pg&port=6000')
  assert.equal(port.options.path, '/run/pg/.s.PGSQL.6000')
})

test('other hosts and settings stay as they are', () => {
  const url = 'postgres://me:p%40ss@db.example:6432/db?sslmode=verify-full&require_auth=md5'
  const target = driverTarget(url)
  assert.equal(target.url, url)
  assert.deepEqual(target.options, { user: 'me', password: 'p@ss' })
  assert.equal(databaseHost(url), 'db.example:6432')
})

test('the certificate of a server is compared with its address, not with localhost', () => {
  const certificate = (names: string) =>
    ({ subject: { CN: 'db' }, subjectaltname: names }) as unknown as PeerCertificate
  for (const [host, name] of [
    ['10.0.0.5', '10.0.0.5'],
    ['[2001:db8::5]', '2001:DB8:0:0:0:0:0:5'],
  ]) {
    const { ssl } = driverTarget(`postgres://me:p@${host}/db?sslmode=verify-full`).options
    assert.ok(ssl)
    const check = (names: string) => ssl.checkServerIdentity('localhost', certificate(names))
    assert.equal(check(`IP Address:${name}`), undefined)
    assert.match(check('DNS:localhost')?.message ?? '', /does not match/)
  }
  assert.equal(driverTarget('postgres://me:p@10.0.0.5/db?sslmode=require').options.ssl, undefined)
})
