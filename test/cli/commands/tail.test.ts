import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { command } from '../../../cli/commands/tail.ts'
import { runCommand } from '../runCommand.ts'

/** A proxy that refuses everything with the status of the path, without JSON. */
const proxy = createServer((req, res) => {
  res.writeHead(Number(req.url?.slice(1))).end('<h1>refused</h1>')
})
proxy.on('upgrade', (req, socket) => {
  socket.end(`HTTP/1.1 ${req.url?.slice(1)} Refused\r\nconnection: close\r\n\r\n`)
})
let origin = ''
before(async () => {
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
})
after(() => proxy.close())

const tail = (...args: string[]) => runCommand(command, [...args, '--once'])

test('tail names the status with which it is refused, by the WebSocket and by HTTP', async () => {
  for (const from of [[], ['--from', 'oldest']]) {
    const unauthenticated = await tail('--url', `${origin}/401`, ...from)
    assert.equal(unauthenticated.code, 1)
    assert.match(
      unauthenticated.output,
      /rejected: 401: .*\/401 requires authentication: set TOUCHSTONE_TOKEN/,
    )
    const forbidden = await tail('--url', `${origin}/403`, ...from)
    assert.equal(forbidden.code, 1)
    assert.match(forbidden.output, /rejected: 403: /)
    assert.doesNotMatch(forbidden.output, /no gateway responds/)
    assert.match((await tail('--url', `${origin}/502`, ...from)).output, /rejected: 502: /)
  }
})

test('tail looks for the gateway of this machine at the port of the settings', async () => {
  const before = process.env.TOUCHSTONE_PORT
  try {
    process.env.TOUCHSTONE_PORT = '1'
    assert.match((await tail()).output, /no gateway responds at http:\/\/127\.0\.0\.1:1\/graphql/)
    assert.match((await tail('--port', '2')).output, /at http:\/\/127\.0\.0\.1:2\/graphql/)
    assert.match(
      (await tail('--url', 'http://127.0.0.1:3/graphql')).output,
      /at http:\/\/127\.0\.0\.1:3\/graphql/,
    )
  } finally {
    if (before === undefined) delete process.env.TOUCHSTONE_PORT
    else process.env.TOUCHSTONE_PORT = before
  }
})
