import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ChangeStream } from '../../../mdm/jetstream/stream.ts'
import { eventually } from '../../e2e/eventually.ts'
import { natsAt } from './setting.ts'

/** Generous for a busy machine; the limits of the product are 5 s for each step. */
const openMsMax = 40_000
/** What may be in the buffers of both sides when the client hangs up. */
const takenBytesMax = 24 * 2 ** 20
const INFO = (more: object = {}) =>
  `INFO ${JSON.stringify({ server_id: 'N', version: '2.11.0', proto: 1, headers: true, max_payload: 1_048_576, jetstream: true, ...more })}\r\n`

/** Starts a server of ours and returns what it saw. */
async function hostile(t: TestContext, serve: (socket: Socket) => void) {
  const open = new Set<Socket>()
  const seen = { connections: 0, received: '', taken: 0 }
  const server = createServer((socket) => {
    open.add(socket)
    seen.connections++
    socket.on('error', () => {}) // the client hangs up
    socket.on('data', (d) => {
      seen.received += d.toString('latin1')
    })
    socket.once('close', () => {
      seen.taken += socket.bytesWritten - socket.writableLength
      open.delete(socket)
    })
    serve(socket)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => {
    for (const s of open) s.destroy()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return { port, seen, open }
}

/** Writes for as long as somebody reads. */
function flood(socket: Socket, text: string): void {
  const chunk = Buffer.alloc(65_536, text)
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
  }
  socket.on('drain', more)
  more()
}

/** Answers like a NATS server until it knows the client, then does something else. */
function afterPong(then: (socket: Socket) => void, info = INFO()) {
  return (socket: Socket) => {
    socket.write(info)
    socket.once('data', () => {
      socket.write('PONG\r\n')
      then(socket)
    })
  }
}

/** Opens a stream there: it has to be refused in time, and no connection may stay. */
async function refused(port: number, open: ReadonlySet<Socket>, scheme = 'nats'): Promise<string> {
  const began = Date.now()
  const options = natsAt(`${scheme}://user:hush@127.0.0.1:${port}`)
  const why = await ChangeStream.open(options, 'test').then(
    (stream) => stream.close().then(() => 'opened'),
    (e: Error) => e.message,
  )
  assert.notEqual(why, 'opened')
  assert.ok(Date.now() - began < openMsMax, `${Date.now() - began} ms`)
  await eventually(() => open.size === 0)
  return why
}

const SERVERS: [what: string, serve: (socket: Socket) => void][] = [
  ['never says anything', () => {}],
  ['sends no end of a first line', (s) => flood(s, 'INFO {"a":"aaaaaaaa')],
  ['sends an INFO of a megabyte', (s) => void s.write(INFO({ a: 'a'.repeat(1_000_000) }))],
  ['sends no JSON', (s) => void s.write('INFO {"server_id":\r\n')],
  ['sends another protocol', (s) => void s.write('220 mail.example ESMTP\r\n')],
  ['hangs up', (s) => void s.end()],
  ['knows the client and falls silent', afterPong(() => {})],
  ['floods with what is no protocol', afterPong((s) => flood(s, '\u001b]0;x\u0007\r\n'))],
  ['sends no end of an error', afterPong((s) => flood(s, '-ERR aaaaaaa'))],
  ['sends no end of a message’s head', afterPong((s) => flood(s, 'MSG aaaaaaaa'))],
  ['announces a message without end', afterPong((s) => void s.write('MSG a 1 999999999999\r\n'))],
]

describe('a hostile NATS server is left in time, and takes no memory with it', {
  concurrency: true,
}, () => {
  for (const [what, serve] of SERVERS)
    test(`one that ${what}`, async (t) => {
      const { port, seen, open } = await hostile(t, serve)
      const why = await refused(port, open)
      assert.ok(why.length < 500, `${why.length} characters of error`)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
      assert.doesNotMatch(why, /[\u0000-\u0008\u000b-\u001f]/)
      assert.ok(seen.taken < takenBytesMax, `${seen.taken} bytes were taken`)
    })

  test('one that names other servers gets no credentials sent there', async (t) => {
    const other = await hostile(t, (s) => void s.write(INFO()))
    const info = INFO({ connect_urls: [`127.0.0.1:${other.port}`], auth_required: true })
    const first = await hostile(t, (socket) => {
      socket.write(info)
      socket.once('data', () => socket.end("-ERR 'Authorization Violation'\r\n"))
    })
    await refused(first.port, first.open)
    await sleep(500)
    assert.match(first.seen.received, /hush/, 'the control: the named server gets them')
    assert.equal(other.seen.connections, 0)
  })

  test('one without TLS gets nothing where TLS is asked for, whatever it says', async (t) => {
    for (const info of [INFO(), INFO({ tls_required: false }), INFO({ tls_available: true })]) {
      const plain = await hostile(t, (s) => void s.write(info))
      await refused(plain.port, plain.open, 'tls')
      assert.doesNotMatch(plain.seen.received, /hush|CONNECT/)
    }
  })
})
