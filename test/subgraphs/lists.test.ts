import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import {
  type GraphQLField,
  type GraphQLObjectType,
  getNamedType,
  getNullableType,
  isLeafType,
  isListType,
  isObjectType,
} from 'graphql'
import { publicSchema } from '../../gateway/federation/publicSchema.ts'

/**
 * Root fields that return a plain list. Each is bounded: by the ids in its arguments, by the
 * configuration, or to one item for each kind or field.
 */
const BOUNDED = [
  ...['nodes', 'goldenDiff', 'queueAges', 'serviceLevels'],
  ...['reconciliations', 'reconcileSums', 'secondOpinions', 'stewardFigures'],
]
/** The feed is read in one direction, by its own cursors (docs/FEED.md). */
const FORWARD_ONLY = ['Query.changes']
/** Lists that grow with every event or read, where a count would take too long. */
const UNCOUNTED = ['ChangeConnection', 'SensitiveAccessConnection', 'WebhookDeliveryConnection']

const schema = publicSchema(readFileSync('supergraph.graphql', 'utf8'))
const types = Object.values(schema.getTypeMap()).filter((t): t is GraphQLObjectType =>
  isObjectType(t),
)
const connections = types.filter((t) => t.name.endsWith('Connection'))
const lists = types.flatMap((t) =>
  Object.values(t.getFields())
    .filter((f) => getNamedType(f.type).name.endsWith('Connection'))
    .map((f) => [`${t.name}.${f.name}`, f] as const),
)
const text = (field: GraphQLField<unknown, unknown> | undefined) => String(field?.type)

describe('every list of the graph is a Relay connection', () => {
  test('each connection has edges, nodes and pageInfo, and totalCount where a count is affordable', () => {
    assert.ok(connections.length > 25, `${connections.length} connections`)
    for (const { name, getFields } of connections.map((t) => ({
      name: t.name,
      getFields: () => t.getFields(),
    }))) {
      const { edges, nodes, pageInfo, totalCount, ...others } = getFields()
      const type = name.replace(/Connection$/, '')
      assert.deepEqual(Object.keys(others), [], name)
      assert.deepEqual(
        [text(edges), text(nodes), text(pageInfo)],
        [`[${type}Edge!]!`, `[${type}!]!`, 'PageInfo!'],
        name,
      )
      assert.equal(text(totalCount), UNCOUNTED.includes(name) ? 'undefined' : 'Int!', name)
      const edge = schema.getType(`${type}Edge`)
      assert.ok(isObjectType(edge), name)
      assert.deepEqual(
        Object.values(edge.getFields()).map((f) => `${f.name}: ${f.type}`),
        ['cursor: String!', `node: ${type}!`],
      )
    }
  })

  test('each field that returns one takes first, after, last and before, and documents the default of 20', () => {
    for (const [coordinate, field] of lists) {
      const args = Object.fromEntries(field.args.map((a) => [a.name, a]))
      const names = FORWARD_ONLY.includes(coordinate)
        ? ['first', 'after']
        : ['first', 'after', 'last', 'before']
      for (const name of names)
        assert.equal(
          String(args[name]?.type),
          name === 'first' || name === 'last' ? 'Int' : 'String',
          coordinate,
        )
      const { description, defaultValue } = args.first ?? {}
      assert.ok(defaultValue === 20 || /\b20 when neither/.test(description ?? ''), coordinate)
      assert.match(description ?? '', /at most 200/, coordinate)
    }
  })

  test('no root field returns an unbounded plain list, and no type is called a page', () => {
    const plain = Object.values(schema.getQueryType()?.getFields() ?? {}).filter(
      (f) => isListType(getNullableType(f.type)) && !isLeafType(getNamedType(f.type)),
    )
    assert.deepEqual(plain.map((f) => f.name).sort(), BOUNDED.sort())
    assert.deepEqual(
      types.filter((t) => t.name.endsWith('Page')).map((t) => t.name),
      [],
    )
  })
})
