import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consoleTypes } from '../../cli/commands/output/consoleTypes.ts'
import { recordOperations } from '../../console/record/operations.ts'

const graph = `
  interface Node { id: ID! }
  scalar DateTime
  enum Fuel { PETROL ELECTRIC }
  type Money { minorUnits: Int! currency: String! }
  type Place { street: String city: String }
  type Vehicle implements Node {
    id: ID!
    plate: String!
    keeper: String @requiresScopes(scopes: [["pii:read"]])
    fuel: Fuel
    price: Money
    garage: Place
    tow: Vehicle
    trailers(first: Int): VehicleConnection!
    trips(first: Int, from: DateTime!): TripConnection
    services(first: Int): ServiceConnection
    totals(year: Int): VehicleTotals
    version: Int!
    provenance(fields: [String!]): [Vehicle!]!
  }
  type VehicleConnection { totalCount: Int! nodes: [Vehicle!]! }
  type VehicleTotals { cost: Money km: Float }
  type Trip { km: Float }
  type TripConnection { nodes: [Trip!]! }
  type Service implements Node { id: ID! at: DateTime cost: Money notes: [String!] }
  type ServiceConnection @requiresScopes(scopes: [["operational:read"]]) { nodes: [Service!]! }
  type Query { node(id: ID!): Node }`

async function vehicle() {
  const [text = ''] = consoleTypes(graph).values()
  const { 0: type, length } = JSON.parse(text.slice(text.indexOf('= [') + 2))
  assert.equal(length, 1, 'a service is no golden type')
  return type
}

test('a golden type of an installation has its fields, lists and figures, without the common ones', async () => {
  const type = await vehicle()
  assert.equal(type.title, 'plate')
  assert.deepEqual(type.fields, [
    { name: 'plate', kind: 'TEXT', required: true },
    { name: 'keeper', kind: 'TEXT', scopes: [['pii:read']] },
    { name: 'fuel', kind: 'CODE', codes: ['PETROL', 'ELECTRIC'] },
    { name: 'price', kind: 'MONEY' },
    {
      name: 'garage',
      kind: 'GROUP',
      parts: [
        { name: 'street', kind: 'TEXT' },
        { name: 'city', kind: 'TEXT' },
      ],
    },
    { name: 'tow', kind: 'REFERENCE', of: 'Vehicle' },
  ])
  // A list with a required argument is left out: the console cannot know the value.
  assert.deepEqual(
    type.lists.map((l: { name: string }) => l.name),
    ['trailers', 'services'],
  )
  assert.deepEqual(type.lists[1], {
    name: 'services',
    of: 'Service',
    golden: false,
    node: true,
    columns: [
      { name: 'at', kind: 'MOMENT' },
      { name: 'cost', kind: 'MONEY' },
    ],
    scopes: [['operational:read']],
  })
  assert.deepEqual(
    type.figures.map((f: { name: string }) => f.name),
    ['totals'],
  )
})

test('its operations select its own fields, and lists only of those who may see them', async () => {
  const operations = recordOperations(await vehicle())
  assert.match(String(operations.record), /\.\.\. on Vehicle \{[^}]*title: plate/)
  assert.match(String(operations.family), /parent: tow .*children: trailers/)
  const [open, closed] = operations.counts
  assert.deepEqual([open?.scopes, closed?.scopes], [undefined, [['operational:read']]])
  assert.match(String(open?.operation), /trailers/)
  assert.doesNotMatch(String(open?.operation), /services/)
  assert.match(String(closed?.operation), /services/)
})
