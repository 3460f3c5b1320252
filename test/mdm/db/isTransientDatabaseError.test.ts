import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTransientDatabaseError } from '../../../mdm/db/isTransientDatabaseError.ts'

const withCode = (code: string, more: object = {}) =>
  Object.assign(new Error(code), { code, ...more })

const TRANSIENT: [code: string, meaning: string, more?: object][] = [
  ['08000', 'connection exception'],
  ['08001', 'the client could not connect'],
  ['08003', 'the connection does not exist'],
  ['08004', 'the server rejected the connection'],
  ['08006', 'connection failure'],
  ['08007', 'outcome of the transaction unknown'],
  ['08P01', 'PgBouncer: the server cannot be reached', { severity_local: 'FATAL' }],
  ['08P01', 'the server ended the connection', { severity_local: 'FATAL', severity: 'FATAL' }],
  ['53000', 'insufficient resources'],
  ['53100', 'disk full'],
  ['53200', 'out of memory'],
  ['53300', 'too many connections'],
  ['57P01', 'shutdown by an administrator'],
  ['57P02', 'shutdown after a crash'],
  ['57P03', 'starting up or in recovery'],
  ['57P05', 'idle session timeout'],
  ['CONNECTION_CLOSED', 'driver: connection lost'],
  ['CONNECTION_DESTROYED', 'driver: the pool was closed by force'],
  ['CONNECTION_ENDED', 'driver: the pool is closing'],
  ['CONNECT_TIMEOUT', 'driver: no connection in time'],
  ['ECONNREFUSED', 'nothing listens'],
  ['ECONNRESET', 'connection reset'],
  ['ECONNABORTED', 'connection aborted'],
  ['EPIPE', 'write to a closed connection'],
  ['ETIMEDOUT', 'no answer of the network'],
  ['EHOSTUNREACH', 'no route to the host'],
  ['EHOSTDOWN', 'host is down'],
  ['ENETUNREACH', 'no route to the network'],
  ['ENETDOWN', 'network is down'],
  ['EADDRNOTAVAIL', 'no local port is free'],
  ['ENOTFOUND', 'the name is not known, yet'],
  ['EAI_AGAIN', 'name server does not answer'],
  ['EMFILE', 'no file handle is free in this process'],
  ['ENFILE', 'no file handle is free on this machine'],
  ['ENOENT', 'Unix socket is missing', { syscall: 'connect' }],
]

const LASTING: [code: string, meaning: string, more?: object][] = [
  ['08P01', 'protocol violation by a statement', { severity: 'ERROR' }],
  ['22P02', 'invalid text representation'],
  ['23505', 'unique violation'],
  ['25006', 'read-only transaction'],
  ['28P01', 'wrong password'],
  ['3D000', 'database does not exist'],
  ['40001', 'serialization failure: `transaction` retries it'],
  ['40P01', 'deadlock: `transaction` retries it'],
  ['42601', 'syntax error'],
  ['53400', 'the statement exceeds a configured limit'],
  ['55P03', 'lock timeout: `transaction` retries it'],
  ['57014', 'statement timeout'],
  ['57P04', 'database was dropped'],
  ['XX000', 'internal error'],
  ['AUTHENTICATION_REFUSED', 'driver: cleartext password'],
  ['UNSAFE_TRANSACTION', 'driver: misuse'],
  ['ENOENT', 'a file is missing', { syscall: 'open' }],
  ['EACCES', 'permission denied'],
  ['', 'no code'],
]

for (const [code, meaning, more] of TRANSIENT)
  test(`${code}, ${meaning}, is transient`, () =>
    assert.equal(isTransientDatabaseError(withCode(code, more)), true))

for (const [code, meaning, more] of LASTING)
  test(`${code || 'An error'}, ${meaning}, is not transient`, () =>
    assert.equal(isTransientDatabaseError(withCode(code, more)), false))

test('a host with several addresses is transient if one of them is', () => {
  const refused = withCode('ECONNREFUSED')
  assert.equal(
    isTransientDatabaseError(new AggregateError([refused, withCode('EAFNOSUPPORT')])),
    true,
  )
  assert.equal(isTransientDatabaseError(new AggregateError([withCode('EACCES')])), false)
  assert.equal(isTransientDatabaseError(new AggregateError([])), false)
})

test('only errors are transient', () => {
  for (const value of [
    null,
    undefined,
    'ECONNREFUSED',
    { code: 'ECONNREFUSED' },
    new Error('ECONNREFUSED'),
  ])
    assert.equal(isTransientDatabaseError(value), false)
})
