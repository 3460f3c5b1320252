import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { buildSubgraphSchema } from '@apollo/subgraph'
import { parse } from 'graphql'
import { createClient as sseClient } from 'graphql-sse'
import { fixture } from '../fixture.ts'
import { ask, testGateway } from '../gateway.ts'

const SDL = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
interface Thing { id: ID! }
type Car implements Thing { id: ID! kind: Kind! next: Thing others: [Thing!]! }
type Tree implements Thing { id: ID! leaves: Int }
union Result = Done | Refused
type Done { thing: Thing! }
type Refused { rule: String! }
enum Kind { SMALL LARGE }
type Query { thing: Thing things: [Thing!]! result: Result }
type Mutation { act(refuse: Boolean = false): Result! list: [Thing]! }
type Subscription { things: Thing! results: Result! }`

const tree = { __typename: 'Tree', id: 't', leaves: 3 }
const car = { __typename: 'Car', id: 'c', kind: 'LARGE', next: tree, others: [tree, tree] }
const done = { __typename: 'Done', thing: car }
async function* events(name: string, items: object[]) {
  for (const item of items) yield { [name]: item }
}
const resolvers = {
  Query: { thing: () => car, things: () => [car, tree], result: () => done },
  Mutation: {
    act: (_: unknown, { refuse }: { refuse: boolean }) =>
      refuse ? { __typename: 'Refused', rule: 'R' } : done,
    list: () => [car, null, tree],
  },
  Subscription: {
    things: { subscribe: () => events('things', [car, tree]) },
    results: { subscribe: () => events('results', [done, { __typename: 'Refused', rule: 'R' }]) },
  },
}
const subgraph = {
  name: 'things',
  sdl: SDL,
  schema: buildSubgraphSchema([{ typeDefs: parse(SDL), resolvers: resolvers as never }]),
  context: () => ({}),
}

let it: Awaited<ReturnType<typeof testGateway>>
before(async () => {
  it = await testGateway({ fixture: { ...fixture(), subgraphs: [subgraph] } })
})
after(() => it.gateway.close(0))

const cases: [string, object][] = [
  ['mutation { act { k: __typename } }', { act: { k: 'Done' } }],
  ['mutation { act(refuse: true) { k: __typename } }', { act: { k: 'Refused' } }],
  ['mutation { act { ...F } } fragment F on Result { k: __typename }', { act: { k: 'Done' } }],
  ['mutation { act { ... { k: __typename } } }', { act: { k: 'Done' } }],
  ['mutation { act { k: __typename l: __typename } }', { act: { k: 'Done', l: 'Done' } }],
  ['mutation { act { k: __typename __typename } }', { act: { k: 'Done', __typename: 'Done' } }],
  ['mutation { act { k: __typename __typename @skip(if: true) } }', { act: { k: 'Done' } }],
  [
    'mutation { m: __typename act { ... on Done { thing { k: __typename ... on Car { kind next { n: __typename } } } } } }',
    { m: 'Mutation', act: { thing: { k: 'Car', kind: 'LARGE', next: { n: 'Tree' } } } },
  ],
  [
    'mutation { list { k: __typename ... on Tree { leaves } } }',
    { list: [{ k: 'Car' }, null, { k: 'Tree', leaves: 3 }] },
  ],
  [
    'mutation { list { ... on Car { others { k: __typename } } ... on Thing { id } } }',
    { list: [{ others: [{ k: 'Tree' }, { k: 'Tree' }], id: 'c' }, null, { id: 't' }] },
  ],
  ['{ thing { k: __typename } }', { thing: { k: 'Car' } }],
  ['{ thing { k: __typename ... on Car { kind } } }', { thing: { k: 'Car', kind: 'LARGE' } }],
  [
    '{ things { k: __typename ...F } } fragment F on Tree { leaves }',
    { things: [{ k: 'Car' }, { k: 'Tree', leaves: 3 }] },
  ],
  ['{ result { k: __typename } }', { result: { k: 'Done' } }],
  ['{ thing @include(if: true) { k: __typename } }', { thing: { k: 'Car' } }],
  [
    '{ thing { k: __typename @include(if: false) id ... on Car @skip(if: true) { kind } } }',
    { thing: { id: 'c' } },
  ],
]
for (const [query, data] of cases)
  test(`an aliased __typename is the name of the type: ${query}`, async () => {
    assert.deepEqual((await ask(it.url, query)).body, { data })
  })

const live: [string, object[]][] = [
  [
    'subscription { things { k: __typename } }',
    [{ things: { k: 'Car' } }, { things: { k: 'Tree' } }],
  ],
  [
    'subscription { things { ...F } } fragment F on Thing { k: __typename }',
    [{ things: { k: 'Car' } }, { things: { k: 'Tree' } }],
  ],
  [
    'subscription { r: results { ... on Done { thing { k: __typename } } ... on Refused { rule } } }',
    [{ r: { thing: { k: 'Car' } } }, { r: { rule: 'R' } }],
  ],
]
for (const [query, data] of live)
  test(`and in a subscription: ${query}`, async (t) => {
    const client = sseClient({ url: it.url, retryAttempts: 0 })
    t.after(() => client.dispose())
    const got = []
    for await (const result of client.iterate({ query })) got.push(result)
    assert.deepEqual(
      got,
      data.map((d) => ({ data: d })),
    )
  })

for (const name of ['constructor', 'toString', 'valueOf', 'hasOwnProperty'])
  test(`an alias ${name} is a name like any other, and its value stays in its request`, async () => {
    const first = `mutation { k: __typename ${name}: act(refuse: true) { ... on Refused { rule } } }`
    assert.deepEqual((await ask(it.url, first)).body, {
      data: { k: 'Mutation', [name]: { rule: 'R' } },
    })
    for (const query of [
      `{ k: __typename ${name}: thing { ${name}: id } }`,
      `{ k: __typename ${name}: thing @include(if: true) { ${name}: id } }`,
    ])
      assert.deepEqual((await ask(it.url, query)).body, {
        data: { k: 'Query', [name]: { [name]: 'c' } },
      })
    const inherited = Reflect.get({}, name) as object
    assert.deepEqual(
      ['rule', '__typename', 'id', name].filter((key) => Object.hasOwn(inherited, key)),
      [],
    )
  })
