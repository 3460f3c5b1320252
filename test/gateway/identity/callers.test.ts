import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { buildSubgraphSchema } from '@apollo/subgraph'
import { parse } from 'graphql'
import pino from 'pino'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import {
  type SubgraphService,
  startSubgraphService,
} from '../../../gateway/federation/subgraphService.ts'
import { type Gateway, startGateway } from '../../../gateway/gateway.ts'
import { internalTokens } from '../../../gateway/identity/internal.ts'
import type { RequestInfo, Subgraph } from '../../../subgraphs/contract.ts'

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

test('requests through a proxy or a tunnel on this machine do not count as local', async () => {
  const [gateway] = gateways
  assert.ok(gateway)
  const ask = (headers: Record<string, string>) =>
    fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query: '{ me }' }),
    })
  for (const name of ['X-Forwarded-For', 'Forwarded', 'X-Real-Ip', 'X-Forwarded-Host', 'Via']) {
    const res = await ask({ [name]: '198.51.100.7' })
    assert.equal(res.status, 403, name)
    assert.equal(((await res.json()) as Refusal).errors[0]?.extensions.code, 'FORWARDED')
  }
  assert.equal((await ask({})).status, 200)
})

interface Refusal {
  errors: { extensions: { code: string } }[]
}
