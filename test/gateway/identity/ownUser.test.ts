import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { isFromOwnUser } from '../../../gateway/identity/ownUser.ts'

const isLinux = process.platform === 'linux'
const isRoot = process.getuid?.() === 0

/**
 * A server that responds with what `isFromOwnUser` returns, after the time in `x-touchstone-wait`.
 */
const server = createServer(async (req: IncomingMessage, res) => {
  const ms = Number(req.headers['x-touchstone-wait'] ?? 0)
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
  const own = await isFromOwnUser(req)
  results.push(own)
  res.end(String(own))
})
const results: boolean[] = []

/** Sends lines of a request as they are, and returns what follows the headers of the response. */
async function raw(port: number, ...lines: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`${lines.join('\r\n')}\r\n\r\n`.replace('\r\n', `\r\nHost: 127.0.0.1:${port}\r\n`))
  let text = ''
  for await (const part of socket.setEncoding('utf8')) text += part
  return text
}

describe('requests of our own user', { skip: !isLinux && 'only Linux states the user' }, () => {
  let port = 0
  before(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening')
    port = (server.address() as AddressInfo).port
  })
  after(() => server.close())
  const ask = async (headers: Record<string, string> = {}, method = 'GET') =>
    await (await fetch(`http://127.0.0.1:${port}/`, { headers, method })).text()

  test('are found by the user of the other end of the connection', async () => {
    assert.equal(await ask(), 'true')
    assert.equal(await ask({ 'stripe-signature': 't=1', traceparent: '00-0-0-0' }, 'POST'), 'true')
  })

  test('are not those that a proxy or a page may have sent', async () => {
    const browser = 'Mozilla/5.0 (X11; Linux x86_64)'
    const headers: Record<string, string>[] = [
      { 'x-orig-client': '10' },
      { 'x-gateway': 'edge' },
      { 'my-load-balancer': '1' },
      { forwarded: 'for=10.0.0.1' },
      { 'user-agent': browser },
      { 'user-agent': browser, 'sec-fetch-site': 'none' },
      { connection: 'close' },
    ]
    for (const given of headers) assert.equal(await ask(given), 'false', JSON.stringify(given))
    assert.equal(await ask({ 'user-agent': browser, origin: `http://127.0.0.1:${port}` }), 'true')
    assert.match(await raw(port, 'GET / HTTP/1.0'), /\r\n\r\nfalse$/)
    // The server has no handler of upgrades, so the request stays one of HTTP.
    for (const [host, own] of [
      ['host', 'false'],
      ['Host', 'true'],
    ]) {
      const socket = connect(port, '127.0.0.1')
      socket.write(
        `GET / HTTP/1.1\r\n${host}: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      )
      const [response] = await once(socket.setEncoding('utf8'), 'data')
      socket.destroy()
      assert.ok(String(response).endsWith(own ?? ''), `${host}: ${response}`)
    }
  })

  test('are none once the sender has closed its end', async () => {
    const from = results.length
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.end(`GET / HTTP/1.1\r\nHost: x\r\nX-Touchstone-Wait: 100\r\n\r\n`)
    socket.destroySoon()
    while (results.length === from) await new Promise((resolve) => setTimeout(resolve, 10))
    assert.equal(results.at(-1), false)
  })

  test('are not those of another user of the machine', {
    skip: !isRoot && 'only root can be another user',
  }, async () => {
    const program = `fetch('http://127.0.0.1:${port}/').then((r) => r.text()).then(console.log)`
    const nobody = spawn(process.execPath, ['-e', program], {
      uid: 65534,
      gid: 65534,
      cwd: '/',
      env: {},
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let printed = ''
    for await (const part of nobody.stdout.setEncoding('utf8')) printed += part
    assert.equal(printed.trim(), 'false')
  })
})
