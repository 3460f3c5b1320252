import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { openConnection } from '../../../mdm/db/database.ts'
import { isTransientDatabaseError } from '../../../mdm/db/isTransientDatabaseError.ts'

const password = 'the-secret-of-the-test'
const user = 'touchstone'
const salt = Buffer.from([1, 2, 3, 4])
const CLEARTEXT = Buffer.from([0, 0, 0, 3])
const REFUSAL = Buffer.from('SFATAL\0C28P01\0Mpassword authentication failed\0\0')
const MD5 = Buffer.concat([Buffer.from([0, 0, 0, 5]), salt])

/**
 * A server that requests a password with the given method and records everything that it receives.
 */
async function serverThatAsks(
  t: TestContext,
  request: Buffer,
): Promise<{ url: string; received: () => string }> {
  const chunks: Buffer[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {}) // The client closes the connection, as the test expects.
    socket.once('data', () => {
      socket.write(message('R', request))
    })
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      if (chunk[0] === 'p'.charCodeAt(0)) socket.end(message('E', REFUSAL))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return {
    url: `postgres://${user}:${password}@127.0.0.1:${(server.address() as AddressInfo).port}/none`,
    received: () => Buffer.concat(chunks).toString('latin1'),
  }
}

function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(type), length, body])
}

const md5 = (...parts: (string | Buffer)[]) => {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
const md5Answer = `md5${md5(md5(password, user), salt)}`

async function failure(url: string): Promise<Error> {
  const sql = openConnection(url, { connectSecondsMax: 5 })
  try {
    await sql`select 1`
  } catch (e) {
    assert.ok(e instanceof Error)
    return e
  } finally {
    await sql.end({ timeout: 1 })
  }
  throw new Error('the statement did not fail')
}

test('never sends the password to a server that asks for it in cleartext', async (t) => {
  const { url, received } = await serverThatAsks(t, CLEARTEXT)
  for (const parameters of ['', '?require_auth=md5', '?require_auth=password']) {
    const error = await failure(url + parameters)
    assert.match(error.message, /^AUTHENTICATION_REFUSED: .*cleartext.*scram-sha-256/)
    assert.equal(isTransientDatabaseError(error), false, 'waiting does not help')
  }
  assert.match(received(), /user\0touchstone/)
  assert.doesNotMatch(received(), /the-secret/)
})

test('sends an MD5 password only if the URL allows it', async (t) => {
  const { url, received } = await serverThatAsks(t, MD5)
  assert.match((await failure(url)).message, /^AUTHENTICATION_REFUSED: .*require_auth=md5/)
  assert.doesNotMatch(received(), /md5/)
  const error = await failure(`${url}?require_auth=scram-sha-256,md5`)
  assert.match(error.message, /password authentication failed/)
  assert.ok(received().includes(md5Answer))
  assert.doesNotMatch(received(), /require_auth/, 'it is for the client')
})
