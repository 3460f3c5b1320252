import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { buildSchema, parse, validate } from 'graphql'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { CONFIG } from '../../../cli/config/config.ts'
import { packagePath } from '../../../cli/config/packagePath.ts'
import { publicSchema } from '../../../gateway/federation/publicSchema.ts'
import { EXAMPLES } from '../../../gateway/http/examples.ts'
import { compileCost, pageItemsAssumed } from '../../../gateway/limits/cost.ts'
import { operationNamed, readDocument } from '../../../gateway/operation/document.ts'
import { pageItemsDefault } from '../../../subgraphs/shared/connection.ts'
import { BOUNDS, testGateway } from '../gateway.ts'

const schema = buildSchema(`
type Query { things(first: Int, last: Int): ThingConnection! nodes(ids: [ID!]!): [Node]! one: Thing head: String any: [Any!]! }
type Mutation { touch(ids: [ID!]!): [Thing!]! }
type Subscription { changes: Thing }
interface Node { id: ID! }
type ThingConnection { nodes: [Thing!]! edges: [Edge!]! pageInfo: PageInfo! totalCount: Int }
type Edge { cursor: String node: Thing }
type PageInfo { hasNextPage: Boolean }
type Thing implements Node { id: ID! tags: [String!]! parts(first: Int = 5): [Part!]! lines: [Part!]! things(first: Int, last: Int): ThingConnection! part: Part }
type Part implements Node { id: ID! thing: Thing }
union Any = Thing | Part`)

function costOf(text: string, variables?: Record<string, unknown>) {
  const { cost, path } = wholeCostOf(text, variables)
  return { cost, path }
}

function wholeCostOf(text: string, variables?: Record<string, unknown>) {
  const document = parse(text)
  assert.deepEqual(validate(schema, document), [], text)
  const operation = operationNamed(readDocument(schema, document), null)
  assert.ok(operation)
  return compileCost(operation)(variables)
}

test('counts values separately from objects: leaves of all objects, and the overhead of lists', () => {
  for (const [text, values] of [
    ['{ head }', 1],
    ['{ one { id tags part { id } } }', 3],
    ['{ things(first: 7) { totalCount } }', 51],
    ['{ things(first: 7) { nodes { id tags } } }', 64],
    [
      '{ a: things(first: 7) { nodes { id tags } } b: things(first: 7) { nodes { id tags } } }',
      128,
    ],
    ['{ things(first: 10) { nodes { id things(first: 10) { nodes { id } } } } }', 210],
    ['{ things(first: 1) { nodes { ...F ...F } } } fragment F on Thing { id tags }', 52],
  ] as const)
    assert.equal(wholeCostOf(text).values, values, text)
})

test('counts one for each possible object of the response, with page sizes multiplied down nested lists', () => {
  for (const [text, cost, path] of [
    ['{ head }', 1, 'head'],
    ['{ one { id tags part { id } } }', 2, 'one.part'],
    // The page itself counts, then its items: 20 where the query gives no page size.
    ['{ things(first: 7) { totalCount } }', 1, 'things'],
    ['{ things(first: 7) { nodes { id } } }', 8, 'things.nodes[7]'],
    ['{ things(last: 3) { nodes { id } pageInfo { hasNextPage } } }', 5, 'things.nodes[3]'],
    ['{ things { nodes { id } } }', 21, 'things.nodes[20]'],
    ['{ things(first: 7) { edges { cursor node { id } } } }', 15, 'things.edges[7].node'],
    [
      '{ things(first: 2) { nodes { things(first: 50) { nodes { part { id } } } } } }',
      205,
      'things.nodes[2].things.nodes[50].part',
    ],
    // The schema's default applies, or 10 where a list has no pages.
    ['{ one { parts { id } } }', 6, 'one.parts[5]'],
    ['{ one { parts(first: 3) { id } lines { id } } }', 14, 'one.lines[10]'],
    ['{ nodes(ids: ["a", "b"]) { id } }', 2, 'nodes[2]'],
    ['mutation { touch(ids: ["a", "b", "c"]) { part { id } } }', 6, 'touch[3].part'],
    ['subscription { changes { parts { id } } }', 6, 'changes.parts[5]'],
    ['{ __schema { types { fields { name } } } }', 1, '__schema'],
    ['{ things(first: 0) { nodes { parts { id } } } }', 1, 'things'],
    ['{ things(first: -5) { nodes { parts { id } } } }', 1, 'things'],
  ] as const)
    assert.deepEqual(costOf(text), { cost, path }, text)
})

test('counts each alias, fragments where they are spread, and a repeated field once', () => {
  const page = 'things(first: 9) { nodes { id } }'
  assert.equal(costOf(`{ a: ${page} b: ${page} c: ${page} }`).cost, 30)
  assert.equal(
    costOf(`{ ${page} ${page} ...F ... { ${page} } } fragment F on Query { ${page} }`).cost,
    10,
  )
  assert.equal(
    costOf(`{ ...F a: things(first: 9) { nodes { tags ...T } } } fragment F on Query { ${page} }
    fragment T on Thing { parts(first: 4) { id } }`).cost,
    10 + 1 + 9 * 5,
  )
  assert.equal(
    costOf('{ any { ... on Thing { part { id } } ... on Part { thing { id } } } }').cost,
    30,
  )
  assert.equal(costOf('{ nodes(ids: ["a"]) { ... on Thing { parts { id } } } }').cost, 6)
})

test('uses the values of variables, then their defaults, then the defaults of the schema', () => {
  const text = `query ($n: Int = 30, $last: Int, $ids: [ID!] = ["x"]) {
    things(first: $n, last: $last) { nodes { id } } nodes(ids: $ids) { id } }`.replace(
    '[ID!] =',
    '[ID!]! =',
  )
  assert.equal(costOf(text).cost, 32)
  assert.equal(costOf(text, { n: 100, ids: ['a', 'b'] }).cost, 103)
  assert.equal(costOf(text, { n: null, last: 4 }).cost, 6)
  assert.equal(costOf(text, { n: null }).cost, 22)
  const parts = 'query ($n: Int) { one { parts(first: $n) { id } } }'
  assert.deepEqual(
    [{}, { n: 2 }, { n: null }].map((v) => costOf(parts, v).cost),
    [6, 3, 11],
  )
  assert.deepEqual(costOf(text, { n: 5, ids: Array(900).fill('a') }), {
    cost: 906,
    path: 'nodes[900]',
  })
})

test('the cost stays a number, however large', () => {
  const nested = (levels: number): string =>
    levels === 0 ? 'id' : `things(first: $n) { nodes { ${nested(levels - 1)} } }`
  const text = `query ($n: Int, $zero: Int) { things(first: $zero) { nodes { ${nested(40)} } } one { ${nested(40)} } }`
  assert.equal(costOf(text, { n: 2 ** 31 - 1, zero: 0 }).cost, Number.MAX_SAFE_INTEGER)
  assert.equal(costOf(text, { n: 1e308, zero: 0 }).cost, Number.MAX_SAFE_INTEGER)
})

test('every example stays well under the default limit', () => {
  const whole = publicSchema(readFileSync(packagePath('supergraph.graphql'), 'utf8'))
  const most = Number(CONFIG.costMax.default)
  const all = EXAMPLES.map(({ query }) => {
    const operation = operationNamed(readDocument(whole, parse(query)), null)
    assert.ok(operation)
    return compileCost(operation)({}).cost
  })
  assert.ok(Math.max(...all) * 10 < most, all.join())
  assert.ok(Math.max(...all) > 500, all.join())
})

test('a page without an explicit size has as many items as the cost assumes', () => {
  assert.equal(pageItemsAssumed, pageItemsDefault)
})

let it: Awaited<ReturnType<typeof testGateway>>
before(async () => {
  it = await testGateway({ bounds: { ...BOUNDS, costMax: 100 } })
})
after(() => it?.gateway.close())

const QUERY = 'query ($n: Int) { customers(first: $n) { invoices { id } } }'

async function post(body: object) {
  const res = await fetch(it.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: QUERY, ...body }),
  })
  return (await res.json()) as {
    data?: unknown
    errors?: { message: string; extensions: object }[]
    extensions?: object
  }
}

test('rejects an operation over the limit before execution, with its cost, the limit and the heaviest path', async () => {
  it.fixture.batches.length = 0
  const { data, errors } = await post({ variables: { n: 10 } })
  assert.equal(data, undefined)
  assert.deepEqual(errors?.[0]?.extensions, {
    code: 'COST_TOO_HIGH',
    cost: 110,
    costMax: 100,
    path: 'customers[10].invoices[10]',
  })
  assert.match(
    errors?.[0]?.message ?? '',
    /110 objects, at most 100 are allowed; most of them at customers\[10\]/,
  )
  assert.deepEqual(it.fixture.batches, [])
  // With other variables the cached document is reused, but its cost is computed again.
  assert.ok((await post({ variables: { n: 9 } })).data)
  assert.ok((await post({ variables: { n: 10 } })).errors)
})

test('a response includes its cost on request, on every transport', async () => {
  const cost = { cost: 33, costMax: 100, path: 'customers[3].invoices[10]' }
  assert.deepEqual((await post({ extensions: { cost: true } })).extensions, { cost })
  assert.equal((await post({})).extensions, undefined)
  const client = createClient({ url: it.url.replace('http', 'ws'), webSocketImpl: WebSocket })
  const one = (payload: object) => client.iterate({ query: QUERY, ...payload }).next()
  assert.deepEqual((await one({ extensions: { cost: true } })).value?.extensions, { cost })
  await assert.rejects(one({ variables: { n: 10 } }), (e) =>
    JSON.stringify(e).includes('COST_TOO_HIGH'),
  )
  await client.dispose()
})
