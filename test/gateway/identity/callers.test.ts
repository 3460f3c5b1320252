import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { buildSubgraphSchema } from '@apollo/subgraph'
import { parse } from 'graphql'
import pino from 'pino'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import {
  type SubgraphService,
  startSubgraphService,
} from '../../../gateway/federation/subgraphService.ts'
import { type Gateway, startGateway } from '../../../gateway/gateway.ts'
import { localCallers } from '../../../gateway/identity/callers.ts'
import { internalTokens } from '../../../gateway/identity/internal.ts'
import type { RequestInfo, Subgraph } from '../../../subgraphs/contract.ts'
import { BOUNDS } from '../gateway.ts'
import { openCallers } from '../openCallers.ts'

// This subgraph returns the caller it sees, both in process and as a service.
const sdl = 'type Query { me: String }'
const me: Subgraph = {
  name: 'me',
  sdl,
  schema: buildSubgraphSchema([
    {
      typeDefs: parse(sdl),
      resolvers: {
        Query: {
          me: (_: unknown, __: unknown, c: RequestInfo) =>
            `${c.actor}: ${c.roles?.has('anything') ? 'all' : [...(c.roles ?? [])].join()}`,
        },
      },
    },
  ]),
  context: (request) => ({ ...request }),
}
const internal = internalTokens('a secret of gateway and services')
const log = pino({ level: 'silent' })
let service: SubgraphService
const gateways: Gateway[] = []
before(async () => {
  service = await startSubgraphService({
    subgraph: me,
    host: '127.0.0.1',
    port: 0,
    bodyBytesMax: 10_000,
    internal,
    log,
  })
  for (const services of [new Map<string, string>(), new Map([['me', service.url]])])
    gateways.push(
      await startGateway({
        host: '127.0.0.1',
        port: 0,
        supergraph: composeSupergraph([me]),
        subgraphs: services.size > 0 ? [] : [me],
        services,
        internal,
        callers: openCallers(),
        bounds: {
          documentBytesMax: 10_000,
          tokensMax: 1_000,
          depthMax: 10,
          aliasesMax: 10,
          fieldsMax: 100,
          costMax: 20_000,
          bodyBytesMax: 10_000,
          queryMsMax: 60_000,
          operationsMax: 10,
          streamsMax: 10,
        },
        log,
      } as Parameters<typeof startGateway>[0]),
    )
})
after(async () => {
  for (const g of gateways) await g.close(0)
  await service?.close()
})

test('a subgraph in process and one that runs as a service see the same caller', async () => {
  for (const gateway of gateways)
    for (const [headers, expected] of [
      [{}, 'development: all'],
      [{ 'x-touchstone-actor': 'ada' }, 'ada: all'],
      [
        { 'x-touchstone-actor': 'ada', 'x-touchstone-roles': 'steward, approver' },
        'ada: steward,approver',
      ],
      [{ 'x-touchstone-actor': 'ada', 'x-touchstone-roles': '' }, 'ada: '],
    ] as const) {
      const res = await fetch(gateway.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query: '{ me }' }),
      })
      const { data } = (await res.json()) as { data: { me: string } }
      assert.equal(data.me, expected)
    }
})

describe('a server without authentication', () => {
  /** fetch would not send these headers. */
  const status = (headers: Record<string, string>) =>
    new Promise<[number | undefined, string | undefined]>((resolve, reject) => {
      const [gateway] = gateways
      assert.ok(gateway)
      const { hostname, port, pathname, host } = new URL(gateway.url)
      const all = { host, 'content-type': 'application/json', ...headers }
      const req = request(
        { hostname, port, path: pathname, method: 'POST', headers: all },
        async (res) => {
          let text = ''
          for await (const chunk of res) text += chunk
          resolve([res.statusCode, (JSON.parse(text) as Refusal).errors?.[0]?.extensions.code])
        },
      )
      req.once('error', reject)
      // Node would send headers and a text in one piece, and both of them in UTF-8.
      req.end(Buffer.from(JSON.stringify({ query: '{ me }' })))
    })
  const port = () => new URL(gateways[0]?.url ?? '').port

  test('accepts no request of a proxy or a tunnel, whatever header it adds', async () => {
    const headers = [
      ...['X-Forwarded-For', 'Forwarded', 'X-Real-Ip', 'X-Forwarded-Host', 'Via', 'X-Client-IP'],
      ...['X-Forwarded-Proto', 'X-Forwarded-Prefix', 'X-Forwarded-Client-Cert', 'True-Client-IP'],
      ...['CF-Connecting-IP', 'CF-Ray', 'CDN-Loop', 'Fly-Client-IP', 'Fastly-Client-IP'],
      ...[
        'X-Original-Forwarded-For',
        'X-Original-URL',
        'X-Envoy-External-Address',
        'X-ProxyUser-Ip',
      ],
      ...['X-Amzn-Trace-Id', 'X-Amz-Cf-Id', 'X-Azure-ClientIP', 'X-ARR-ClientIP', 'X-Host'],
      ...['Proxy-Connection', 'X-Cluster-Client-IP', 'X-Appengine-User-Ip', 'Tailscale-User-Login'],
      ...['X-Nginx-Proxy', 'DO-Connecting-IP', 'X-Vercel-Id', 'Ngrok-Trace-Id', 'X-Tunnel-Id'],
      ...[
        'Front-End-Https',
        'X-Scheme',
        'X-Remote-Addr',
        'Incap-Client-IP',
        'X-Cloud-Trace-Context',
      ],
    ]
    for (const name of headers)
      assert.deepEqual(await status({ [name]: 'anything' }), [403, 'FORWARDED'], name)
  })

  test('accepts no name of ours, and none with characters that hide or act', async () => {
    const utf8 = (text: string) => Buffer.from(text).toString('latin1')
    const hostile = ['a\x9b2J', 'a\x80', 'a\x85b', 'a\u200bb', 'a\u202eb', 'a\u2028b', '\ufeffa']
    for (const actor of [
      ...['clock', 'Nobody', 'touchstone', 'jetstream', 'key:root', 'cli:root', 'webhook:1'],
      ...['a\x9b2J', 'a\x80', 'x'.repeat(201), ...hostile.map(utf8), utf8('\uff43lock')],
    ])
      assert.deepEqual(
        await status({ 'x-touchstone-actor': actor }),
        [401, 'UNAUTHENTICATED'],
        JSON.stringify(actor),
      )
    for (const actor of ['ada', utf8('\u00c9tienne'), '\u00e9', ''])
      assert.deepEqual(await status({ 'x-touchstone-actor': actor }), [200, undefined], actor)
  })

  test('accepts no header of an unknown name that holds the address of a sender', async () => {
    const values = ['198.51.100.7', '198.51.100.7:40312', '2001:db8::7', '[2001:db8::7]:443']
    for (const value of [...values, '10.0.0.1, 198.51.100.7', '"198.51.100.7"', '::ffff:10.0.0.1'])
      assert.deepEqual(await status({ 'X-Acme-Gate': value }), [403, 'FORWARDED'], value)
    // Direct clients send these.
    const direct = {
      'user-agent': 'Mozilla/5.0 (X11) Chrome/124.0.0.0',
      'x-request-id': '7d444840-9dc0-11d1-b245-5ffdce74fad2',
      'apollographql-client-name': 'app',
      'apollographql-client-version': '1.2.3.4.5',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    }
    assert.deepEqual(await status(direct), [200, undefined])
  })

  test('answers only to names of loopback with its own port', async () => {
    for (const host of [
      ...['rebound.example', `rebound.example:${port()}`, `127.0.0.1.rebound.example:${port()}`],
      ...[`localhost.rebound.example:${port()}`, `localhost.:${port()}`, `127.1:${port()}`],
      ...[`2130706433:${port()}`, `0.0.0.0:${port()}`, `127.0.0.1@rebound.example:${port()}`],
      ...['localhost', '127.0.0.1:1', `127.0.0.1:${port()}0`, `[::ffff:127.0.0.1]:${port()}`],
      ...[`localhost:${port()}, rebound.example`, `rebound.example, localhost:${port()}`],
    ])
      assert.equal((await status({ host }))[0], 421, `"${host}"`)
    for (const host of [`localhost:${port()}`, `LOCALHOST:${port()}`, `[::1]:${port()}`])
      assert.deepEqual(await status({ host }), [200, undefined], host)
  })
})

test('a host name that the operator allows may be a proxy, and its callers need the secret', async (t) => {
  const gateway = await startGateway({
    ...{ host: '127.0.0.1', port: 0, supergraph: composeSupergraph([me]), subgraphs: [me], log },
    bounds: BOUNDS,
    callers: localCallers({ isSecret: (s) => s === 'tsd_x', hostsAllowed: ['dev.example'] }),
  })
  t.after(() => gateway.close(0))
  const { port } = new URL(gateway.url)
  const status = (headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      const all = { host: 'dev.example', 'x-forwarded-for': '198.51.100.7', ...headers }
      const at = { host: '127.0.0.1', port, path: '/graphql?query={me}', headers: all }
      request(at, (res) => resolve(res.resume().statusCode))
        .once('error', reject)
        .end()
    })
  assert.equal(await status({}), 401)
  assert.equal(await status({ authorization: 'Bearer tsd_y' }), 401)
  assert.equal(await status({ authorization: 'Bearer tsd_x' }), 200)
  assert.equal(await status({ authorization: 'Bearer tsd_x', host: `localhost:${port}` }), 403)
  assert.equal(await status({ authorization: 'Bearer tsd_x', host: 'other.example' }), 421)
})

interface Refusal {
  errors?: { extensions: { code: string } }[]
}
