import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { GeneratorValue } from 'fast-check'
import {
  type ExecutionResult,
  GraphQLError,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isObjectType,
  isRequiredArgument,
} from 'graphql'
import pino from 'pino'
import { OperationContext } from '../../../gateway/execution/operationContext.ts'
import type { Runtime } from '../../../gateway/execution/runtime.ts'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import { createRuntime } from '../../../gateway/federation/createRuntime.ts'
import { publicSchema } from '../../../gateway/federation/publicSchema.ts'
import { All } from '../../../gateway/identity/caller.ts'
import { CompiledDocument } from '../../../gateway/operation/documentCache.ts'
import type { Tailer } from '../../../mdm/feed/tailer.ts'
import { createSubgraphs } from '../../../subgraphs/all.ts'
import type { Subgraph } from '../../../subgraphs/contract.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { policy, systems } from '../../fixtures/store.ts'
import fc from '../../property.ts'
import { ingestRecords, world } from '../../subgraphs/world.ts'
import { BOUNDS } from '../gateway.ts'

// For generated operations over the real graph and a real database, our executor returns the same
// as Hive's plan executor with graphql-js in the subgraphs. Resolvers fail at generated paths.

let db: TestDatabase
let schema: GraphQLSchema
let ours: Runtime
let library: Runtime
let ids: string[]
/** Decides if the resolver of a field fails on an object; set for each run. */
let fails: (place: string) => boolean = () => false

before(async () => {
  db = await testDatabase()
  await ingestRecords(db.sql, world)
  const made = createSubgraphs({
    sql: db.sql,
    policy,
    sources: systems,
    tailer: { sql: db.sql } as Tailer,
  })
  for (const s of made) failing(s)
  const supergraph = composeSupergraph(made)
  schema = publicSchema(supergraph)
  const most = Number.MAX_SAFE_INTEGER
  const create = (compiled: boolean) =>
    createRuntime({
      supergraph,
      subgraphs: made,
      services: new Map(),
      bounds: {
        ...BOUNDS,
        tokensMax: 100_000,
        depthMax: 50,
        aliasesMax: most,
        fieldsMax: most,
        costMax: most,
      },
      compiled: { plans: compiled, fetches: compiled },
      log: pino({ level: 'silent' }),
      report: () => {},
    })
  ours = await create(true)
  library = await create(false)
  ids = (await db.sql<{ id: string }[]>`select id from golden order by id`).map(({ id }) => id)
})
after(async () => {
  await ours?.dispose()
  await library?.dispose()
  await db?.drop()
})

/**
 * Makes the resolvers of a subgraph reject where `fails` returns true.
 */
function failing({ schema: own }: Subgraph): void {
  for (const type of Object.values(own.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('_')) continue
    for (const field of Object.values(type.getFields())) {
      const { resolve } = field
      if (!resolve || field.name.startsWith('_')) continue
      field.resolve = (source, args, context, info) => {
        const id = (source as { id?: unknown } | undefined)?.id
        const place = `${type.name}.${field.name}:${typeof id === 'string' ? id : ''}`
        if (!fails(place)) return resolve(source, args, context, info)
        const error = new GraphQLError(`${type.name}.${field.name} fails`, {
          extensions: { code: 'FAILS' },
        })
        // A resolver that threw at once would leave rejections of earlier items of its list
        // unhandled: graphql-js waits for none of them.
        return Promise.reject(error)
      }
    }
  }
}

const roots = [
  'customers',
  'contacts',
  'products',
  'contracts',
  'node',
  'customer',
  'contract',
  'product',
]
const leafTypes = new Set(['String', 'ID', 'Int', 'Float', 'Boolean'])

/** Generates an operation over the schema, as text with its variables. */
function operation(g: GeneratorValue): { text: string; variables: Record<string, unknown> } {
  const fragments: string[] = []
  const chance = (percent: number) => g(fc.integer, { min: 1, max: 100 }) <= percent
  let names = 0

  const argumentsOf = (field: GraphQLField<unknown, unknown>): string => {
    const given = field.args.flatMap((a) => {
      if (a.name === 'first') return [`first: ${g(fc.integer, { min: 1, max: 3 })}`]
      if (a.name === 'id') return [`id: "${g(fc.constantFrom, ...ids, 'no such id')}"`]
      return []
    })
    return given.length > 0 ? `(${given.join(', ')})` : ''
  }
  const isPossible = (f: GraphQLField<unknown, unknown>) =>
    f.args.every((a) => !isRequiredArgument(a) || a.name === 'id') &&
    (isCompositeType(getNamedType(f.type)) ||
      leafTypes.has(getNamedType(f.type).name) ||
      !f.args.length)
  // Plans of operations without directives are compiled; the library executes the others.
  const isConditional = chance(30)
  const directive = () =>
    isConditional && chance(20)
      ? g(fc.constantFrom, ' @include(if: $yes)', ' @include(if: $no)', ' @skip(if: $no)')
      : ''
  const field = (f: GraphQLField<unknown, unknown>, depth: number): string => {
    const type = getNamedType(f.type)
    const below = isCompositeType(type) ? ` ${selection(type, depth - 1)}` : ''
    // Uses a unique alias where two selections of a field may differ.
    const alias = below !== '' || f.args.length > 0 || chance(20) ? `a${names++}: ` : ''
    return `${alias}${f.name}${argumentsOf(f)}${directive()}${below}`
  }
  const selection = (type: GraphQLNamedType, depth: number): string => {
    const parts = chance(30) || depth <= 0 ? ['__typename'] : []
    const some = (names: string[], maxLength: number) =>
      g(fc.subarray<string>, names, { minLength: 1, maxLength: Math.min(maxLength, names.length) })
    if (isAbstractType(type))
      for (const possible of some(
        schema.getPossibleTypes(type).map((t) => t.name),
        3,
      ))
        parts.push(
          `... on ${possible}${directive()} ${selection(schema.getType(possible) as GraphQLNamedType, depth)}`,
        )
    if ('getFields' in type) {
      const all = type.getFields() as Record<string, GraphQLField<unknown, unknown>>
      const possible = Object.values(all).filter(
        (f) => isPossible(f) && (depth > 0 || !isCompositeType(getNamedType(f.type))),
      )
      if (possible.length > 0)
        for (const name of some(
          possible.map((f) => f.name),
          4,
        ))
          parts.push(field(all[name] as GraphQLField<unknown, unknown>, depth))
    }
    if (parts.length === 0) parts.push('__typename')
    if (!chance(15)) return `{ ${parts.join(' ')} }`
    const name = `F${fragments.length}`
    fragments.push(`fragment ${name} on ${type.name} { ${parts.join(' ')} }`)
    return `{ ...${name} }`
  }

  const query = schema.getQueryType()?.getFields() ?? {}
  const chosen = g(fc.subarray<string>, roots, { minLength: 1, maxLength: 2 })
  const fields = chosen.map((name) => field(query[name] as GraphQLField<unknown, unknown>, 4))
  const text = `query ($yes: Boolean! = true, $no: Boolean! = false) { ${fields.join(' ')} } ${fragments.join(' ')}`
  const used = ['yes', 'no'].filter((name) => text.includes(`if: $${name}`))
  const declared = used.map((name) => `$${name}: Boolean!`).join(', ')
  return {
    text: text.replace(/\([^)]*\)/, used.length > 0 ? `(${declared})` : ''),
    variables: Object.fromEntries(used.map((name) => [name, name === 'yes'])),
  }
}

async function execute(
  runtime: Runtime,
  text: string,
  variables: Record<string, unknown>,
): Promise<ExecutionResult> {
  const document = runtime.documents.read(text, false)
  if (!(document instanceof CompiledDocument))
    throw new Error(`${document.map((e) => e.message)}: ${text}`)
  const compiled = document.operation(null)
  assert.ok(compiled)
  const request = {
    correlationId: '1',
    actor: 'ida',
    scopes: new All(),
    roles: new All(),
    regions: ['*'],
    legalEntities: ['*'],
  }
  const enveloped = runtime.getEnveloped({
    operation: new OperationContext(request, compiled),
    correlationId: '1',
  })
  const { node } = compiled.operation.document
  const contextValue = await enveloped.contextFactory()
  return (await enveloped.execute({
    schema: enveloped.schema,
    document: node,
    variableValues: variables,
    contextValue,
  })) as ExecutionResult
}

let compiledRuns = 0
let errorRuns = 0

test('our executor returns the same as the library for generated operations over the composed graph', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.gen(),
      fc.integer({ min: 0, max: 15 }),
      fc.nat(),
      async (g, percent, salt) => {
        const { text, variables } = operation(g)
        // Fields with one name and different types may meet below an abstract type.
        fc.pre(ours.documents.read(text, true) instanceof CompiledDocument)
        fails = (place) =>
          [...`${salt}${place}`].reduce((h, c) => (h * 31 + c.charCodeAt(0)) % 9_973, 7) % 100 <
          percent
        const theirs = await execute(library, text, variables)
        // Executes twice, because plans are reused.
        for (const result of [
          await execute(ours, text, variables),
          await execute(ours, text, variables),
        ])
          assertSame(result, theirs, text)
        if (!text.includes('@')) compiledRuns++
        if (theirs.errors?.length) errorRuns++
      },
    ),
    { numRuns: Number(process.env.TOUCHSTONE_EXECUTOR_RUNS ?? 150) },
  )
  assert.ok(compiledRuns > 50, `${compiledRuns} runs of compiled plans`)
  assert.ok(errorRuns > 20, `${errorRuns} runs with errors`)
})

/**
 * Asserts that both results match. Where several errors made one object null, each executor reports
 * the first that arrived.
 */
function assertSame(result: ExecutionResult, expected: ExecutionResult, text: string): void {
  const texts = `${JSON.stringify(result)} and ${JSON.stringify(expected)}: ${text}`
  assert.ok(isSame(result.data, expected.data, '', expected.errors ?? []), texts)
  const textsOf = ({ errors = [] }: ExecutionResult) =>
    errors.map((e) => `${e.path?.join('.')}: ${e.message}`)
  const [own, others] = [textsOf(result), textsOf(expected)]
  assert.equal(own.length > 0, others.length > 0, texts)
  for (const e of own) assert.ok(others.includes(e) || isInNull(expected.data, e), `${e}: ${texts}`)
}

/**
 * Returns true if two results have the same data, with keys in the same order. Below an abstract
 * type the library omits a failed non-null field. As the specification requires, ours then makes
 * the parent object null.
 */
function isSame(
  own: unknown,
  other: unknown,
  path: string,
  errors: readonly GraphQLError[],
): boolean {
  if (own === null && typeof other === 'object' && other !== null)
    return errors.some((e) => `.${e.path?.join('.')}.`.startsWith(`${path}.`))
  if (typeof own !== 'object' || typeof other !== 'object' || own === null || other === null)
    return own === other
  const [keys, others] = [Object.keys(own), Object.keys(other)]
  if (keys.join() !== others.join()) return false
  return keys.every((key) =>
    isSame(
      (own as Record<string, unknown>)[key],
      (other as Record<string, unknown>)[key],
      `${path}.${key}`,
      errors,
    ),
  )
}

/** Returns true if the path of an error, or a path around it, is null. */
function isInNull(data: unknown, error: string): boolean {
  let at = data
  for (const key of (error.split(': ', 1)[0] ?? '').split('.')) {
    if (at === null || at === undefined) return true
    at = (at as Record<string, unknown>)[key]
  }
  return at === null || at === undefined
}
