import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildSchema } from 'graphql'
import { graphChanges, undatedDeprecations } from '../../schema/graphChanges.ts'

const OLD = `
type Query { customer(id: ID!): Customer things(first: Int = 3, kind: Kind): [Any!]! sum(of: Sum): Int }
interface Named { name: String }
type Customer implements Named {
  name: String
  phone: String @deprecated(reason: "use phones; goes 2026-03-01")
  fax: String @deprecated(reason: "goes 2026-09-01")
  email: String!
}
type Gone { a: String }
type Product { a: String }
union Any = Customer | Product
enum Kind { A B }
input Sum { a: Int }
`
const NEW = `
type Query { customer(id: ID!, at: String!): Customer things(first: Int = 4, kind: Kind, new: Int): [Any!]! sum(of: Sum): Int }
type Fresh { a: String b(c: Int): String }
interface Named { name: String }
type Customer {
  name: String @deprecated(reason: "use names; goes 2027-01-01")
  email: String
  names: [String!]
}
type Product { a: String }
union Any = Customer | Fresh
enum Kind { A C }
input Sum { a: Int b: Int c: Int! }
`
const changes = graphChanges(buildSchema(OLD), buildSchema(NEW), '2026-06-01')
const of = (level: string) =>
  changes.filter((c) => c.level === level).map((c) => `${c.coordinate}: ${c.text}`)

test('lists breaking changes by coordinate, a removed type once', () => {
  assert.deepEqual(of('BREAKING'), [
    'Any: Product was removed from union type Any',
    'Customer: no longer implements interface Named',
    'Customer.email: changed type from String! to String',
    'Customer.fax: was removed',
    'Gone: was removed',
    'Kind.B: B was removed from enum type Kind',
    'Query.customer(at:): A required arg at on Query.customer was added',
    'Sum.c: A required field c on input type Sum was added',
  ])
})

test('rates a removal after its announced date as dangerous', () => {
  assert.deepEqual(of('DANGEROUS'), [
    'Any: Fresh was added to union type Any',
    'Customer.phone: was removed, as announced for 2026-03-01',
    'Kind.C: C was added to enum type Kind',
    'Query.things(first:): has changed defaultValue from 3 to 4',
    'Query.things(new:): An optional arg new on Query.things was added',
    'Sum.b: An optional field b on input type Sum was added',
  ])
})

test('lists an added type once, and deprecations with their reason', () => {
  assert.deepEqual(of('SAFE'), [
    'Customer.name: is deprecated: use names; goes 2027-01-01',
    'Customer.names: was added',
    'Fresh: was added',
  ])
})

test('finds no change between a schema and itself', () => {
  assert.deepEqual(graphChanges(buildSchema(OLD), buildSchema(OLD), '2026-06-01'), [])
})

test('finds deprecations without a date at every kind of element', () => {
  const schema = buildSchema(`
    type Query { a(b: Int @deprecated(reason: "no more"), c: Int @deprecated(reason: "2026-13-01")): E @deprecated
      fine: Int @deprecated(reason: "use a; goes 2026-12-31") }
    enum E { X Y @deprecated(reason: "soon") }
    input I { f: Int @deprecated(reason: "") g: Int @deprecated(reason: "later") }`)
  assert.deepEqual(undatedDeprecations(schema).sort(), [
    'E.Y',
    'I.g',
    'Query.a',
    'Query.a(b:)',
    'Query.a(c:)',
  ])
})
