import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import {
  buildClientSchema,
  type GraphQLSchema,
  getIntrospectionQuery,
  isScalarType,
  isSpecifiedScalarType,
  printSchema,
  Source,
} from 'graphql'
import pino from 'pino'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import { contractOf } from '../../gateway/federation/contract.ts'
import { publicSchema } from '../../gateway/federation/publicSchema.ts'
import { startGateway } from '../../gateway/gateway.ts'
import type { Sql } from '../../mdm/db/database.ts'
import type { Tailer } from '../../mdm/feed/tailer.ts'
import { parsePolicy } from '../../schema/readPolicy.ts'
import { createSubgraphs } from '../../subgraphs/all.ts'
import { openCallers } from '../gateway/openCallers.ts'

/**
 * The directives of GraphQL itself. Any other directive in the public schema would belong to
 * federation or the gateway.
 */
const STANDARD = ['deprecated', 'include', 'oneOf', 'skip', 'specifiedBy']
/** The names in SDL that belong to federation and to the rules of the gateway. */
const INTERNAL =
  /@(?!deprecated\b|specifiedBy\b|oneOf\b)\w+|\b(join|link|federation|requiresScopes|core)__|\b_Any\b|\b_(entities|service)\b/

const files = readdirSync('schema/model').map(
  (f) => new Source(readFileSync(`schema/model/${f}`, 'utf8'), f),
)
const policy = parsePolicy(files)
const subgraphs = createSubgraphs({
  sql: null as unknown as Sql,
  tailer: null as unknown as Tailer,
  policy,
})
const whole = composeSupergraph(subgraphs)

for (const [name, supergraph] of [
  ['the whole graph', whole],
  ['a contract without internal fields', contractOf(whole, ['internal'])],
] as const)
  describe(`introspection of ${name} through the gateway`, async () => {
    const schema = await introspected(supergraph)

    test('has no directives but those of GraphQL', () => {
      const others = schema.getDirectives().filter((d) => !STANDARD.includes(d.name))
      assert.deepEqual(
        others.map((d) => d.name),
        [],
      )
    })

    test('has no type, field or directive of federation', () => {
      assert.doesNotMatch(printSchema(schema), INTERNAL)
    })

    test('links the specification of each custom scalar', () => {
      const scalars = Object.values(schema.getTypeMap())
        .filter(isScalarType)
        .filter((t) => !isSpecifiedScalarType(t))
      assert.deepEqual(scalars.map((t) => t.name).sort(), [
        'Date',
        'DateTime',
        'JSON',
        'MinorUnits',
        'Position',
      ])
      for (const { specifiedByURL } of scalars)
        assert.match(specifiedByURL ?? '', /^https:\/\/www\.rfc-editor\.org\/rfc\/rfc\d+/)
    })

    test('matches the public SDL', () => {
      const lines = (of: GraphQLSchema) => printSchema(of).split('\n').sort()
      assert.deepEqual(lines(schema), lines(publicSchema(supergraph)))
    })
  })

async function introspected(supergraph: string): Promise<GraphQLSchema> {
  const gateway = await startGateway({
    host: '127.0.0.1',
    port: 0,
    supergraph,
    subgraphs,
    callers: openCallers(),
    bounds: {
      documentBytesMax: 20_000,
      tokensMax: 5_000,
      depthMax: 15,
      aliasesMax: 50,
      fieldsMax: 500,
      costMax: 20_000,
      bodyBytesMax: 100_000,
      queryMsMax: 60_000,
    },
    log: pino({ level: 'warn' }),
  })
  const query = getIntrospectionQuery({
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    inputValueDeprecation: true,
  })
  try {
    const res = await fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    })
    return buildClientSchema(
      ((await res.json()) as { data: Parameters<typeof buildClientSchema>[0] }).data,
    )
  } finally {
    await gateway.close()
  }
}
