import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { calledSubgraphs } from '../../../gateway/federation/own/calledSubgraphs.ts'
import { JoinError } from '../../../gateway/federation/own/joinError.ts'
import { type Joining, joinGraph } from '../../../gateway/federation/own/joinGraph.ts'
import { parseSdl, sdlText } from '../../../gateway/federation/own/readSdl.ts'
import { LOYALTY_SDL } from '../../fixtures/loyalty.ts'

const IMPORTS =
  '["@key", "@requires", "@external", "@shareable", "@override", "@provides", "@requiresScopes", "@tag", "@inaccessible", "@interfaceObject", "@composeDirective"]'
const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ${IMPORTS})`
const POINTS = 'type Customer @key(fields: "id") { id: ID! points: Int }'

/** A small graph with one of each kind of type. */
const SHIPPED = [
  {
    name: 'customer',
    sdl: `${LINK}
type Query { customer(id: ID!): Customer @requiresScopes(scopes: [["golden:read"]]) orders(where: OrderFilter): [Order!] }
type Customer implements Node @key(fields: "id") @requiresScopes(scopes: [["golden:read"]]) {
  id: ID!
  name: String!
  creditLimit: Int @requiresScopes(scopes: [["finance:read"]])
  taxId: String @requiresScopes(scopes: [["pii:read"]]) @tag(name: "masked")
  aliases: [ID!]!
  stage: Stage
  size: Money
  orders: [Order!]
}
type Order @key(fields: "id") @requiresScopes(scopes: [["orders:read"]]) { id: ID! total: Int }
interface Node { id: ID! }
type Money @shareable { amount: Int currency: String }
enum Stage { LEAD CUSTOMER }
input OrderFilter { stage: Stage open: Boolean }
union Thing = Customer | Order
scalar DateTime
type Page { things: [Thing!] }`,
  },
]

function join(sdl: string, more: Partial<Joining> = {}) {
  return joinGraph(SHIPPED, [
    {
      ...{ name: 'loyalty', at: 'loyalty.graphql', configuredAt: 'subgraphs.yaml:2' },
      sdl,
      mutations: false,
      overrides: [],
      ...more,
    },
  ])
}

/** Returns the reasons of a refusal; empty if the schema joins. */
function problems(sdl: string, more: Partial<Joining> = {}): string[] {
  try {
    join(sdl, more)
    return []
  } catch (e) {
    if (!(e instanceof JoinError)) throw e
    return [...e.problems]
  }
}

describe('a schema joins the graph', () => {
  const taken: [name: string, sdl: string, more?: Partial<Joining>][] = [
    ['with fields of an entity', `${LINK}\n${POINTS}`],
    [
      'with types and root fields of its own',
      `${LINK} type Query { club: Club } type Club { name: String }`,
    ],
    [
      'with values, scalars and enums of Touchstone',
      `${LINK} scalar DateTime enum Stage { LEAD CUSTOMER }
      type Money @shareable { amount: Int currency: String }
      type Customer @key(fields: "id") { id: ID! since: DateTime spent: Money was: Stage }`,
    ],
    [
      'that requires fields everyone sees',
      `${LINK} type Customer @key(fields: "id") { id: ID! aliases: [ID!]! @external points: Int @requires(fields: "aliases") }`,
    ],
    [
      'that requires a masked field under the rule of that field',
      `${LINK} type Customer @key(fields: "id") { id: ID! taxId: String @external points: Int @requires(fields: "taxId") @requiresScopes(scopes: [["pii:read"]]) }`,
    ],
    [
      'that requires a field under the rule of that field',
      `${LINK} type Customer @key(fields: "id") { id: ID! creditLimit: Int @external points: Int @requires(fields: "creditLimit") @requiresScopes(scopes: [["finance:read", "loyalty:read"]]) }`,
    ],
    [
      'with mutations, if they are asked for',
      `${LINK} ${POINTS} type Mutation { add: Int }`,
      { mutations: true },
    ],
    [
      'that takes over a field, if it is asked for',
      `${LINK} type Customer @key(fields: "id") { id: ID! name: String! @override(from: "customer") }`,
      { overrides: ['Customer.name'] },
    ],
    [
      'under other names of the root types',
      `schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"]) { query: Root } type Root { club: Int }`,
    ],
  ]
  for (const [name, sdl, more] of taken) test(name, () => assert.deepEqual(problems(sdl, more), []))
})

describe('a schema is refused, with its line', () => {
  const refused: [name: string, sdl: string, problem: RegExp, more?: Partial<Joining>][] = [
    ['it does not parse', `${LINK}\ntype Customer {`, /^loyalty\.graphql:2: Syntax Error/],
    [
      'it is no federation schema',
      `\ntype Query { a: Int }`,
      /^loyalty\.graphql:2: it is no Apollo Federation 2 schema/,
    ],
    [
      'it is of Federation 1',
      `\ntype Customer @key(fields: "id") { id: ID! points: Int }`,
      /no Apollo Federation 2 schema/,
    ],
    [
      'it renames a directive',
      'extend schema\n@link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", {name: "@override", as: "@external"}])\ntype Query { a: Int }',
      /:2: directives of federation must have their own names/,
    ],
    [
      'it uses a directive by its long name',
      `${LINK}\ntype Customer @federation__key(fields: "id") { id: ID! points: Int }`,
      /:2: @federation__key: import it/,
    ],
    [
      'it links something else',
      `${LINK}\nextend schema @link(url: "https://example.com/own/v1.0")\ntype Query { a: Int }`,
      /:2: @link of https:\/\/example\.com/,
    ],
    ['it has a type error', `${LINK}\ntype Query {\n  a: Missing }`, /:3: Unknown type "Missing"/],
    [
      'it shadows a field',
      `${LINK}\ntype Customer @key(fields: "id") {\n  id: ID!\n  name: String! @shareable }`,
      /:4: Customer\.name belongs to Touchstone/,
    ],
    [
      'it takes over a field without being asked',
      `${LINK}\ntype Customer @key(fields: "id") { id: ID!\n name: String! @override(from: "customer") }`,
      /:3: Customer\.name belongs to Touchstone/,
    ],
    [
      'it takes over a field with rules',
      `${LINK}\ntype Customer @key(fields: "id") { id: ID! creditLimit: Int @override(from: "customer") }`,
      /creditLimit cannot be taken over: Touchstone decides who sees it/,
      { overrides: ['Customer.creditLimit'] },
    ],
    [
      'it takes over the key',
      `${LINK}\ntype Customer @key(fields: "id") { id: ID! @override(from: "customer") points: Int }`,
      /Customer\.id cannot be taken over/,
      { overrides: ['Customer.id'] },
    ],
    [
      'it has another key',
      `${LINK}\ntype Customer @key(fields: "name") { name: String! points: Int }`,
      /:2: Customer has the key id, not "name"/,
    ],
    [
      'it has no key',
      `${LINK}\ntype Query { a: Customer }\ntype Customer { id: ID! points: Int }`,
      /:3: Customer needs its key/,
    ],
    [
      'it opens a type',
      `${LINK}\ntype Customer @key(fields: "id") @requiresScopes(scopes: [["any"]]) { id: ID! points: Int }`,
      /:2: @requiresScopes on Customer: Touchstone defines it/,
    ],
    [
      'it hides a type',
      `${LINK}\ntype Customer @key(fields: "id") @inaccessible { id: ID! points: Int }`,
      /@inaccessible on Customer/,
    ],
    [
      'it hides a key',
      `${LINK}\ntype Customer @key(fields: "id") { id: ID! @inaccessible points: Int }`,
      /@inaccessible on Customer\.id/,
    ],
    [
      'it tags a type',
      `${LINK}\ntype Customer @key(fields: "id") @tag(name: "internal") { id: ID! points: Int }`,
      /@tag on Customer/,
    ],
    [
      'it deprecates a field',
      `${LINK}\ntype Customer @key(fields: "id") { id: ID! @deprecated(reason: "x") points: Int }`,
      /@deprecated on Customer\.id/,
    ],
    [
      'it claims a mask',
      `${LINK}\ntype Customer @key(fields: "id") { id: ID! points: Int @tag(name: "masked") }`,
      /the tag "masked" is for fields of the model/,
    ],
    [
      'it answers fields of others',
      `${LINK}\ntype Query { best: Customer @provides(fields: "name") }\ntype Customer @key(fields: "id") { id: ID! name: String! @external }`,
      /:2: @provides is not taken/,
    ],
    [
      'it extends an interface object',
      `${LINK}\ntype Node @key(fields: "id") @interfaceObject { id: ID! x: Int }`,
      /@interfaceObject is not taken/,
    ],
    [
      'it extends a type without a key',
      `${LINK}\ntype Query { a: Money }\ntype Money @shareable { amount: Int cents: Int }`,
      /:3: Money\.cents: only types with a key/,
    ],
    [
      'it narrows an input',
      `${LINK}\ntype Query { a(b: OrderFilter): Int }\ninput OrderFilter { open: Boolean }`,
      /:3: OrderFilter belongs to the graph/,
    ],
    [
      'it narrows an enum',
      `${LINK}\ntype Query { a(b: Stage): Int }\nenum Stage { LEAD }`,
      /:3: Stage must have the values/,
    ],
    [
      'it widens an enum',
      `${LINK}\ntype Query { a: Stage }\nenum Stage { LEAD CUSTOMER LOST }`,
      /:3: Stage must have the values/,
    ],
    [
      'it widens a union',
      `${LINK}\ntype Query { a: Thing }\nunion Thing = Club\ntype Club { x: Int }`,
      /:3: Thing belongs to the graph/,
    ],
    [
      'it has another kind of type',
      `${LINK}\ntype Query { a: Stage }\ntype Stage { x: Int }`,
      /:3: Stage is enum in the graph/,
    ],
    [
      'its root field exists',
      `${LINK}\ntype Query {\n  customer: Int @shareable }`,
      /:3: Query\.customer exists in the graph/,
    ],
    [
      'its root field exists, under another name of the root',
      `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9") { query: Root }\ntype Root { orders: Int }`,
      /:2: Query\.orders exists/,
    ],
    [
      'it has mutations',
      `${LINK}\n${POINTS}\ntype Mutation { add: Int }`,
      /:3: mutations are served only with "mutations: served"/,
    ],
    [
      'it has subscriptions',
      `${LINK}\n${POINTS}\ntype Subscription { points: Int }`,
      /:3: subscriptions of own subgraphs are not served/,
    ],
    [
      'it requires what its callers may not see',
      `${LINK}\ntype Customer @key(fields: "id") { id: ID! creditLimit: Int @external\n risk: Int @requires(fields: "creditLimit") }`,
      /:3: .*Customer\.risk.*auth requirements.*Customer\.creditLimit/,
    ],
    [
      'it requires what lies behind a type with a rule',
      `${LINK}\ntype Customer @key(fields: "id") { id: ID! orders: [Order!] @external\n risk: Int @requires(fields: "orders { total }") }\ntype Order @key(fields: "id") { id: ID! total: Int @external }`,
      /:3: .*Customer\.risk.*auth requirements.*Customer\.orders/,
    ],
    [
      'it does not compose',
      `${LINK}\ntype Query { a: Club }\ntype Money @shareable { amount: String }\ntype Club { m: Money }`,
      /^loyalty\.graphql:\d+: .*Money\.amount/,
    ],
    [
      'it is never called',
      `${LINK}\ntype Customer @key(fields: "id") { id: ID! }`,
      /^subgraphs\.yaml:2: the subgraph loyalty is never called/,
    ],
    [
      'nothing leads to its types',
      `${LINK}\ntype Club { name: String }`,
      /never called|No queries/,
    ],
    [
      'its name is taken',
      `${LINK}\n${POINTS}`,
      /^subgraphs\.yaml:2: "customer" is a subgraph of Touchstone/,
      { name: 'customer' },
    ],
  ]
  for (const [name, sdl, problem, more] of refused)
    test(name, () => {
      const found = problems(sdl, more)
      assert.ok(
        found.some((p) => problem.test(p)),
        JSON.stringify(found, null, 1),
      )
    })
})

test('the supergraph keeps the rules of Touchstone and gets those of the subgraph', () => {
  const { supergraph } = join(
    `${LINK}\ntype Customer @key(fields: "id") { id: ID! points: Int @requiresScopes(scopes: [["loyalty:read"]]) }`,
  )
  assert.match(supergraph, /type Customer [^{]*@requiresScopes\(scopes: \[\["golden:read"\]\]\)/)
  assert.match(supergraph, /points: Int[^\n]*@requiresScopes\(scopes: \[\["loyalty:read"\]\]\)/)
  assert.deepEqual([...calledSubgraphs(supergraph)].sort(), ['customer', 'loyalty'])
})

test('a schema has one text, whether a file or a server gives it, and however it is laid out', () => {
  const plain = sdlText(parseSdl(LOYALTY_SDL, 'a'))
  const served = `${LOYALTY_SDL.replaceAll('\n', '\n\n')}
    directive @key(fields: federation__FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
    scalar federation__FieldSet scalar _Any union _Entity = Customer type _Service { sdl: String }
    extend type Query { _entities(representations: [_Any!]!): [_Entity]! _service: _Service! }`
  assert.equal(sdlText(parseSdl(served, 'b')), plain)
})
