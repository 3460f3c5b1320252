import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib'
import { buildSubgraphSchema } from '@apollo/subgraph'
import { parse } from 'graphql'
import { fetchSdl } from '../../../gateway/federation/own/fetchSdl.ts'
import { type Joining, joinGraph } from '../../../gateway/federation/own/joinGraph.ts'
import type { OwnSubgraph } from '../../../gateway/federation/own/ownSubgraph.ts'
import { post } from '../../../gateway/federation/own/post.ts'
import type { GatewayOptions } from '../../../gateway/gateway.ts'
import type { Subgraph } from '../../../subgraphs/contract.ts'
import { LOYALTY_SDL, type Loyalty, startLoyalty } from '../../fixtures/loyalty.ts'
import { fixture } from '../fixture.ts'
import { ask, BOUNDS as GATEWAY_BOUNDS, testGateway } from '../gateway.ts'

/** A gateway over the fixture's subgraphs and a subgraph of an installation, on GraphQL Yoga. */
let loyalty: Loyalty
/** Ids that no bound caller may see. */
const hidden = new Set<string>()
let bound = false
let it: Awaited<ReturnType<typeof testGateway>>

const joining: Joining = {
  name: 'loyalty',
  sdl: LOYALTY_SDL,
  at: 'loyalty.graphql',
  configuredAt: 'subgraphs.yaml:2',
  mutations: true,
  overrides: [],
}

/** Looks up customers, as the subgraph `node` of Touchstone does. */
function nodeSubgraph(): Subgraph {
  const sdl = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    interface Node { id: ID! }
    type Customer implements Node @key(fields: "id", resolvable: false) { id: ID! }
    type Query { nodes(ids: [ID!]!): [Node] }`
  const nodes = (_: unknown, { ids }: { ids: string[] }) =>
    ids.map((id) => (hidden.has(id) ? null : { __typename: 'Customer', id }))
  return {
    name: 'node',
    sdl,
    schema: buildSubgraphSchema([{ typeDefs: parse(sdl), resolvers: { Query: { nodes } } }]),
    context: () => ({}),
  }
}

function shipped() {
  const made = fixture()
  return { ...made, subgraphs: [...made.subgraphs, nodeSubgraph()] }
}

const BOUNDS: OwnSubgraph['bounds'] = {
  timeoutMs: 2_000,
  responseBytesMax: 20_000,
  itemsMax: 5,
  requestsMax: 3,
}

function own(more: Partial<OwnSubgraph> = {}): OwnSubgraph {
  return {
    name: 'loyalty',
    url: loyalty.url,
    sdl: LOYALTY_SDL,
    headers: new Map(),
    caller: { kind: 'NONE' },
    bounds: BOUNDS,
    ...more,
  }
}

async function gatewayOf(more: Partial<OwnSubgraph> = {}, options: Partial<GatewayOptions> = {}) {
  const world = shipped()
  return await testGateway({
    fixture: world,
    subgraphs: world.subgraphs,
    supergraph: joinGraph(world.subgraphs, [joining]).supergraph,
    own: [own(more)],
    isBound: () => bound,
    ...options,
  })
}

before(async () => {
  loyalty = await startLoyalty()
  it = await gatewayOf()
})
after(async () => {
  await it?.gateway.close(0)
  await loyalty?.close()
})
beforeEach(() => {
  hidden.clear()
  bound = false
  loyalty.instead = null
  loyalty.requests.length = 0
  loyalty.best.splice(0, Number.POSITIVE_INFINITY, 'c1', 'c2')
  loyalty.points.clear()
  for (const n of [0, 1, 2]) loyalty.points.set(`c${n}`, n * 10)
  it.logged.length = 0
})

const data = async (query: string) => (await ask(it.url, query)).body
const responds = (value: unknown) => {
  loyalty.instead = () => ({ body: JSON.stringify(value) })
}

describe('an own subgraph', () => {
  test('extends a type of Touchstone, with one request for all entities, and gets data from it', async () => {
    assert.deepEqual(await data('{ customers(first: 2) { name points member { level } } }'), {
      data: {
        customers: [
          { name: 'Customer 0', points: 0, member: { level: 'GOLD' } },
          { name: 'Customer 1', points: 10, member: { level: 'GOLD' } },
        ],
      },
    })
    assert.equal(loyalty.requests.length, 1)
    assert.deepEqual(loyalty.requests[0]?.variables, {
      representations: [
        { __typename: 'Customer', id: 'c0' },
        { __typename: 'Customer', id: 'c1' },
      ],
    })
    const query =
      '{ bestCustomers { name points } member(number: "M7") { number referredBy { name } } }'
    assert.deepEqual(await data(query), {
      data: {
        bestCustomers: [
          { name: 'Customer 1', points: 10 },
          { name: 'Customer 2', points: 20 },
        ],
        member: { number: 'M7', referredBy: { name: 'Customer 1' } },
      },
    })
  })

  test('serves directives, fragments, aliases and mutations as well', async () => {
    const { data: found } = await data(`{
      a: bestCustomers @include(if: true) { ...Card }
      b: bestCustomer @skip(if: true) { id }
    } fragment Card on Customer { x: points points: name }`)
    assert.deepEqual(found, {
      a: [
        { x: 10, points: 'Customer 1' },
        { x: 20, points: 'Customer 2' },
      ],
    })
    assert.deepEqual(
      await data('mutation { addPoints(customer: "c1", points: 5) { name points } }'),
      {
        data: { addPoints: { name: 'Customer 1', points: 15 } },
      },
    )
  })

  test('that is down takes its own fields with it, and nothing else', async () => {
    await loyalty.close()
    try {
      const { body, status } = await ask(it.url, '{ customers(first: 2) { name points } head }')
      assert.equal(status, 200)
      assert.deepEqual(body.data, {
        customers: [
          { name: 'Customer 0', points: null },
          { name: 'Customer 1', points: null },
        ],
        head: '0',
      })
      const [error] = body.errors
      assert.deepEqual(
        [error.extensions.code, error.extensions.subgraph, error.path],
        ['UNAVAILABLE', 'loyalty', ['customers', 0, 'points']],
      )
      assert.doesNotMatch(JSON.stringify(body), /127\.0\.0\.1|ECONN|fetch/)
      assert.match(JSON.stringify(it.logged), /ECONNREFUSED/)
    } finally {
      await loyalty.reopen()
    }
    assert.equal((await data('{ customers(first: 1) { points } }')).data.customers[0].points, 0)
  })

  test('is held to its bounds, and callers learn neither addresses nor texts', async (t) => {
    const hasty = await gatewayOf({ bounds: { ...BOUNDS, timeoutMs: 100 } })
    t.after(() => hasty.gateway.close(0))
    const query = '{ customers(first: 1) { name points } }'
    const ways: [name: string, instead: NonNullable<Loyalty['instead']>, logged: RegExp][] = [
      ['size', () => ({ body: `{"data":"${'x'.repeat(30_000)}"}` }), /more than 20000 bytes/],
      ['no JSON', () => ({ body: '<html>secret</html>' }), /HTTP 200 without a GraphQL result/],
      ['status', () => ({ status: 502, body: 'secret' }), /HTTP 502 without a GraphQL result/],
      ['rejected', () => ({ status: 401, body: '{}' }), /rejects this gateway's credentials/],
      ['list', () => ({ body: '[]' }), /without a GraphQL result/],
      ['deep', () => ({ body: '['.repeat(19_000) }), /without a GraphQL result/],
      [
        'deep values',
        () => ({ body: `{"data":{"_entities":${'['.repeat(9_000)}${']'.repeat(9_000)}}}` }),
        /nests more than 200 levels/,
      ],
      [
        'redirect',
        () => ({ status: 307, headers: { location: 'http://127.0.0.1:1/' }, body: '' }),
        /redirect/,
      ],
    ]
    for (const [name, instead, logged] of ways) {
      loyalty.instead = instead
      it.logged.length = 0
      const { data: found, errors } = await data(query)
      assert.deepEqual(found, { customers: [{ name: 'Customer 0', points: null }] }, name)
      assert.equal(errors[0].extensions.code, 'UNAVAILABLE', name)
      assert.doesNotMatch(JSON.stringify(errors), /secret|127\.0\.0\.1|bytes/, name)
      assert.match(JSON.stringify(it.logged), logged, name)
      assert.doesNotMatch(JSON.stringify(it.logged), /<html>/, name)
    }
    let release = () => {}
    const waits = new Promise<void>((resolve) => {
      release = resolve
    })
    loyalty.instead = () => null
    loyalty.delay = waits
    const { errors } = (await ask(hasty.url, query)).body
    assert.equal(errors[0].extensions.code, 'UNAVAILABLE')
    assert.match(JSON.stringify(hasty.logged), /no response in 100 ms/)
    release()
    loyalty.delay = null
  })

  test('has at most requestsMax requests in progress; others fail at once', async () => {
    let release = () => {}
    loyalty.delay = new Promise<void>((resolve) => {
      release = resolve
    })
    const asked = Array.from({ length: 5 }, () => data('{ bestCustomer { points } }'))
    const first = await Promise.race(asked)
    assert.equal(first.errors[0].extensions.code, 'UNAVAILABLE')
    release()
    loyalty.delay = null
    const all = await Promise.all(asked)
    assert.equal(all.filter((a) => !a.errors).length, 3)
  })

  test('that returns what its schema does not allow gives errors at these fields', async () => {
    const wrong: [string, unknown, string[]][] = [
      [
        'a text for a number',
        { bestCustomer: { _touchstone_id: 'c1', points: 'many' } },
        ['bestCustomer.points'],
      ],
      [
        'an object for a number',
        { bestCustomer: { _touchstone_id: 'c1', points: {} } },
        ['bestCustomer.points'],
      ],
      ['a missing field', { bestCustomer: { _touchstone_id: 'c1' } }, ['bestCustomer.points']],
      ['a list for an object', { bestCustomer: [] }, ['bestCustomer.points']],
      ['a scalar for an object', { bestCustomer: 'c1' }, ['bestCustomer.points']],
    ]
    for (const [name, value, paths] of wrong) {
      responds({ data: value })
      const { data: found, errors } = await data('{ bestCustomer { points } head }')
      assert.equal(found?.head, '0', name)
      assert.deepEqual(
        (errors ?? []).map((e: { path: string[] }) => e.path.join('.')),
        paths,
        name,
      )
      assert.equal(errors[0].extensions.code, 'SUBGRAPH_ERROR', name)
    }
    responds({ data: { bestCustomers: Array.from({ length: 6 }, () => ({ points: 1 })) } })
    const { errors } = await data('{ bestCustomers { points } }')
    assert.equal(errors[0].extensions.code, 'SUBGRAPH_ERROR')
    assert.match(JSON.stringify(it.logged), /6 items, at most 5 are taken/)
  })

  test('counts its lists in the cost of an operation, and takes no more items than were counted', async (t) => {
    const sdl = LOYALTY_SDL.replace('"@requires"', '"@requires", "@listSize"').replace(
      'bestCustomers: [Customer!]!',
      'bestCustomers: [Customer!]! @listSize(assumedSize: 2)',
    )
    assert.notEqual(sdl, LOYALTY_SDL)
    const world = shipped()
    const { supergraph } = joinGraph(world.subgraphs, [{ ...joining, sdl }])
    const { gateway, url } = await gatewayOf(
      { sdl },
      { supergraph, bounds: { ...GATEWAY_BOUNDS, costMax: 30 } },
    )
    t.after(() => gateway.close(0))
    const query = '{ bestCustomers { points invoices { id } } }'
    assert.equal((await ask(url, query)).body.data.bestCustomers.length, 2)
    const { errors } = (await ask(url, '{ member(number: "1") { friends { invoices { id } } } }'))
      .body
    assert.deepEqual(
      [errors[0].extensions.code, errors[0].extensions.path],
      ['COST_TOO_HIGH', 'member.friends[5].invoices[10]'],
    )
    loyalty.best.push('c3')
    assert.equal((await ask(url, query)).body.errors[0].extensions.code, 'SUBGRAPH_ERROR')
    const { data: schema } = (await ask(url, '{ __schema { directives { name } } }')).body
    assert.doesNotMatch(JSON.stringify(schema), /listSize/)
  })

  test('passes the texts of errors that it gave a code, and hides all others', async () => {
    const { errors } = await data('{ a: broken(how: "CODE") b: broken(how: "PLAIN") }')
    const [coded, plain] = errors
    assert.equal(coded.message, 'No such member')
    assert.deepEqual(coded.extensions, {
      code: 'SUBGRAPH_ERROR',
      subgraph: 'loyalty',
      subgraphCode: 'NO_MEMBER',
    })
    assert.equal(plain.extensions.code, 'SUBGRAPH_ERROR')
    assert.doesNotMatch(JSON.stringify(errors), /secret|internal/)
    // An error below a place that has become null is not lost, and no code of the gateway is faked.
    responds({
      data: { bestCustomer: null },
      errors: [
        { message: 'gone', path: ['bestCustomer', 'points'], extensions: { code: 'FORBIDDEN' } },
        { message: 'also', extensions: { code: 'GRAPH_CHANGED' } },
      ],
    })
    const { errors: more } = await data('{ bestCustomer { points } }')
    assert.deepEqual(
      more.map((e: { message: string; extensions: { code: string } }) => [
        e.message,
        e.extensions.code,
      ]),
      [
        ['also', 'SUBGRAPH_ERROR'],
        ['gone', 'SUBGRAPH_ERROR'],
      ],
    )
  })
})

describe('row rights', () => {
  test('an entity that the caller may not see is not sent, and has no fields', async () => {
    bound = true
    hidden.add('c0').add('c2')
    const { data: found, errors } = await data('{ customers(first: 4) { id points } }')
    assert.equal(errors, undefined)
    assert.deepEqual(
      found.customers.map((c: { points: number }) => c.points),
      [null, 10, null, null],
    )
    assert.deepEqual(loyalty.requests[0]?.variables, {
      representations: [
        { __typename: 'Customer', id: 'c1' },
        { __typename: 'Customer', id: 'c3' },
      ],
    })
    loyalty.requests.length = 0
    assert.equal((await data('{ customer(id: "c0") { points } }')).data.customer.points, null)
    assert.equal(loyalty.requests.length, 0)
  })

  test('an entity that the subgraph names is left out, wherever it stands and whatever is selected', async () => {
    bound = true
    hidden.add('c1')
    for (const selected of [
      'points',
      'id',
      '__typename',
      'name',
      'label: points',
      'x: id points',
    ]) {
      const query = `{ bestCustomers { ${selected} } bestCustomer { ${selected} }
        member(number: "M1") { number referredBy { ${selected} } friends { ${selected} } } }`
      for (const text of [
        query,
        query.replace('bestCustomer {', 'bestCustomer @include(if: true) {'),
      ]) {
        const { data: found } = await data(text)
        assert.equal(found.bestCustomers.length, 1, text)
        assert.equal(found.bestCustomer, null, text)
        assert.equal(found.member.referredBy, null, text)
        assert.equal(found.member.friends.length, 1, text)
      }
    }
    bound = false
    assert.equal((await data('{ bestCustomers { id } }')).data.bestCustomers.length, 2)
  })

  test('errors stand at the entity that they are of, also when others are not sent', async () => {
    bound = true
    hidden.add('c0')
    responds({
      data: { _entities: [{ points: null, _touchstone_type: 'Customer', _touchstone_id: 'c1' }] },
      errors: [{ message: 'no', path: ['_entities', 0, 'points'], extensions: { code: 'NO' } }],
    })
    const { data: found, errors } = await data('{ customers(first: 2) { name points } }')
    assert.deepEqual(found.customers[1], { name: 'Customer 1', points: null })
    assert.deepEqual(errors[0].path, ['customers', 1, 'points'])
  })
})

describe('credentials', () => {
  test('are sent as configured, and never logged; the caller is forwarded only where that is configured', async (t) => {
    const caller = {
      actor: 'ada',
      roles: new Set(['reader']),
      scopes: new Set(['golden:read', '*']),
      via: 'TOKEN' as const,
      expiresAt: null,
      bearer: 'token-of-ada',
    }
    const callers = {
      isLocal: false,
      origins: new Set<string>(),
      refuse: () => null,
      identify: async () => caller,
    }
    const secret = 'a secret of forty characters or even more'
    const headers = new Map([['authorization', 'Bearer secret-of-service']])
    const sent = async (more: Partial<OwnSubgraph>) => {
      const { gateway, url, logged } = await gatewayOf(more, { callers })
      t.after(() => gateway.close(0))
      loyalty.requests.length = 0
      const { headers: got } = await ask(url, '{ bestCustomer { points } }')
      await ask(url, '{ broken(how: "PLAIN") }')
      assert.doesNotMatch(JSON.stringify(logged), /secret-of-service|token-of-ada/)
      const [first] = loyalty.requests
      assert.equal(first?.headers['x-correlation-id'], got.get('x-correlation-id'))
      return first?.headers ?? {}
    }
    const none = await sent({ headers })
    assert.equal(none.authorization, 'Bearer secret-of-service')
    assert.equal(none['x-touchstone-caller'], undefined)
    assert.equal((await sent({ caller: { kind: 'TOKEN' } })).authorization, 'Bearer token-of-ada')
    const signed = await sent({ headers, caller: { kind: 'SIGNED', secret } })
    assert.equal(signed.authorization, 'Bearer secret-of-service')
    const [, claims = ''] = String(signed['x-touchstone-caller']).split('.')
    const { sub, aud, roles } = JSON.parse(Buffer.from(claims, 'base64url').toString())
    assert.deepEqual([sub, aud, roles], ['ada', 'touchstone-subgraph:loyalty', ['reader']])
  })

  test('has its responses bounded by what they unpack to, in every coding', async (t) => {
    const blanks = Buffer.alloc(50_000_000, 0x20)
    const packed: Record<string, Buffer> = {
      gzip: gzipSync(blanks),
      deflate: deflateSync(blanks),
      br: brotliCompressSync(blanks, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
      'gzip, gzip': gzipSync(gzipSync(blanks)),
    }
    const server = createServer(({ url = '' }, res) => {
      const coding = decodeURIComponent(url.slice(1))
      res.writeHead(200, { 'content-encoding': coding }).end(packed[coding])
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    for (const coding of Object.keys(packed)) {
      const url = `http://127.0.0.1:${port}/${encodeURIComponent(coding)}`
      const at = { name: 'bomb', url, bounds: { ...BOUNDS, timeoutMs: 20_000 } }
      await assert.rejects(post(at, '{}', {}, undefined), /more than 20000 bytes/, coding)
      await assert.rejects(fetchSdl({ ...at, headers: new Map() }), /more than 5000000 bytes/)
    }
  })
})
