import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { context, trace } from '@opentelemetry/api'
import { startTracing } from '../../../cli/observe/tracing.ts'
import { traced } from '../../../schema/trace.ts'
import { eventually } from '../../e2e/eventually.ts'

/** Generous for a busy machine; the product waits 5 s. */
const stopMsMax = 20_000
const closing: (() => void)[] = []
after(() => {
  for (const close of closing) close()
})

async function collector(answer: (res: ServerResponse, req: IncomingMessage) => void) {
  const seen = { requests: 0, headers: [] as string[] }
  const server = createServer((req, res) => {
    seen.requests++
    seen.headers.push(JSON.stringify(req.headers))
    req.resume()
    res.on('error', () => {}) // the exporter hangs up
    answer(res, req)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

const other = await collector((res) => void res.end('{}'))
const ANSWERS: [what: string, answer: (res: ServerResponse) => void][] = [
  [
    'redirects to another host',
    (r) => void r.writeHead(307, { location: `${other.url}/v1/traces` }).end(),
  ],
  ['redirects a GET to another host', (r) => void r.writeHead(303, { location: other.url }).end()],
  ['never answers', () => {}],
  [
    'answers a byte at a time',
    (r) => {
      r.writeHead(200)
      const drip = setInterval(() => r.write(' '), 200)
      r.once('close', () => clearInterval(drip))
    },
  ],
  [
    'answers without end',
    (r) => {
      const chunk = Buffer.alloc(65_536, 'a')
      const more = () => {
        while (!r.destroyed && r.write(chunk));
      }
      r.on('drain', more)
      more()
    },
  ],
  [
    'asks to come back in a year',
    (r) => void r.writeHead(503, { 'retry-after': '31536000' }).end(),
  ],
  ['answers nonsense', (r) => void r.socket?.end('\u0000\u0001\r\n\r\n')],
]

for (const [what, answer] of ANSWERS)
  test(`a collector that ${what} costs spans and nothing else`, async () => {
    const { url, seen } = await collector(answer)
    const stop = await startTracing({ otlpUrl: url, tracePercent: 100 }, 'test')
    for (let n = 0; n < 3; n++) {
      await traced({ name: 'test.work' }, async () => {})
      await sleep(50)
    }
    await eventually(() => seen.requests > 0)
    const began = performance.now()
    await traced({ name: 'test.last' }, async () => {})
    await stop()
    // The provider is that of the process; the next test sets its own.
    trace.disable()
    context.disable()
    assert.ok(performance.now() - began < stopMsMax, `${performance.now() - began} ms`)
    assert.equal(other.seen.requests, 0, 'no other host gets the spans')
  })
