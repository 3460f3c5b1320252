import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  buildSchema,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
  Kind,
  type ObjectTypeDefinitionNode,
  parse,
  print,
  Source,
} from 'graphql'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import type { Sql } from '../../mdm/db/database.ts'
import type { Tailer } from '../../mdm/feed/tailer.ts'
import {
  fieldsOf,
  OPERATIONAL_TYPES,
  type OperationalType,
  referredType,
} from '../../schema/operational.ts'
import { parsePolicy } from '../../schema/readPolicy.ts'
import { createSubgraphs } from '../../subgraphs/all.ts'
import { listName } from '../../subgraphs/golden/model.ts'
import { graphType } from '../../subgraphs/operational/graphType.ts'

const none = { sql: null as unknown as Sql, tailer: null as unknown as Tailer }
const model = readdirSync('schema/model').map(
  (f) => new Source(readFileSync(`schema/model/${f}`, 'utf8'), f),
)
const policy = parsePolicy(model)

test('composes the subgraphs', () => {
  const supergraph = composeSupergraph(createSubgraphs({ ...none, policy }))
  for (const name of [
    'Customer',
    'Contact',
    'Product',
    'Contract',
    'Invoice',
    'BillingSubscription',
    'Posting',
  ])
    assert.match(supergraph, new RegExp(`type ${name} implements Node`))
})

test('fields across subgraphs are nullable, so that an unavailable subgraph removes only its own fields', () => {
  const wrong: string[] = []
  for (const { name, sdl } of createSubgraphs({ ...none, policy })) {
    const types = parse(sdl).definitions.filter((d) => d.kind === Kind.OBJECT_TYPE_DEFINITION)
    const has = (t: ObjectTypeDefinitionNode, directive: string) =>
      t.directives?.some((d) => d.name.value === directive)
    // A subgraph owns the types that it declares as nodes and resolves.
    const owns = (t: ObjectTypeDefinitionNode) =>
      t.interfaces?.length && !/resolvable: false/.test(t.directives?.map(print).join() ?? '')
    const others = new Set(types.filter((t) => has(t, 'key') && !owns(t)).map((t) => t.name.value))
    assert.ok(name !== 'billing' || others.has('Customer'), 'stubs are seen')
    for (const t of types)
      for (const f of t.fields ?? []) {
        const crosses = others.has(t.name.value) ? f.name.value !== 'id' : t.name.value === 'Query'
        const leads = others.has(print(f.type).replace(/[[\]!]/g, ''))
        if (crosses ? f.type.kind === Kind.NON_NULL_TYPE : leads && print(f.type).includes('!'))
          wrong.push(`${name}: ${t.name.value}.${f.name.value}: ${print(f.type)}`)
      }
  }
  assert.deepEqual(wrong, [])
})

test('every object in the graph has each field of schema/operational.ts, and each list of objects is resolved', () => {
  const missing: string[] = []
  const found = new Set<string>()
  for (const { name, schema } of createSubgraphs({ ...none, policy }))
    for (const type of Object.values(schema.getTypeMap()).filter(isObjectType))
      for (const field of Object.values(type.getFields())) {
        found.add(`${type.name}.${field.name}`)
        const isOfObjects = OPERATIONAL_TYPES.some((t) =>
          [`${graphType(t)}Connection`, `${graphType(t)}Connection!`].includes(String(field.type)),
        )
        if (isOfObjects && !field.resolve) missing.push(`${name}: ${type.name}.${field.name}`)
      }
  for (const type of OPERATIONAL_TYPES)
    for (const [field, kind] of fieldsOf(type)) {
      if (field !== 'currency' && !found.has(`${graphType(type)}.${field}`))
        missing.push(`${type}.${field}`)
      const target = kind === 'REFERENCE' ? graphType(referredType(field) as OperationalType) : null
      const lists = [listName(type), 'taxes', 'health'].map((l) => `${target}.${l}`)
      if (target && !lists.some((l) => found.has(l))) missing.push(lists.join(' or '))
    }
  assert.deepEqual(missing, [])
})

test('every field, argument, type and enum value has a description', () => {
  const missing: string[] = []
  for (const subgraph of createSubgraphs({ ...none, policy }))
    for (const path of undescribed(buildSchema(parseable(subgraph.sdl), { assumeValid: true })))
      missing.push(`${subgraph.name}: ${path}`)
  assert.deepEqual(missing, [])
})

test('a new golden type needs SDL and no code', () => {
  const supplier = new Source(
    `"Someone we buy from."
     type Supplier @golden { "The golden id." id: ID!
       "Its name." name: String! @compare(as: ORGANISATION_NAME)
       "How good it is." rating: SupplierRating
       "What it sells to us." mainProduct: Product!
       "The customer that it is as well." customer: Customer
       "Where it is." address: Address }
     "How good a supplier is."
     enum SupplierRating { "Good." GOOD "Not good." POOR }`,
    'supplier.graphql',
  )
  const widened = parsePolicy([...model, supplier])
  const subgraphs = createSubgraphs({ ...none, policy: widened })
  const mine = subgraphs.find((s) => s.name === 'supplier')
  assert.ok(mine)
  for (const part of [
    'supplierBySource',
    'suppliers(',
    'input SupplierRatingFilter',
    'suppliersAsMainProduct',
    'mainProduct: Product\n',
  ])
    assert.ok(mine.sdl.includes(part), part)
  assert.match(composeSupergraph(subgraphs), /type Supplier implements Node/)
})

test('the public SDL has no directives of the policy', () => {
  for (const { sdl, name } of createSubgraphs({ ...none, policy }))
    assert.doesNotMatch(
      sdl,
      /@(compare|systemOfRecord|survive|sensitive|approval|format|golden|group)\b/,
      name,
    )
})

/** Only the composer knows federation's directives, so this declares them for buildSchema. */
function parseable(sdl: string): Parameters<typeof buildSchema>[0] {
  const document = parse(sdl)
  const kept = document.definitions.filter((d) => d.kind !== 'SchemaExtension')
  return new Source(
    [
      'directive @key(fields: String!, resolvable: Boolean) repeatable on OBJECT\ndirective @shareable on OBJECT | FIELD_DEFINITION',
      ...kept.map((d) => d.loc?.source.body.slice(d.loc.start, d.loc.end) ?? ''),
    ].join('\n'),
  )
}

function undescribed(schema: GraphQLSchema): string[] {
  const missing: string[] = []
  const need = (path: string, description: string | null | undefined) => {
    if (!description) missing.push(path)
  }
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__') || isSpecifiedScalarType(type)) continue
    if (type.name !== 'Query') need(type.name, type.description)
    if (isEnumType(type))
      for (const v of type.getValues()) need(`${type.name}.${v.name}`, v.description)
    if (isInputObjectType(type))
      for (const f of Object.values(type.getFields())) need(`${type.name}.${f.name}`, f.description)
    if (!isObjectType(type) && !isInterfaceType(type)) continue
    for (const f of Object.values(type.getFields())) {
      need(`${type.name}.${f.name}`, f.description)
      for (const a of f.args) need(`${type.name}.${f.name}(${a.name}:)`, a.description)
    }
  }
  return missing
}
