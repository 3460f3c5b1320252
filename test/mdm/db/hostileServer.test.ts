import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { openConnection, openDatabase } from '../../../mdm/db/database.ts'
import { isTransientDatabaseError } from '../../../mdm/db/isTransientDatabaseError.ts'
import { FORGED_ROW, impostor, message, OK, READY, type Script } from './impostor.ts'

// Servers that a client has accepted, as the own database of an installation: they may still not
// fill its memory, hold it for ever or end it.

const connectSecondsMax = 0.3
/** For logins that are refused before their time is over. */
const generous = 20
/** Answers the startup message so, then each further message. */
const after =
  (login: Buffer, ...answers: Buffer[]): Script =>
  (_, n) =>
    n === 0 ? login : (answers[n - 1] ?? null)
const READY_AT_ONCE = Buffer.concat([OK, READY])
/** The beginning of a message that states its length, without its body. */
const header = (type: string, length: number) => {
  const bytes = Buffer.alloc(5)
  bytes.write(type)
  bytes.writeUInt32BE(length, 1)
  return bytes
}

async function attempt(
  t: TestContext,
  script: Script,
  seconds = generous,
): Promise<{ error: Error; ms: number }> {
  const { port } = await impostor(t, script)
  const sql = openConnection(`postgres://touchstone@127.0.0.1:${port}/none`, {
    connectSecondsMax: seconds,
  })
  const began = performance.now()
  try {
    await sql.unsafe('select 1')
  } catch (e) {
    assert.ok(e instanceof Error)
    return { error: e, ms: performance.now() - began }
  } finally {
    await sql.end({ timeout: 0.1 })
  }
  throw new Error('it was accepted')
}

describe('a connection is refused, with a reason, to a server that', () => {
  const parameters = (n: number) =>
    Buffer.concat(
      Array.from({ length: n }, (_, i) => message('S', `name${i}\0${'x'.repeat(20_000)}\0`)),
    )
  const text = Buffer.from([0, 0])
  const CASES: [string, Buffer, RegExp][] = [
    ['sends a message of 4 GB', header('D', 0xffff_ffff), /4294967295 bytes; one has 4 to/],
    ['sends a message just over the bound', header('D', 2 ** 28 + 1), /268435457 bytes/],
    ['sends a message of no length', header('D', 0), /message of 0 bytes/],
    ['sends an error of 1 GB', header('E', 2 ** 30), /1073741824 bytes/],
    ['asks for a COPY', message('G', Buffer.concat([Buffer.from([0]), text])), /COPY/],
    ['offers a COPY', message('H', Buffer.concat([Buffer.from([0]), text])), /COPY/],
    ['begins a replication', message('W', Buffer.concat([Buffer.from([0]), text])), /COPY/],
    ['suspends a statement without cursor', message('s', ''), /no cursor/],
    ['sends a message of an unknown type', message('!', 'x'), /unknown type 33/],
  ]
  for (const [what, answer, reason] of CASES)
    test(what, async (t) => {
      const { error } = await attempt(t, after(READY_AT_ONCE, answer))
      assert.match(error.message, /^PROTOCOL_VIOLATION: The server /)
      assert.match(error.message, reason)
      assert.equal(isTransientDatabaseError(error), false, 'waiting does not help')
    })

  test('sends parameters or rows without end before the login has ended', async (t) => {
    // The first statement of a plain connection is the driver's own, about types.
    const scripts = [
      after(Buffer.concat([OK, parameters(900)])),
      after(READY_AT_ONCE, parameters(900)),
    ]
    for (const script of scripts) {
      const { error } = await attempt(t, script)
      assert.match(error.message, /PROTOCOL_VIOLATION: .*16777216 bytes before the login has ended/)
    }
  })
})

describe('a login ends in time if the server', () => {
  const CASES: [string, Script][] = [
    ['accepts and says nothing', () => null],
    ['says nothing after the authentication', after(OK)],
    [
      'repeats its parameters for ever',
      (_, __, socket) => {
        const again = setInterval(() => socket.write(message('S', 'name\0value\0')), 20)
        socket.once('close', () => clearInterval(again))
        return OK
      },
    ],
    ['answers the first statement of the driver with nothing', after(READY_AT_ONCE)],
    ['stops within a message', after(Buffer.concat([OK, header('S', 100)]))],
  ]
  for (const [what, script] of CASES)
    test(what, async (t) => {
      const { error, ms } = await attempt(t, script, connectSecondsMax)
      assert.match(error.message, /CONNECT_TIMEOUT/)
      assert.ok(ms < 10_000, `${ms} ms`)
    })

  test('closes each connection', async (t) => {
    const { error, ms } = await attempt(t, (_, __, socket) => {
      socket.end()
      return null
    })
    assert.match(error.message, /CONNECTION_CLOSED/)
    assert.equal(isTransientDatabaseError(error), true, 'it may start just now')
    assert.ok(ms < 10_000, `${ms} ms`)
  })
})

describe('a name without its end', () => {
  test('in the description of rows is an error and does not hang', async (t) => {
    const endless = message('T', Buffer.concat([Buffer.from([0, 1]), Buffer.from('name')]))
    const { error } = await attempt(t, after(READY_AT_ONCE, endless))
    assert.match(error.message, /range/)
  })

  test('in a notification is passed over', async (t) => {
    const answer = Buffer.concat([message('A', 'pid_endless'), FORGED_ROW])
    const { port } = await impostor(t, (_, n) => (n === 0 ? READY_AT_ONCE : answer))
    const sql = openDatabase(`postgres://touchstone@127.0.0.1:${port}/none`, {
      connectionsMax: 1,
      name: 'test',
    })
    t.after(() => sql.end({ timeout: 0.1 }))
    await sql.listen('channel', () => {})
  })
})
