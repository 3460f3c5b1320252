import { developerHeaders } from '../developer.ts'
import { type Attack, atOnce, counts, numbers } from './attack.ts'
import { hostileBody } from './operations.ts'
import { headerText } from './records.ts'
import { inParallel, send, sendBytes } from './requests.ts'
import type { Source } from './tokens.ts'

/** Sends requests with hostile paths, parameters and headers, and bytes that are no HTTP at all. */
export async function attackHttp(at: Attack, count: number): Promise<string> {
  const { product, source, findings } = at
  const statuses = new Map<number, number>()
  const note = (status: number, input: string, text: string) => {
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    if (status >= 500 && status !== 501 && status !== 505)
      findings.add(`HTTP ${status} of a request`, input, text)
  }
  await inParallel(numbers(count), atOnce, async (n) => {
    if (n % 3 === 0) {
      const bytes = hostileBytes(source, product.origin)
      for (const status of await sendBytes(product.origin, bytes))
        note(status, bytes.toString('latin1'), '')
      return
    }
    const { method, path, headers, body } = hostileRequest(source)
    const at = { method, path, headers, ...(body === undefined ? {} : { body }) }
    const { status, text } = await send(product.origin, at)
    note(status, JSON.stringify({ method, path, headers, body }), text)
  })
  return `${count} requests, statuses ${counts(statuses)}`
}

const HEADERS = [
  ...['accept', 'content-type', 'content-encoding', 'last-event-id', 'x-correlation-id', 'host'],
  ...['traceparent', 'tracestate', 'x-touchstone-actor', 'x-touchstone-roles', 'authorization'],
  ...[
    'x-api-key',
    'origin',
    'cookie',
    'if-none-match',
    'range',
    'accept-encoding',
    'te',
    'forwarded',
  ],
  ...[
    'access-control-request-method',
    'access-control-request-headers',
    'webhook-id',
    'x-signature',
  ],
  ...['webhook-timestamp', 'webhook-signature', 'stripe-signature', 'x-graphql-event-stream-token'],
  ...['constructor', 'toString', 'valueOf', '__proto__', 'hasOwnProperty', 'content-md5', 'prefer'],
]

function hostileRequest(source: Source) {
  const text = source.text()
  const encoded = encodeURIComponent(text.toWellFormed())
  const path = source.one([
    '/graphql',
    `/graphql?query=${encodeURIComponent('{__typename}')}&variables=${encoded}`,
    `/graphql?query=${encoded}&operationName=${encoded}&extensions=${encoded}`,
    `/graphql?query={__typename}&${encoded}=${encoded}`.replace(/[{}]/g, encodeURIComponent),
    `/graphql?query=%ff%fe&variables=%`,
    `/${encoded}`,
    `/ingest/${encoded}`,
    `/ingest/webshop/${encoded}`,
    '/ingest/constructor',
    '/ingest/__proto__/toString',
    '/ingest/webshop/customers',
    '/ingest/stripe',
    '/ingest/hooks',
    '/health/ready',
    '/metrics',
    '//',
    '/..%2f..%2fetc%2fpasswd',
    '/%00',
    '*',
  ])
  const headers = new Map<string, string>([['content-type', 'application/json']])
  for (const name of source.some(HEADERS, 4)) headers.set(name, headerText(source))
  if (source.chance(0.3))
    headers.set(
      'accept',
      source.one([
        'text/event-stream',
        'multipart/mixed',
        'text/html',
        '*/*;q=x',
        ',,,',
        'a/b;q=1e400',
      ]),
    )
  const method = source.one(['GET', 'POST', 'POST', 'POST', 'PUT', 'OPTIONS', 'HEAD', 'DELETE'])
  const body =
    method === 'GET' || method === 'HEAD' ? undefined : hostileBody(source).slice(0, 5_000)
  return { method, path, headers: Object.fromEntries(headers), body }
}

function hostileBytes(source: Source, origin: string): Buffer {
  const { host, port } = new URL(origin)
  const { authorization = '' } = developerHeaders(origin)
  const right = `Host: ${host}\r\nAuthorization: ${authorization}`
  const text = source.text()
  const header = `${source.one(HEADERS)}: ${text}`
  return Buffer.from(
    source.one([
      `POST /graphql HTTP/1.1\r\n${right}\r\n${header}\r\nContent-Length: 2\r\n\r\n{}`,
      `POST /ingest/stripe HTTP/1.1\r\n${right}\r\nStripe-Signature: ${text}\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n`,
      `GET ${text} HTTP/1.1\r\n${right}\r\n\r\n`,
      `GET /graphql?query=${text} HTTP/1.1\r\n${right}\r\n\r\n`,
      `${text} /graphql HTTP/1.1\r\n\r\n`,
      `GET http://${text}/graphql HTTP/1.1\r\nHost: ${text}\r\n\r\n`,
      `POST /graphql HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: ${authorization}\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nGET /`,
      `POST /graphql HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: ${authorization}\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nffffffffffffffff\r\n{}`,
      `POST /graphql HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: ${authorization}\r\nContent-Length: -1\r\n\r\n`,
      `POST /graphql HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: ${authorization}\r\nContent-Length: 18446744073709551616\r\nContent-Type: application/json\r\n\r\n{}`,
      `GET /graphql HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: ${authorization}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${text}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      `GET //${text} HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: ${authorization}\r\nUpgrade: ${text}\r\nConnection: Upgrade\r\n\r\n`,
      `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(3_000)}\r\n`,
      `GET / HTTP/1.1\r\nA: ${'b'.repeat(20_000)}\r\n\r\n`,
      `POST /graphql HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: ${authorization}\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
      `POST /graphql HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: ${authorization}\r\nExpect: ${text}\r\nContent-Length: 2\r\n\r\n{}`,
    ]),
    source.chance(0.3) ? 'latin1' : 'utf8',
  )
}
