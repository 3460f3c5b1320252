import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { ask, testGateway } from '../gateway.ts'

let it: Awaited<ReturnType<typeof testGateway>>
before(async () => {
  it = await testGateway()
})
after(() => it.gateway.close())

interface Raw {
  path?: string
  method?: string
  headers?: Record<string, string>
  body?: string | Buffer[]
}

/** Sends raw requests, because fetch would correct the errors that these tests need. */
function raw({
  path = '/graphql',
  method = 'POST',
  headers = {},
  body = '',
}: Raw): Promise<{ status: number; code: string }> {
  return new Promise((resolve, reject) => {
    const url = new URL(it.url)
    const req = request(
      {
        host: url.hostname,
        port: url.port,
        path,
        method,
        headers: { 'content-type': 'application/json', ...headers },
      },
      async (res) => {
        let text = ''
        for await (const chunk of res) text += chunk
        resolve({ status: res.statusCode ?? 0, code: JSON.parse(text).errors?.[0].extensions.code })
      },
    )
    req.once('error', reject)
    if (typeof body === 'string') req.end(body)
    else {
      for (const chunk of body) req.write(chunk)
      req.end()
    }
  })
}

const cases: [string, Raw, number, string][] = [
  ['no JSON', { body: '{"query": ' }, 400, 'BAD_JSON'],
  ['an empty body', {}, 400, 'BAD_JSON'],
  ['no query', { body: '{}' }, 400, 'NO_QUERY'],
  ['null', { body: 'null' }, 400, 'NO_QUERY'],
  ['a query that is a number', { body: '{"query": 1}' }, 400, 'NO_QUERY'],
  [
    'variables that are a list',
    { body: '{"query":"{head}","variables":[]}' },
    400,
    'BAD_VARIABLES',
  ],
  [
    'variables that nest too deeply',
    { body: `{"query":"{head}","variables":{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}}` },
    400,
    'BAD_VARIABLES',
  ],
  [
    'an operation name that is a number',
    { body: '{"query":"{head}","operationName":1}' },
    400,
    'BAD_OPERATION_NAME',
  ],
  ['a batch', { body: '[{"query":"{head}"}]' }, 400, 'BATCHING_NOT_SUPPORTED'],
  [
    'a form',
    { headers: { 'content-type': 'text/plain' }, body: '{"query":"{head}"}' },
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  [
    'variables in the address that are no JSON',
    { method: 'GET', path: '/graphql?query=%7Bhead%7D&variables=%7B' },
    400,
    'BAD_JSON',
  ],
  ['a large body', { body: `{"query":"${' '.repeat(30_000)}"}` }, 413, 'BODY_TOO_LARGE'],
  [
    'a large body in chunks',
    { body: Array.from({ length: 30 }, () => Buffer.alloc(1_000, 32)) },
    413,
    'BODY_TOO_LARGE',
  ],
  [
    'a long document',
    { body: `{"query":"{ head } ${' '.repeat(11_000)}"}` },
    413,
    'DOCUMENT_TOO_LARGE',
  ],
  ['a method', { method: 'DELETE' }, 405, 'METHOD_NOT_ALLOWED'],
  [
    'the single connection mode of graphql-sse',
    { method: 'PUT' },
    405,
    'SINGLE_CONNECTION_NOT_SUPPORTED',
  ],
  [
    'a request of the single connection mode',
    { headers: { 'x-graphql-event-stream-token': 't' }, body: '{"query":"{head}"}' },
    405,
    'SINGLE_CONNECTION_NOT_SUPPORTED',
  ],
  [
    'bytes that are not UTF-8',
    { body: [Buffer.from('{"query":"{ customer(id: \\"M\u00fcller\\") { id } }"}', 'latin1')] },
    400,
    'NOT_UTF8',
  ],
  ['UTF-16', { body: [Buffer.from('\ufeff{"query":"{head}"}', 'utf16le')] }, 400, 'NOT_UTF8'],
  [
    'another charset',
    {
      headers: { 'content-type': 'application/json; charset=iso-8859-1' },
      body: '{"query":"{head}"}',
    },
    415,
    'UNSUPPORTED_CHARSET',
  ],
  [
    'JSON of another kind',
    { headers: { 'content-type': 'application/json-patch+json' }, body: '{"query":"{head}"}' },
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  [
    'an unknown encoding',
    { headers: { 'content-encoding': 'compress' }, body: '{"query":"{head}"}' },
    415,
    'UNSUPPORTED_ENCODING',
  ],
  [
    'two encodings',
    {
      headers: { 'content-encoding': 'gzip, gzip' },
      body: [gzipSync(gzipSync('{"query":"{head}"}'))],
    },
    415,
    'UNSUPPORTED_ENCODING',
  ],
  [
    'a body that is not compressed as its header says',
    { headers: { 'content-encoding': 'gzip' }, body: '{"query":"{head}"}' },
    400,
    'BAD_ENCODING',
  ],
  [
    'a compressed body that is cut off',
    {
      headers: { 'content-encoding': 'gzip' },
      body: [gzipSync('{"query":"{head}"}').subarray(0, 25)],
    },
    400,
    'BAD_ENCODING',
  ],
  [
    'a small body that is large once decompressed',
    { headers: { 'content-encoding': 'gzip' }, body: [gzipSync(Buffer.alloc(10_000_000, 32))] },
    413,
    'BODY_TOO_LARGE',
  ],
  [
    'a URL that is not UTF-8',
    { method: 'GET', path: '/graphql?query=%7Ba(n:%22M%FCller%22)%7D' },
    400,
    'BAD_URL',
  ],
  [
    'a parameter that is given twice',
    { method: 'GET', path: '/graphql?query=%7Bhead%7D&query=%7Bhead%7D' },
    400,
    'BAD_URL',
  ],
  [
    'a client that accepts no form of results',
    {
      headers: { accept: 'image/png' },
      body: JSON.stringify({ query: 'mutation { rename(id: "c9", name: "x") { id } }' }),
    },
    406,
    'NOT_ACCEPTABLE',
  ],
  [
    'a subscription of a client that accepts any one response',
    {
      headers: { accept: 'application/json, */*' },
      body: '{"query":"subscription{changes{position}}"}',
    },
    406,
    'NOT_ACCEPTABLE',
  ],
  ['a path', { path: '/admin' }, 404, 'NOT_FOUND'],
  ['a delivery to a server without ingest', { path: '/ingest/stripe' }, 404, 'NO_INGEST_HERE'],
  [
    'an unknown host name',
    { headers: { host: 'evil.example' }, body: '{"query":"{head}"}' },
    421,
    'HOST_NOT_ALLOWED',
  ],
  [
    'a page of another site',
    { headers: { origin: 'https://evil.example' }, body: '{"query":"{head}"}' },
    403,
    'ORIGIN_NOT_ALLOWED',
  ],
  [
    'a subscription without a stream',
    { body: '{"query":"subscription { changes { position } }"}' },
    406,
    'NOT_ACCEPTABLE',
  ],
]
for (const [what, input, status, code] of cases)
  test(`rejects ${what} with ${status} ${code}`, async () => {
    assert.deepEqual(await raw(input), { status, code })
  })

const documents: [string, string, string][] = [
  ['broken GraphQL', '{ customers {', 'GRAPHQL_PARSE_FAILED'],
  ['an unknown field', '{ customers { nam } }', 'GRAPHQL_VALIDATION_FAILED'],
  ['too many tokens', `{ ${'head '.repeat(400)} }`, 'TOO_MANY_TOKENS'],
  ['too many fields', `{ customers { ${'name '.repeat(70)} } }`, 'TOO_MANY_FIELDS'],
  [
    'too many aliases',
    `{ ${Array.from({ length: 11 }, (_, i) => `a${i}: head`).join(' ')} }`,
    'TOO_MANY_ALIASES',
  ],
  [
    'too deep a document',
    '{ customers { invoices { customer { invoices { customer { invoices { customer { invoices { id } } } } } } } } }',
    'QUERY_TOO_DEEP',
  ],
  [
    'depth hidden in fragments',
    `{ customers { ...A } } fragment A on Customer { invoices { customer { ...B } } }
     fragment B on Customer { invoices { customer { ...C } } } fragment C on Customer { invoices { customer { ...D } } }
     fragment D on Customer { invoices { customer { id } } }`,
    'QUERY_TOO_DEEP',
  ],
  [
    'aliases multiplied by fragments',
    `{ customers { ...A ...A ...A ...A } } fragment A on Customer { a: id b: id c: id }`,
    'TOO_MANY_ALIASES',
  ],
  [
    'a circle of fragments',
    '{ customers { ...A } } fragment A on Customer { ...A }',
    'GRAPHQL_VALIDATION_FAILED',
  ],
]
for (const [what, query, code] of documents)
  test(`rejects ${what} with ${code}`, async () => {
    const { body } = await ask(it.url, query)
    assert.ok(
      body.errors.some((e: { extensions: { code: string } }) => e.extensions.code === code),
      JSON.stringify(body),
    )
    assert.equal(body.data, undefined)
  })

test('reads compressed bodies and a byte order mark', async () => {
  const body = Buffer.from('{"query":"{ head }"}')
  const packed: [string, Buffer][] = [
    ['gzip', gzipSync(body)],
    ['X-GZIP', gzipSync(body)],
    ['deflate', deflateSync(body)],
    ['br', brotliCompressSync(body)],
    ['zstd', zstdCompressSync(body)],
    ['identity', body],
    ['', Buffer.concat([Buffer.from('\ufeff'), body])],
  ]
  for (const [encoding, bytes] of packed) {
    const headers: Record<string, string> = encoding === '' ? {} : { 'content-encoding': encoding }
    assert.deepEqual(
      await raw({ headers, body: [bytes] }),
      { status: 200, code: undefined },
      encoding,
    )
  }
})

test('an empty operation name is none', async () => {
  const query = 'query A { head }'
  assert.deepEqual((await ask(it.url, query, { operationName: '' })).body, { data: { head: '0' } })
  const get = await fetch(`${it.url}?query=${encodeURIComponent(query)}&operationName=`)
  assert.deepEqual(await get.json(), { data: { head: '0' } })
  const two = await ask(it.url, `${query} query B { head }`, { operationName: '' })
  assert.equal(two.body.errors[0].extensions.code, 'OPERATION_RESOLUTION_FAILURE')
})

test('a client that is refused for its Accept header has changed nothing', async () => {
  const { body } = await ask(it.url, '{ customer(id: "c9") { name } }')
  assert.equal(body.data.customer.name, 'Customer 9')
})

test('a client that accepts the newer media type gets 400 for errors in its operation', async () => {
  const headers = { accept: 'application/graphql-response+json' }
  const wrong = await ask(it.url, '{ nothing }', { headers })
  assert.equal(wrong.status, 400)
  assert.match(wrong.headers.get('content-type') ?? '', /graphql-response\+json/)
  assert.equal((await ask(it.url, '{ head }', { headers })).status, 200)
})

test('the server still works after all bad input', async () => {
  assert.deepEqual((await ask(it.url, '{ head }')).body, { data: { head: '0' } })
})
