import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { Drain } from '../../../gateway/http/drain.ts'
import { SlowReaderGuard } from '../../../gateway/http/slowReaderGuard.ts'
import { serveWebSockets } from '../../../gateway/http/websocket.ts'
import { CALLER_LIMITS, CallerBounds } from '../../../gateway/limits/callerBounds.ts'
import { openCallers } from '../openCallers.ts'

const upgrade = (host: string, path: string, origin: string) =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${origin}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`

test('a rejected WebSocket cannot end the process', async (t) => {
  const server = createServer()
  const sockets = serveWebSockets(server, '/graphql', {
    drain: () => new Drain(),
    runtime: {} as never,
    operations: {} as never,
    bounds: { bodyBytesMax: 1_000, streamsMax: 10 } as never,
    report: () => {},
    callers: openCallers(),
    callerBounds: new CallerBounds(CALLER_LIMITS),
    slowReaders: new SlowReaderGuard(),
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    await sockets.close()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const ask = async (path: string, origin = '') => {
    const client = connect(port, '127.0.0.1')
    client.write(upgrade(`localhost:${port}`, path, origin))
    let response = ''
    for await (const chunk of client) response += chunk
    return response
  }

  await t.test('with a path that is not a URL', async () => {
    assert.match(await ask('//'), /^HTTP\/1.1 404 /)
  })
  await t.test('with a client that leaves before the response', async () => {
    server.once('upgrade', (_, socket) => {
      assert.ok(socket.listenerCount('error') > 0, 'an error listener is attached')
      socket.emit('error', new Error('read ECONNRESET'))
    })
    await ask('/graphql', 'Origin: http://elsewhere.example\r\n')
    assert.match(await ask('/other'), /^HTTP\/1.1 404 /)
  })
})
