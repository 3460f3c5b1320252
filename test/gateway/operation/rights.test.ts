import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildSchema, parse } from 'graphql'
import { operationNamed, readDocument } from '../../../gateway/operation/document.ts'
import { forbidden, GraphRights, judge as judgeNeeds } from '../../../gateway/operation/rights.ts'

const sdl = `
directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION | OBJECT
directive @policy(policies: [[String!]!]!) on FIELD_DEFINITION | OBJECT
directive @authenticated on FIELD_DEFINITION
directive @tag(name: String!) repeatable on FIELD_DEFINITION
type Query {
  open: String @authenticated
  forgotten: String
  one: Thing @requiresScopes(scopes: [["a"], ["b", "c"]])
  role: String @policy(policies: [["boss"], ["chief", "deputy"]])
  both: String @requiresScopes(scopes: [["a"]]) @policy(policies: [["boss"]])
  any: Any @authenticated
  node: Node @authenticated
  hidden: Hidden @authenticated
}
interface Node { id: ID! }
union Any = Thing | Secret
type Thing { id: ID! masked: String @requiresScopes(scopes: [["pii"]]) @tag(name: "x") @tag(name: "masked") }
type Secret implements Node @requiresScopes(scopes: [["secret"]]) { id: ID! }
type Hidden implements Node { id: ID! @requiresScopes(scopes: [["id"]]) }
`
const schema = buildSchema(sdl)
const rights = new GraphRights(sdl)

function judge(text: string, scopes: string[], roles: string[] = []) {
  const operation = operationNamed(readDocument(schema, parse(text)), null)
  assert.ok(operation)
  const { refused, masked } = judgeNeeds(rights.needsOf(operation), {
    scopes: new Set(scopes),
    roles: new Set(roles),
  })
  const errors = refused.map(forbidden)
  return { refused: errors.map((e) => e.message), masked: masked.map((m) => m.coordinate), errors }
}

test('one of several sets of scopes is enough, if the caller has all of it', () => {
  for (const [scopes, fine] of [
    [['a'], true],
    [['b', 'c'], true],
    [['b'], false],
    [['c', 'x'], false],
    [[], false],
  ] as const)
    assert.equal(judge('{ one { id } }', [...scopes]).refused.length === 0, fine, scopes.join())
  const [error] = judge('{ one { id } }', []).errors
  assert.equal(error?.message, 'Query.one needs the scope a, or b and c')
  assert.deepEqual(error?.extensions, {
    code: 'FORBIDDEN',
    coordinate: 'Query.one',
    scopes: [['a'], ['b', 'c']],
  })
})

test('a policy is a role; scopes and policies must both be met', () => {
  assert.deepEqual(judge('{ role }', ['a'], ['boss']).refused, [])
  assert.deepEqual(judge('{ role }', ['a'], ['chief']).refused, [
    'Query.role needs the role boss, or chief and deputy',
  ])
  assert.deepEqual(judge('{ both }', ['a'], ['boss']).refused, [])
  for (const [scopes, roles] of [
    [['a'], []],
    [[], ['boss']],
  ] as const)
    assert.equal(judge('{ both }', [...scopes], [...roles]).refused.length, 1)
})

test('a root field without a rule needs every scope; an authenticated one is open to every known caller', () => {
  assert.deepEqual(judge('{ forgotten }', ['a', 'b', 'c']).refused, [
    'Query.forgotten needs the scope *',
  ])
  assert.deepEqual(judge('{ forgotten }', ['*']).refused, [])
  assert.deepEqual(judge('{ open }', []).refused, [])
})

test('a rule on a type applies through interfaces and unions, one on a field through its interface', () => {
  assert.deepEqual(judge('{ any { ... on Thing { id } } }', []).refused, [])
  assert.deepEqual(judge('{ any { ... on Secret { id } } }', []).refused, [
    'Secret needs the scope secret',
  ])
  assert.deepEqual(judge('{ any { ... on Secret { __typename } } }', []).refused, [
    'Secret needs the scope secret',
  ])
  assert.deepEqual(judge('{ any { ...F } } fragment F on Node { id }', []).refused.sort(), [
    'Hidden.id needs the scope id',
    'Secret needs the scope secret',
  ])
  assert.deepEqual(judge('{ node { id } }', ['secret']).refused, ['Hidden.id needs the scope id'])
  assert.deepEqual(judge('{ node { id } }', ['secret', 'id']).refused, [])
})

test('reports a masked field and does not reject it', () => {
  const text = '{ one { x: masked y: masked ... { masked } } }'
  assert.deepEqual(judge(text, ['a']), { refused: [], masked: ['Thing.masked'], errors: [] })
  assert.deepEqual(judge(text, ['a', 'pii']).masked, [])
})

test('judges each operation of a document separately', () => {
  const document = readDocument(schema, parse('query A { open } query B { forgotten }'))
  const of = (name: string) => {
    const operation = operationNamed(document, name)
    assert.ok(operation)
    return judgeNeeds(rights.needsOf(operation), { scopes: new Set<string>() }).refused.length
  }
  assert.deepEqual([of('A'), of('B'), of('A')], [0, 1, 0])
})
