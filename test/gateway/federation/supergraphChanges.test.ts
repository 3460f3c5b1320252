import assert from 'node:assert/strict'
import { test } from 'node:test'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import { supergraphChanges } from '../../../gateway/federation/supergraphChanges.ts'

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@requiresScopes", "@tag"])\n`

function compose(subgraphs: Record<string, string>): string {
  return composeSupergraph(
    Object.entries(subgraphs).map(([name, sdl]) => ({ name, sdl: LINK + sdl })),
  )
}
const OLD = {
  crm: `type Query { a: A @requiresScopes(scopes: [["a"]]) b: Int @requiresScopes(scopes: [["b"], ["c", "d"]]) closed: Int }
        type A @key(fields: "id") { id: ID! x: String y: String free: String masked: String }`,
  erp: `type A @key(fields: "id") { id: ID! z: String }`,
}
const changes = (next: Record<string, string>) =>
  supergraphChanges(compose(OLD), compose(next), '2026-06-01').map(
    (c) => `${c.level} ${c.coordinate}: ${c.text}`,
  )

test('classifies changes of rights: tighter is breaking, wider is safe, masking is dangerous; fields without a rule need every scope', () => {
  assert.deepEqual(
    changes({
      ...OLD,
      crm: `type Query { a: A @requiresScopes(scopes: [["a", "x"]]) b: Int @requiresScopes(scopes: [["b"], ["c"]])
              closed: Int @requiresScopes(scopes: [["a"]]) }
            type A @key(fields: "id") { id: ID! x: String y: String free: String @requiresScopes(scopes: [["f"]])
              masked: String @requiresScopes(scopes: [["pii"]]) @tag(name: "masked") }`,
    }),
    [
      'BREAKING A.free: needs the scope f, which not all previous callers have',
      'BREAKING Query.a: needs the scope a and x, which not all previous callers have',
      'DANGEROUS A.masked: is null for callers without the scope pii',
      'SAFE Query.b: is open to more callers: no longer needs the scope b, or c and d',
      'SAFE Query.closed: is open to more callers: no longer needs the scope *',
    ],
  )
  assert.deepEqual(
    changes({ ...OLD, crm: OLD.crm.replace('a: A @requiresScopes(scopes: [["a"]])', 'a: A') }),
    ['BREAKING Query.a: needs every scope, which not all previous callers have'],
  )
})

test('reports a field that moved to another subgraph, and hides internal fields from clients', () => {
  assert.deepEqual(
    changes({
      crm: OLD.crm.replace(' y: String', ''),
      erp: OLD.erp.replace('z: String', 'z: String y: String'),
      usage: 'type A @key(fields: "id") { id: ID! w: Int }',
    }),
    [
      'DANGEROUS A.y: is resolved by erp, was by crm: roll out services first',
      'SAFE A.w: was added',
      'SAFE subgraph usage: was added',
    ],
  )
  assert.deepEqual(changes({ crm: OLD.crm }), [
    'BREAKING A.z: was removed',
    'DANGEROUS subgraph erp: is removed: its services receive no more requests',
  ])
  assert.deepEqual(changes(OLD), [])
})
