import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect, Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { createBoundedServer } from '../../../gateway/http/boundedServer.ts'
import { LogBudget } from '../../../gateway/http/logBudget.ts'
import { peerOf } from '../../../gateway/http/peer.ts'
import { unauthenticated } from '../../../gateway/identity/caller.ts'
import { authenticatedCallers } from '../../../gateway/identity/callers.ts'
import { ask, BOUNDS, testGateway } from '../gateway.ts'
import { longestTurn } from '../longestTurn.ts'
import { until } from '../until.ts'

const TOKEN = 'Bearer good'
const CHANGES = 'subscription { changes { position } }'
/** Bytes that all connections of the gateway may hold back for clients that do not read. */
const unreadBytesMax = 4 * 2 ** 20

let it: Awaited<ReturnType<typeof testGateway>>
let port: number
let revoked = false
before(async () => {
  it = await testGateway({
    recheckMs: 100,
    bounds: { ...BOUNDS, streamsMax: 700, bodyBytesMax: 1_048_576 },
    callers: callersOf(() => !revoked),
  })
  port = Number(new URL(it.url).port)
})
after(() => it.gateway.close(0))

/** Returns callers who are known by any token that begins with `good`, as long as it is valid. */
function callersOf(isValid: () => boolean) {
  return authenticatedCallers({
    async token(token) {
      if (!isValid() || !token.startsWith('good')) throw unauthenticated('no')
      return {
        ...{ actor: token, via: 'TOKEN', expiresAt: null },
        ...{ roles: new Set(), scopes: new Set(['*']) },
      }
    },
  })
}

/** Returns the server's ends of the connections to the gateway. */
function serverEnds(): Socket[] {
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): unknown[] }
  return handles
    .call(process)
    .filter((h): h is Socket => h instanceof Socket && h.localPort === port && !h.destroyed)
}

const terminate = (sockets: readonly WebSocket[]) => {
  for (const socket of sockets) socket.terminate()
}
const unread = () => serverEnds().reduce((sum, s) => sum + s.writableLength, 0)
const serves = async () =>
  assert.equal((await ask(it.url, '{ head }', { headers: { authorization: TOKEN } })).status, 200)

async function raw(text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(text)
  return socket
}

/** Resolves at the end of a connection, also of one that is reset: `once` rejects then. */
function closed(socket: Socket | WebSocket): Promise<unknown[]> {
  return new Promise((resolve) => socket.once('close', (...given: unknown[]) => resolve(given)))
}

/** Sends a request as it stands and returns all that comes back until the connection closes. */
async function exchange(text: string): Promise<string> {
  const socket = await raw(text)
  let response = ''
  socket.on('data', (part) => {
    response += part
  })
  const timer = setTimeout(() => socket.destroy(), 8_000)
  await closed(socket)
  clearTimeout(timer)
  return response
}

function webSocket(): WebSocket {
  const socket = new WebSocket(it.url.replace('http', 'ws'), 'graphql-transport-ws')
  socket.on('error', () => {})
  return socket
}

async function opened(authorization?: string): Promise<WebSocket> {
  const socket = webSocket()
  await once(socket, 'open')
  if (authorization !== undefined) {
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization } }))
    await once(socket, 'message')
  }
  return socket
}

describe('floods', () => {
  test('1,000 sockets without connection_init leave room for the next one', async (t) => {
    const flood: WebSocket[] = []
    t.after(() => terminate(flood))
    for (let n = 0; n < 1_000; n += 100) {
      const more = Array.from({ length: 100 }, webSocket)
      flood.push(...more)
      await Promise.all(more.map((s) => once(s, 'open')))
    }
    assert.ok(it.gateway.inProgress().sockets <= 700)
    await serves()
    const one = await opened(TOKEN)
    one.terminate()
  })

  test('connections without a request make room for new ones, the oldest first', async (t) => {
    const server = createBoundedServer((_, res) => res.end('served'), { waitingMax: 20 })
    server.listen(0, '127.0.0.1')
    const flood: Socket[] = []
    t.after(() => {
      for (const s of flood) s.destroy()
      server.close()
    })
    await once(server, 'listening')
    const { port: at } = server.address() as AddressInfo
    const beginnings = ['', 'POST /graphql HT', 'GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n']
    for (let n = 0; n < 300; n++) {
      const socket = connect(at, '127.0.0.1').on('error', () => {})
      flood.push(socket)
      await once(socket, 'connect')
      socket.write(beginnings[n % beginnings.length] as string)
      socket.resume()
    }
    await until(() => flood.filter((s) => !s.destroyed).length <= 21)
    assert.equal(await (await fetch(`http://127.0.0.1:${at}/`)).text(), 'served')
  })

  for (const [what, authorization] of [
    ['before connection_init', undefined],
    ['after it', TOKEN],
  ] as const)
    test(`pings that ask for long answers which nobody reads, ${what}`, async (t) => {
      const flood = await Promise.all(Array.from({ length: 10 }, () => opened(authorization)))
      t.after(() => terminate(flood))
      const payload = { text: 'x'.repeat(authorization ? 200_000 : 30_000) }
      const message = JSON.stringify({ type: 'ping', payload })
      for (const socket of flood) socket.pause()
      for (let round = 0; round < 10; round++) {
        for (const socket of flood) if (socket.bufferedAmount < 2e6) socket.send(message)
        await sleep(10)
        assert.ok(unread() < unreadBytesMax, `${unread()} bytes wait`)
      }
      await serves()
    })

  test('protocol pings whose pongs nobody reads', async (t) => {
    const socket = await opened(TOKEN)
    t.after(() => socket.terminate())
    socket.pause()
    for (let n = 0; n < 100_000 && socket.readyState === socket.OPEN; n++) {
      socket.ping('x'.repeat(125))
      if (n % 5_000 === 0) await sleep(1)
    }
    assert.ok(unread() < unreadBytesMax, `${unread()} bytes wait`)
    await serves()
  })

  test('a socket that sends more than a connection_init before it is authenticated is closed', async () => {
    for (const frames of [
      ['x'.repeat(70_000)],
      Array.from({ length: 700 }, () => 'x'.repeat(100)),
    ]) {
      const socket = await opened()
      const end = closed(socket)
      for (const [n, frame] of frames.entries())
        socket.send(frame, { fin: n === frames.length - 1 && frames.length === 1 })
      await end
    }
  })

  test('a message in a million fragments or beyond the bound closes its socket alone', async () => {
    const many = await opened(TOKEN)
    const large = await opened(TOKEN)
    const ends = [closed(many), closed(large)]
    large.send('x'.repeat(1_100_000))
    for (let n = 0; n < 20_000 && many.readyState === many.OPEN; n++) many.send('x', { fin: false })
    await Promise.all(ends)
    await serves()
  })

  test('a socket has at most 100 operations, whatever it sends', async (t) => {
    const socket = await opened(TOKEN)
    t.after(() => socket.terminate())
    const errors: string[] = []
    socket.on('message', (data) => {
      const { type, payload } = JSON.parse(String(data))
      if (type === 'error') errors.push(payload[0].extensions.code)
    })
    for (let id = 0; id < 500; id++)
      socket.send(JSON.stringify({ id: `${id}`, type: 'subscribe', payload: { query: CHANGES } }))
    await until(() => errors.length === 400)
    assert.deepEqual(new Set(errors), new Set(['TOO_MANY_OPERATIONS']))
    await until(() => it.fixture.subscribers() === 100)
    socket.terminate()
    await until(() => it.fixture.subscribers() === 0)
  })

  test('compression is not negotiated, so no message expands', async (t) => {
    const socket = new WebSocket(it.url.replace('http', 'ws'), 'graphql-transport-ws', {
      perMessageDeflate: true,
    })
    t.after(() => socket.terminate())
    await once(socket, 'open')
    assert.equal(socket.extensions, '')
  })

  test('a connection takes 4 requests at a time, is not read past 16, and is closed past 100', async (t) => {
    let running = 0
    let most = 0
    let served = 0
    const server = createBoundedServer((_, res) => {
      running++
      served++
      most = Math.max(most, running)
      setTimeout(() => {
        running--
        res.end('served')
      }, 5)
    })
    server.listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const { port: at } = server.address() as AddressInfo
    /** Sends requests with heads of this size in one go. */
    const requests = async (count: number, bytes: number) => {
      served = 0
      running = 0
      const one = `GET / HTTP/1.1\r\nhost: x\r\nx-pad: ${'x'.repeat(bytes)}\r\n\r\n`
      const socket = connect(at, '127.0.0.1').on('error', () => {})
      socket.write(one.repeat(count - 1) + one.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'))
      socket.resume()
      await until(() => socket.closed)
      return served
    }
    assert.equal(await requests(100, 1), 100)
    // Of large requests less than 100 are read at once; all the others wait in the connection.
    assert.equal(await requests(500, 4_000), 500)
    assert.equal(most, 4)
    assert.ok((await requests(10_000, 1)) < 100)
    assert.equal(await (await fetch(`http://127.0.0.1:${at}/`)).text(), 'served')
  })

  test('thousands of operations in one go on one connection leave others their turn', async (t) => {
    const [socket, bare] = [await opened(TOKEN), await raw('')]
    t.after(() => {
      socket.terminate()
      bare.destroy()
    })
    const body = JSON.stringify({ query: '{ __typename }' })
    const one = `POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer good-one\r\nx-pad: ${'x'.repeat(900)}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    const many = [
      () => {
        socket.resume()
        for (let id = 0; id < 1_000; id++)
          socket.send(`{"id":"${id}","type":"subscribe","payload":${body}}`)
        return new Promise<void>((resolve) => {
          let ends = 0
          socket.on('message', (data) => {
            if (!String(data).includes('"next"') && ++ends === 1_000) resolve()
          })
        })
      },
      () => {
        bare.write(one.repeat(1_000))
        return new Promise<void>((resolve) => {
          let received = ''
          bare.on('data', (data) => {
            // A chunk may end within a response.
            received += data
            if (received.split('HTTP/1.1').length === 1_001) resolve()
          })
        })
      },
    ]
    for (const [n, send] of many.entries()) {
      const { all, longest } = await longestTurn(send)
      assert.ok(longest < all / 3, `${n}: ${longest} of ${all} ms`)
    }
  })

  test('strangers of one address close their own connections, not those of a known caller', async (t) => {
    const small = await testGateway({
      bounds: { ...BOUNDS, connectionsMax: 60, addressConnectionsMax: 20 },
      callers: callersOf(() => true),
    })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const flood: Socket[] = []
    t.after(async () => {
      for (const s of flood) s.destroy()
      agent.destroy()
      await small.gateway.close(0)
    })
    const at = Number(new URL(small.url).port)
    const ports = new Set<number | undefined>()
    const asks = async () => {
      const body = JSON.stringify({ query: '{ head }' })
      const headers = { authorization: TOKEN, 'content-type': 'application/json' }
      const req = request(small.url, { agent, method: 'POST', headers }).end(body)
      const [res] = (await once(req, 'response')) as [IncomingMessage]
      ports.add(req.socket?.localPort)
      await res.resume().toArray()
      return res.statusCode
    }
    assert.equal(await asks(), 200)
    const unread = `GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n`
    const slow = `POST /ingest/x HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{`
    for (let n = 0; n < 200; n++) {
      const socket = connect(at, '127.0.0.1').on('error', () => {})
      flood.push(socket)
      await once(socket, 'connect')
      socket.write([unread, slow, 'POST /gr', ''][n % 4] as string)
    }
    await until(() => flood.filter((s) => !s.resume().destroyed).length <= 20)
    assert.equal(await asks(), 200)
    assert.equal(ports.size, 1, 'the connection of the known caller stays open')
    const lines = small.logged.filter((l) => String(l.msg).includes('connection'))
    assert.equal(lines[0]?.exceeded, 'addressConnectionsMax')
    assert.ok(lines.length <= 4, 'one line a second and a sum')
  })

  test('a body that arrives too slowly ends its connection, however steadily it arrives', async (t) => {
    const server = createBoundedServer((req, res) => req.resume().once('end', () => res.end()), {
      requestMsMax: 1_000,
    })
    server.listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on(
      'error',
      () => {},
    )
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10000\r\n\r\n')
    const timer = setInterval(() => socket.write('x'), 50)
    t.after(() => clearInterval(timer))
    socket.resume()
    await closed(socket)
  })

  test('connections in use are bounded too: a new one is closed, and has room when one ends', async (t) => {
    const small = await testGateway({
      bounds: { ...BOUNDS, connectionsMax: 20, streamsMax: 100 },
      callers: callersOf(() => true),
    })
    const sockets: WebSocket[] = []
    t.after(async () => {
      terminate(sockets)
      await small.gateway.close(0)
    })
    const open = async () => {
      const socket = new WebSocket(small.url.replace('http', 'ws'), 'graphql-transport-ws')
      sockets.push(socket)
      socket.on('error', () => {})
      return await once(socket, 'open').then(
        () => true,
        () => false,
      )
    }
    for (let n = 0; n < 20; n++) assert.ok(await open())
    assert.equal(await open(), false)
    sockets[0]?.terminate()
    await until(open)
  })

  test('bodies that arrive slowly make room for those that arrive at once', async (t) => {
    const small = await testGateway({
      bounds: { ...BOUNDS, bodyBytesMax: 400_000, bodiesMegabytesMax: 1 },
      callers: callersOf(() => true),
    })
    const at = Number(new URL(small.url).port)
    const flood: Socket[] = []
    t.after(async () => {
      for (const s of flood) s.destroy()
      await small.gateway.close(0)
    })
    const head = `POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: ${TOKEN}\r\naccept: text/event-stream\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`
    const chunk = `${(300_000).toString(16)}\r\n${' '.repeat(300_000)}\r\n`
    const responses: string[] = []
    for (let n = 0; n < 10; n++) {
      const socket = connect(at, '127.0.0.1').on('error', () => {})
      flood.push(socket)
      socket.on('data', (data) => responses.push(`${n} ${data}`))
      await once(socket, 'connect')
      socket.write(head + chunk)
      await sleep(20)
    }
    await until(() => responses.length >= 7)
    assert.match(responses[0] ?? '', /^0 HTTP\/1\.1 503 .*"code":"BUSY"/s)
    assert.ok(!responses.some((r) => r.startsWith('9 ')))
    const query = `{ head }${' '.repeat(9_000)}`
    const headers = { authorization: TOKEN }
    assert.equal((await ask(small.url, query, { headers })).status, 200)
  })

  test('events that nobody reads are bounded over all streams', async (t) => {
    const small = await testGateway({
      bounds: { ...BOUNDS, streamsMax: 100, unreadMegabytesMax: 2 },
      callers: callersOf(() => true),
    })
    const at = Number(new URL(small.url).port)
    const flood: Socket[] = []
    t.after(async () => {
      for (const s of flood) s.destroy()
      await small.gateway.close(0)
    })
    for (let n = 0; n < 10; n++) {
      const socket = connect(at, '127.0.0.1').on('error', () => {})
      flood.push(socket)
      await once(socket, 'connect')
      socket.pause()
      socket.write(
        `GET /graphql?query=${encodeURIComponent(CHANGES)} HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\nauthorization: ${TOKEN}\r\n\r\n`,
      )
    }
    await until(() => small.fixture.subscribers() === 10)
    const position = 'x'.repeat(1_000_000)
    for (let n = 0; n < 30 && small.fixture.subscribers() > 3; n++) {
      small.fixture.emit({ position, id: 'c1' })
      await sleep(20)
    }
    await until(() => small.fixture.subscribers() <= 3)
    const headers = { authorization: TOKEN }
    assert.equal((await ask(small.url, '{ head }', { headers })).status, 200)
  })

  test('a peer is an address, or the network of one subscriber', () => {
    assert.deepEqual(
      ['192.0.2.1', '::ffff:192.0.2.1', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::9', '::1'].map(
        peerOf,
      ),
      ['192.0.2.1', '192.0.2.1', '2001:db8:1:2::/64', '2001:db8:1:2::/64', '0:0:0:0::/64'],
    )
  })

  test('rejected requests fill no log: 20 lines in a second, then their number', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const omitted: number[] = []
    const budget = new LogBudget((count) => omitted.push(count))
    const lines = () => Array.from({ length: 500 }, () => budget.take()).filter(Boolean).length
    assert.equal(lines(), 20)
    t.mock.timers.tick(1_000)
    assert.deepEqual(omitted, [480])
    assert.equal(budget.take(), true)
    t.mock.timers.tick(1_000)
    assert.deepEqual(omitted, [480])
  })

  test('requests in one go whose responses nobody reads are bounded', async (t) => {
    const body = JSON.stringify({ query: '{ customers(first: 20) { id name } }' })
    const one = `POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer good-pipeline\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    const socket = await raw(one.repeat(1_000))
    t.after(() => socket.destroy())
    socket.pause()
    await sleep(300)
    assert.ok(unread() < unreadBytesMax, `${unread()} bytes wait`)
    await serves()
  })
})

describe('requests that proxies and servers read in different ways', () => {
  const second = `GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n`
  const head = 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n'
  const chunked = `0\r\n\r\n${second}`
  for (const [what, text] of Object.entries({
    'length and chunks': `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n${chunked}`,
    'two lengths': `${head}content-length: 0\r\ncontent-length: ${second.length}\r\n\r\n${second}`,
    'a list of lengths': `${head}content-length: 0, ${second.length}\r\n\r\n${second}`,
    'a length with a sign': `${head}content-length: +0\r\n\r\n${second}`,
    'an unknown coding': `${head}transfer-encoding: xchunked\r\n\r\n${chunked}`,
    'chunks that are not the last coding': `${head}transfer-encoding: chunked, identity\r\n\r\n${chunked}`,
    'a blank before the colon': `${head}transfer-encoding : chunked\r\n\r\n${chunked}`,
    'a folded header': `${head}transfer-encoding:\r\n chunked\r\n\r\n${chunked}`,
    'a bare line feed in a chunk': `${head}transfer-encoding: chunked\r\n\r\n1\nx\r\n${chunked}`,
    'a size with a prefix': `${head}transfer-encoding: chunked\r\n\r\n0x0\r\n\r\n${second}`,
    'a null in a header': `${head}x-y: a\0b\r\ncontent-length: 0\r\n\r\n${second}`,
  }))
    test(`${what} smuggles no second request`, async () => {
      const response = await exchange(text)
      assert.match(response, /^HTTP\/1\.1 4\d\d /, response)
      assert.doesNotMatch(response, /"live"/)
    })

  test('an upgrade to anything else than a WebSocket of GraphQL is refused', async () => {
    const upgrade = (path: string, more: string) =>
      exchange(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\n${more}\r\n\r\n`)
    for (const path of ['/', '//', '/graphql/..', '/GRAPHQL', '*', 'http://x/graphql', '/metrics'])
      assert.match(await upgrade(path, 'upgrade: websocket'), /^HTTP\/1\.1 404 /, path)
    for (const more of ['upgrade: h2c', 'upgrade: websocket', 'upgrade: TLS/1.0'])
      assert.match(await upgrade('/graphql', more), /^HTTP\/1\.1 4\d\d /, more)
    await serves()
  })

  test('a client that waits for 100 Continue is refused before it sends a body', async () => {
    const response = await exchange(
      `${head}expect: 100-continue\r\ncontent-length: 1000\r\nconnection: close\r\n\r\n`,
    )
    assert.match(response, /HTTP\/1\.1 401 /)
  })

  test('a body in chunks of one byte is read within its bound', async () => {
    const text = JSON.stringify({ query: '{ head }', variables: { pad: 'x'.repeat(100_000) } })
    const chunks = [...text].map((c) => `1\r\n${c}\r\n`).join('')
    const response = await exchange(
      `${head}authorization: ${TOKEN}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n${chunks}0\r\n\r\n`,
    )
    assert.match(response, /^HTTP\/1\.1 200 /)
  })
})

describe('credentials that end while a client reads nothing', () => {
  test('its event stream, its idle socket and its stalled socket are closed in seconds', async (t) => {
    const stream = await raw(
      `GET /graphql?query=${encodeURIComponent(CHANGES)} HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\nauthorization: ${TOKEN}\r\n\r\n`,
    )
    const [idle, stalled] = [await opened(TOKEN), await opened(TOKEN)]
    t.after(() => {
      revoked = false
      stream.destroy()
      for (const s of [idle, stalled]) s.terminate()
    })
    stalled.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: CHANGES } }))
    await until(() => it.fixture.subscribers() === 2)
    stream.pause()
    stalled.pause()
    const position = 'x'.repeat(400_000)
    for (let n = 0; n < 30; n++) {
      it.fixture.emit({ position, id: 'c1' })
      await sleep(5)
    }
    const end = closed(idle)
    assert.ok(unread() > 0, 'both read nothing')
    revoked = true
    const [code] = await end
    assert.equal(code, 4403)
    await until(() => it.fixture.subscribers() === 0)
    await until(() => serverEnds().length === 0)
  })
})
