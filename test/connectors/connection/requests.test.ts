import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { ConnectionError } from '../../../connectors/connection/contract.ts'
import {
  openRequester,
  type RequesterOptions,
} from '../../../connectors/connection/openRequester.ts'
import type { Answered } from '../../../connectors/connection/request/requester.ts'
import { connect, simple } from './fixture.ts'
import { type Received, type Reply, serve, type TestServer } from './server.ts'

const secret = 'sk_live_0123456789'
const signal = new AbortController().signal
let open: TestServer[] = []
afterEach(() => {
  for (const server of open) server.close()
  open = []
})

type Handler = (request: Received, res: ServerResponse) => Reply | null | Promise<Reply | null>

async function start(
  reply: Handler,
  {
    definition = simple,
    more = '',
    ...options
  }: RequesterOptions & {
    definition?: string
    more?: string
  } = {},
) {
  const server = await serve(reply)
  open.push(server)
  const connection = connect(
    definition,
    `base: ${server.url}/api\nkey: { env: KEY }\nprivateAddresses: true\n${more}`,
  )
  const it = openRequester('crm', connection, {
    env: { KEY: secret },
    retry: { msMin: 5, msMax: 20 },
    ...options,
  })
  const object = connection.definition.objects.get('customer')
  assert.ok(object)
  const ask = (aborted = signal): Promise<Answered> =>
    it.requester.ask(
      {
        object: 'customer',
        template: object.full.request,
        values: { get: () => undefined, times: { text: 'iso', zone: 'UTC' } },
      },
      aborted,
    )
  return { ...it, server, ask }
}

async function failure(work: Promise<unknown>): Promise<ConnectionError> {
  const error = await work.then(
    () => null,
    (e: unknown) => e,
  )
  assert.ok(error instanceof ConnectionError, String(error))
  assert.doesNotMatch(error.message, new RegExp(secret))
  return error
}

describe('a request', () => {
  test('has the headers of the sign-in and the query, and keeps the digits of long numbers', async () => {
    const { ask, server, counts } = await start(() => ({ body: '{"id":12345678901234567890}' }))
    assert.deepEqual((await ask()).body, { id: '12345678901234567890' })
    const [request] = server.received
    assert.equal(request?.headers.authorization, `Bearer ${secret}`)
    assert.equal(request?.path, '/api/customers')
    assert.equal(request?.query.get('limit'), '2')
    assert.equal(counts.requests, 1)
  })

  test('reads a compressed answer', async () => {
    const { ask } = await start((_, res) => {
      res.writeHead(200, { 'content-encoding': 'gzip' })
      res.end(gzipSync('{"a":1}'))
      return null
    })
    assert.deepEqual((await ask()).body, { a: 1 })
  })

  test('is tried again after a 500, a cut connection and an answer that is no JSON', async () => {
    let n = 0
    const { ask, counts } = await start((_, res) => {
      n++
      if (n === 1) return { status: 500 }
      if (n === 2) {
        res.socket?.destroy()
        return null
      }
      if (n === 3) return { body: '{"a":' }
      return { body: { a: n } }
    })
    assert.deepEqual((await ask()).body, { a: 4 })
    assert.equal(counts.retries, 3)
  })

  test('that stays without success names system, object, path and what to do', async () => {
    const { ask, server } = await start(() => ({ status: 503, body: 'x' }))
    const error = await failure(ask())
    assert.deepEqual(
      [error.verdict, error.code, error.status],
      ['RETRY', 'SYSTEM_UNAVAILABLE', 503],
    )
    assert.match(error.message, /^crm: customer: GET \/customers: status 503; it is tried again/)
    assert.equal(server.received.length, 5)
  })

  test('waits as long as the body of an answer says, whatever the answer means', async () => {
    const definition = simple.replace(
      'http: { base: "{base}" }',
      'http: { base: "{base}", code: error.code, wait: { path: error.retry_in_ms, in: ms }, errors: [{ code: busy, is: RETRY }] }',
    )
    for (const [status, code] of [
      [429, 'limited'],
      [409, 'busy'],
    ] as const) {
      let n = 0
      const it = await start(
        () => (++n === 1 ? { status, body: { error: { code, retry_in_ms: 120 } } } : { body: {} }),
        { definition },
      )
      const began = performance.now()
      await it.ask()
      const ms = performance.now() - began
      assert.ok(ms >= 115, `${code}: ${ms}`)
    }
    for (const retry_in_ms of [null, '', 'soon', -1]) {
      let n = 0
      const it = await start(
        () => (++n === 1 ? { status: 429, body: { error: { retry_in_ms } } } : { body: {} }),
        { definition },
      )
      await it.ask()
      assert.equal(n, 2, 'what is no number says nothing')
    }
  })

  test('waits as long as Retry-After says, and not longer than a run may wait', async () => {
    let n = 0
    const { ask, counts, server } = await start(() =>
      ++n === 1 ? { status: 429, headers: { 'retry-after': '1' } } : { body: {} },
    )
    await ask()
    const [first, second] = server.received
    assert.ok((second?.at ?? 0) - (first?.at ?? 0) >= 995)
    assert.equal(counts.waits, 1)
    const long = await start(() => ({ status: 429, headers: { 'retry-after': '7200' } }))
    const error = await failure(long.ask())
    assert.equal(error.verdict, 'WAIT')
    assert.ok(Math.abs((error.notBefore ?? 0) - Date.now() - 7_200_000) < 5_000)
    assert.equal(long.server.received.length, 1)
  })

  for (const [status, verdict, code] of [
    [400, 'PERMANENT', 'REQUEST_REFUSED'],
    [403, 'FORBIDDEN', 'PERMISSION_MISSING'],
    [404, 'MISSING', 'NOT_FOUND'],
    [410, 'GONE', 'POSITION_EXPIRED'],
    [412, 'CONFLICT', 'RECORD_CHANGED'],
    [422, 'PERMANENT', 'REQUEST_REFUSED'],
  ] as const)
    test(`refused with ${status} is never skipped and not tried again (rule 8)`, async () => {
      const { ask, server } = await start(() => ({ status }))
      const error = await failure(ask())
      assert.deepEqual([error.verdict, error.code], [verdict, code])
      assert.equal(server.received.length, 1)
    })

  test('after a 401 signs in once more, with the secret as it is then', async () => {
    const env: Record<string, string> = { KEY: 'old-secret' }
    const { ask, server } = await start(
      ({ headers }) =>
        headers.authorization === 'Bearer new-secret' ? { body: {} } : { status: 401 },
      { env },
    )
    const error = await failure(ask())
    assert.deepEqual([error.verdict, server.received.length], ['SIGN_IN', 2])
    env.KEY = 'new-secret'
    await ask()
    assert.equal(server.received.length, 4)
  })

  test('does not show secrets that the system puts into its answer', async () => {
    const definition = simple.replace('{ base: "{base}" }', '{ base: "{base}", detail: message }')
    const { ask } = await start(
      () => ({ status: 403, body: { message: `the key ${secret} may not` } }),
      { definition },
    )
    assert.match((await failure(ask())).message, /\(the key \*\*\* may not\)/)
  })
})

describe('what an answer means', () => {
  const http = `{ base: "{base}", code: "reasons[0].code", detail: message,
  failed: { path: success, equals: false },
  errors: [{ code: "*61|*50", is: RETRY }, { code: "*10", is: FORBIDDEN, help: "ask your administrator" },
           { code: none, is: EMPTY }, { detail: "*maintenance*", is: CLOSED, wait: 30m }, { status: 409, is: WAIT }] }`
  const definition = simple.replace('{ base: "{base}" }', http)
  const failed = (code: string) => ({ body: { success: false, reasons: [{ code }] } })

  test('is read from the body too: status 200 with success: false (rule 9)', async () => {
    const { ask } = await start(() => failed('53200020'), { definition })
    const error = await failure(ask())
    assert.deepEqual([error.verdict, error.status], ['PERMANENT', 200])
    assert.match(error.message, /status 200 \(53200020\)/)
  })

  test('is found by the code of the system', async () => {
    let n = 0
    const { ask } = await start(() => (++n === 1 ? failed('1261') : { body: { success: true } }), {
      definition,
    })
    assert.deepEqual((await ask()).body, { success: true })
    const forbidden = await start(() => failed('5010'), { definition })
    assert.match((await failure(forbidden.ask())).message, /; ask your administrator$/)
  })

  test('may be an empty page, and maintenance with its end', async () => {
    const empty = await start(() => failed('none'), { definition })
    assert.equal((await empty.ask()).empty, true)
    const closed = await start(() => ({ status: 503, body: { message: 'planned maintenance' } }), {
      definition,
    })
    const error = await failure(closed.ask())
    assert.equal(error.verdict, 'CLOSED')
    assert.ok((error.notBefore ?? 0) > Date.now() + 1_700_000)
  })
})

describe('an answer', () => {
  test('that is too large is refused while it is read', async () => {
    let sent = 0
    const { ask } = await start(
      (_, res) => {
        const chunk = Buffer.alloc(65_536, 32)
        const more = () => {
          while (!res.destroyed && sent < 50_000_000) {
            sent += chunk.length
            if (!res.write(chunk)) return void res.once('drain', more)
          }
        }
        more()
        return null
      },
      { answerBytesMax: 1_000_000 },
    )
    const error = await failure(ask())
    assert.deepEqual([error.verdict, error.code], ['INVALID', 'ANSWER_TOO_LARGE'])
    assert.ok(sent < 20_000_000, `${sent} bytes`)
  })

  test('that is too large only when it is unpacked is refused too', async () => {
    const { ask } = await start(
      (_, res) => {
        res.writeHead(200, { 'content-encoding': 'gzip' })
        res.end(gzipSync(Buffer.alloc(5_000_000, 32)))
        return null
      },
      { answerBytesMax: 1_000_000 },
    )
    assert.equal((await failure(ask())).code, 'ANSWER_TOO_LARGE')
  })

  test('that is no JSON, or never ends, is an error with a code', async () => {
    const html = await start(() => ({ body: '<html>sign in</html>' }))
    assert.match((await failure(html.ask())).message, /status 200 is HTML or XML/)
    const slow = await start(
      (_, res) => {
        res.writeHead(200)
        res.write('{')
        return null
      },
      {
        definition: simple.replace('{ base: "{base}" }', '{ base: "{base}", timeout: 60ms }'),
        retry: { attemptsMax: 2, msMin: 1 },
      },
    )
    const error = await failure(slow.ask())
    assert.deepEqual([error.verdict, error.code], ['RETRY', 'NO_ANSWER'])
  })

  test('that redirects to another host is refused, and the credential does not follow', async () => {
    const other = await serve(() => ({ body: {} }))
    open.push(other)
    const { ask } = await start(() => ({
      status: 302,
      headers: { location: `${other.url}/stolen?token=1` },
    }))
    const error = await failure(ask())
    assert.equal(error.code, 'REDIRECTED')
    assert.equal(other.received.length, 0)
    assert.doesNotMatch(error.message, /token=1/)
    const same = await start(({ path }) =>
      path === '/api/customers'
        ? { status: 307, headers: { location: '/b' } }
        : { body: { at: 1 } },
    )
    assert.deepEqual((await same.ask()).body, { at: 1 })
  })
})

describe('addresses', () => {
  const refused = async (base: string, options: RequesterOptions = {}) => {
    const connection = connect(simple, `base: ${base}\nkey: { env: KEY }\n`)
    const { requester } = openRequester('crm', connection, { env: { KEY: secret }, ...options })
    const template = connection.definition.objects.get('customer')?.full.request
    assert.ok(template)
    const values = { get: () => undefined, times: { text: 'iso', zone: 'UTC' } }
    return (await failure(requester.ask({ object: 'customer', template, values }, signal))).code
  }

  test('in private networks are refused unless they are allowed', async () => {
    for (const host of ['127.0.0.1', '10.0.0.8', '169.254.169.254', '[::1]'])
      assert.equal(await refused(`https://${host}`), 'PRIVATE_ADDRESS', host)
    const resolve = async () => [{ address: '192.168.1.4', family: 4 }]
    assert.equal(await refused('https://crm.example.com', { resolve }), 'PRIVATE_ADDRESS')
  })
})

test('a certificate that is not accepted is an error, and nothing is sent', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-tls-'))
  try {
    const made = spawnSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
        .concat(['-keyout', 'key.pem', '-out', 'cert.pem', '-subj', '/CN=crm.example.com'])
        .concat(['-addext', 'subjectAltName=DNS:crm.example.com', '-days', '2']),
      { cwd: dir },
    )
    if (made.status !== 0) return t.skip('there is no openssl to make certificates')
    const read = (name: string) => readFileSync(join(dir, name), 'utf8')
    let requests = 0
    const server = createTlsServer({ key: read('key.pem'), cert: read('cert.pem') }, (_, res) => {
      requests++
      res.end('{}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    open.push({ url: '', received: [], close: () => server.close() })
    const { port } = server.address() as AddressInfo
    const ask = (host: string, options: RequesterOptions) => {
      const text = `base: https://${host}:${port}\nkey: { env: KEY }\nprivateAddresses: true`
      const connection = connect(simple, text)
      const resolve = async () => [{ address: '127.0.0.1', family: 4 }]
      const env = { KEY: secret }
      const { requester } = openRequester('crm', connection, { env, resolve, ...options })
      const template = connection.definition.objects.get('customer')?.full.request
      assert.ok(template)
      const values = { get: () => undefined, times: { text: 'iso', zone: 'UTC' } }
      return requester.ask({ object: 'customer', template, values }, signal)
    }
    const error = await failure(ask('crm.example.com', {}))
    assert.deepEqual([error.verdict, error.code], ['PERMANENT', 'CERTIFICATE_REFUSED'])
    const authorities = [read('cert.pem')]
    const other = await failure(ask('other.example.com', { authorities }))
    assert.equal(other.code, 'CERTIFICATE_REFUSED')
    assert.equal(requests, 0)
    await ask('crm.example.com', { authorities })
    assert.equal(requests, 1)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

describe('limits', () => {
  const limited = (limits: string) => simple.replace('http:', `limits: ${limits}\nhttp:`)

  test('of a rate are used and never exceeded, in any window of the system', async () => {
    const { ask, server } = await start(
      async () => {
        // Answers of different speed, so that requests arrive later than they begin.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
        return { body: {} }
      },
      { definition: limited('[{ per: 300ms, max: 20 }]') },
    )
    // A busy machine holds requests back as well, so the best of some runs counts for the use.
    const runs: number[] = []
    while (runs.length < 5 && !runs.some((ms) => ms < 1_200 + 4 * 20 + 400)) {
      await new Promise((resolve) => setTimeout(resolve, 300))
      const began = performance.now()
      await Promise.all(Array.from({ length: 100 }, () => ask()))
      runs.push(performance.now() - began)
      const times = server.received.map((r) => r.at).sort((a, b) => a - b)
      for (const [i, at] of times.entries())
        assert.ok(i < 20 || at - (times[i - 20] ?? 0) > 299, `request ${i}`)
    }
    assert.ok(runs.length < 5, `${runs.join(', ')} ms for 5 windows`)
  })

  test('of concurrency hold, for all requests and for paths alone', async () => {
    let running = 0
    let most = 0
    const { ask, limiter } = await start(
      async () => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => setTimeout(resolve, 5))
        running--
        return { body: {} }
      },
      { definition: limited('[{ concurrent: 3 }, { path: "/customers", concurrent: 2 }]') },
    )
    await Promise.all(Array.from({ length: 20 }, () => ask()))
    assert.equal(most, 2)
    assert.deepEqual(
      limiter.use().map((u) => [u.name, u.max]),
      [
        ['concurrent', 3],
        ['concurrent /customers', 2],
      ],
    )
  })

  test('take their number from a setting', async () => {
    const { limiter } = await start(() => ({ body: {} }), {
      definition: limited('[{ per: 1m, max: 150, of: perMinute }]'),
      more: 'perMinute: 1000\n',
    })
    assert.deepEqual(limiter.use(), [{ name: 'per 1m', used: 0, max: 1000 }])
  })

  test('that the answer announces hold the next request back', async () => {
    let n = 0
    const { ask, server } = await start(
      () => ({
        body: {},
        headers: { 'x-remaining': ++n === 1 ? '0' : '9', 'x-reset': '1' },
      }),
      { definition: limited('[{ headers: { remaining: X-Remaining, reset: X-Reset } }]') },
    )
    await ask()
    await ask()
    assert.ok((server.received[1]?.at ?? 0) - (server.received[0]?.at ?? 0) >= 900)
  })

  test('a request that waits for a limit ends with its signal', async () => {
    const { ask, limiter } = await start(() => ({ body: {} }))
    limiter.block(60_000)
    const controller = new AbortController()
    const waiting = ask(controller.signal)
    setTimeout(() => controller.abort(new Error('stopped')), 20)
    await assert.rejects(waiting, /stopped/)
  })
})
