import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import pino from 'pino'
import { WebSocket } from 'ws'
import { sign } from '../../../connectors/signature.ts'
import { startSubgraphService } from '../../../gateway/federation/subgraphService.ts'
import { startHealthServer } from '../../../gateway/http/healthServer.ts'
import { unauthenticated } from '../../../gateway/identity/caller.ts'
import { authenticatedCallers } from '../../../gateway/identity/callers.ts'
import { internalTokens } from '../../../gateway/identity/internal.ts'
import { createIngest } from '../../../gateway/ingest/deliveries.ts'
import { connectors } from '../../connectors/fixture.ts'
import { fixture } from '../fixture.ts'
import { BOUNDS, testGateway } from '../gateway.ts'
import { until } from '../until.ts'

/** More senders than the bound: behind a proxy all have its address. */
const senders = 5
const connections = { addressConnectionsMax: 2 }

const callers = authenticatedCallers({
  async token(token) {
    if (token !== 'good') throw unauthenticated('no')
    return {
      ...{ actor: token, via: 'TOKEN', expiresAt: null },
      ...{ roles: new Set(), scopes: new Set(['*', 'metrics:read']) },
    }
  },
})
const internal = internalTokens('a secret of gateway and services')
const metrics = async () => ({ type: 'text/plain', text: 'up 1\n' })
const ingest = createIngest({
  sources: connectors,
  accept: async (messages) => ({ accepted: messages.length, duplicates: 0 }),
  isSecret: (text) => text === 'good',
  now: Date.now,
  report: assert.fail,
})

/** The base URLs of the three servers. */
const at = { gateway: '', health: '', service: '' }
let token = 'Bearer '
const ends: (() => Promise<void>)[] = []
before(async () => {
  const { gateway, url } = await testGateway({
    ...{ callers, ingest, metrics },
    bounds: { ...BOUNDS, ...connections },
  })
  const health = await startHealthServer({
    ...{ host: '127.0.0.1', port: 0, callers, ingest, metrics, connections },
    ready: async () => [],
    report: assert.fail,
  })
  const [subgraph] = fixture().subgraphs
  assert.ok(subgraph)
  const service = await startSubgraphService({
    ...{ host: '127.0.0.1', port: 0, bodyBytesMax: 1_000, subgraph, internal, connections },
    log: pino({ level: 'silent' }),
  })
  token += await internal.sign({
    ...{ correlationId: 'x', actor: 'us', roles: new Set(), scopes: new Set() },
  })
  ends.push(() => gateway.close(0), health.close, service.close)
  Object.assign(at, { gateway: url, health: health.url, service: service.url })
})
after(() => Promise.all(ends.map((end) => end())))

/** Sends one request and leaves its connection open. */
async function send(url: string, body: string | null, headers: Record<string, string>) {
  const agent = new Agent({ keepAlive: true })
  const method = body === null ? 'GET' : 'POST'
  const req = request(url, { agent, method, headers }).end(body)
  const [res] = (await once(req, 'response')) as [IncomingMessage]
  await res.resume().toArray()
  return { status: res.statusCode, socket: req.socket, end: () => agent.destroy() }
}

const json = { 'content-type': 'application/json' }
const query = JSON.stringify({ query: '{ __typename }' })
const deliver = (base: string) => {
  const object = { id: 'cus_1', object: 'customer' }
  const event = { id: 'evt_1', object: 'event', created: 1, type: 'customer.updated' }
  const body = JSON.stringify({ ...event, data: { object } })
  const secret = connectors.get('stripe')?.system.secrets[0] ?? ''
  const headers = { ...json, authorization: 'Bearer good' }
  return send(new URL('/ingest/stripe', base).href, body, {
    ...headers,
    ...sign('STRIPE', secret, body, Date.now(), ''),
  })
}
const measure = (base: string) =>
  send(new URL('/metrics', base).href, null, { authorization: 'Bearer good' })

describe('senders that have proved who they are do not count as strangers of their address', () => {
  const requests = {
    'operations at the gateway': () =>
      send(at.gateway, query, { ...json, authorization: 'Bearer good' }),
    'deliveries at the gateway': () => deliver(at.gateway),
    'metrics of the gateway': () => measure(at.gateway),
    'deliveries at a process without gateway': () => deliver(at.health),
    'metrics of a process without gateway': () => measure(at.health),
    'operations at the service of a subgraph': () =>
      send(at.service, query, { ...json, authorization: token }),
  }
  for (const [what, one] of Object.entries(requests))
    test(what, async (t) => {
      const all: Awaited<ReturnType<typeof send>>[] = []
      t.after(() => {
        for (const { end } of all) end()
      })
      for (let n = 0; n < senders; n++) all.push(await one())
      assert.deepEqual(new Set(all.map((r) => (r.status ?? 0) < 300)), new Set([true]))
      assert.equal(all.filter((r) => r.socket?.destroyed).length, 0)
    })

  for (const where of ['gateway', 'service'] as const)
    test(`WebSockets at the ${where}`, async (t) => {
      const sockets: WebSocket[] = []
      t.after(() => {
        for (const socket of sockets) socket.terminate()
      })
      for (let n = 0; n < senders; n++) {
        const socket = new WebSocket(at[where].replace('http', 'ws'), 'graphql-transport-ws')
        sockets.push(socket)
        await once(socket, 'open')
        const authorization = where === 'gateway' ? 'Bearer good' : token
        socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization } }))
        assert.match(String((await once(socket, 'message'))[0]), /connection_ack/)
      }
      assert.ok(sockets.every((s) => s.readyState === s.OPEN))
    })

  test('strangers count, at each server', async () => {
    for (const [name, base] of Object.entries(at)) {
      const all: Awaited<ReturnType<typeof send>>[] = []
      for (let n = 0; n < senders; n++)
        all.push(await send(new URL('/health/live', base).href, null, {}))
      await until(() => all.filter((r) => r.socket?.destroyed).length === senders - 2)
      for (const { end } of all) end()
      assert.ok(
        all.every((r) => r.status === 200),
        name,
      )
    }
  })
})
