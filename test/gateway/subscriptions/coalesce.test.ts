import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { SlowReaderGuard } from '../../../gateway/http/slowReaderGuard.ts'
import { coalesce } from '../../../gateway/subscriptions/coalesce.ts'
import { until } from '../until.ts'

test('sends messages of one turn in one write, in order, and applies back-pressure to a slow reader', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  const sockets = new WebSocketServer({ noServer: true })
  let writes = 0
  const accepted = new Promise<WebSocket>((resolve) =>
    server.on('upgrade', (req, socket: Duplex, head) =>
      sockets.handleUpgrade(req, socket, head, (ws) => {
        const writev = socket._writev?.bind(socket)
        socket._writev = (chunks, done) => {
          writes++
          writev?.(chunks, done)
        }
        coalesce(ws, socket, new SlowReaderGuard())
        resolve(ws)
      }),
    ),
  )
  await once(server, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.after(() => {
    client.terminate()
    server.close()
  })
  const got: string[] = []
  client.on('message', (data) => got.push(String(data)))
  const ws = await accepted
  let sent = 0
  for (let n = 0; n < 100; n++) ws.send(String(n), () => sent++)
  assert.equal(sent, 100, 'taken at once')
  await until(() => got.length === 100)
  assert.deepEqual(
    got,
    Array.from({ length: 100 }, (_, n) => String(n)),
  )
  assert.equal(writes, 1)

  client.pause()
  const large = 'x'.repeat(100_000)
  let more = 0
  // Sends as a subscription does: the next message follows when this one counts as sent.
  const next = () => {
    more++
    ws.send(large, (error) => error || next())
  }
  next()
  // The kernel buffers some messages; then nothing more moves.
  let before = 0
  await until(() => {
    const still = more === before && ws.bufferedAmount > 0
    before = more
    return still
  })
  assert.ok(ws.bufferedAmount < 64 * 1024 + 2 * large.length, `${ws.bufferedAmount} bytes wait`)
  const held = more
  client.resume()
  await until(() => more > held)
})
