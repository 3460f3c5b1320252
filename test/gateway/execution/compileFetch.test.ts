import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  buildSchema,
  type ExecutionResult,
  execute,
  type GraphQLObjectType,
  parse,
  validate,
} from 'graphql'
import { compileFetch } from '../../../gateway/execution/compileFetch.ts'
import { executeFetch } from '../../../gateway/execution/executeFetch.ts'

// A compiled query returns the same result as graphql-js.

const schema = buildSchema(`
  interface Named { name: String! }
  type Thing implements Named { name: String! leaf: Int must: Int! thing: Thing self: Thing! things: [Thing!]! some: [Thing] any: Any named: Named kind: Kind add(a: Int!, b: [Int!] = [1, 2], in: In): Int }
  type Other implements Named { name: String! leaf: Int thing: Thing }
  union Any = Thing | Other
  enum Kind { A B }
  input In { x: Int = 3 y: [String!] }
  type Query { thing: Thing things: [Thing!]! self: Thing! any: Any named: Named add(a: Int!, b: [Int!] = [1, 2], in: In): Int }
`)

/** The outcome of each response path is drawn from this list. */
const outcomes = [
  'VALUE',
  'VALUE',
  'VALUE',
  'VALUE',
  'LATER',
  'LATER',
  'NULL',
  'THROWS',
  'REJECTS',
  'ERROR',
  'WRONG',
] as const
type Outcome = (typeof outcomes)[number]

interface Source {
  depth: number
}

function resolvers(draw: (place: string) => Outcome): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (
      !('getFields' in type) ||
      type.name.startsWith('__') ||
      type.name === 'In' ||
      type.name === 'Named'
    )
      continue
    for (const field of Object.values((type as GraphQLObjectType).getFields())) {
      if (field.name === 'name') continue
      field.resolve = (source: Source | undefined, args: object, context: object) => {
        assert.deepEqual(context, { of: 'the operation' })
        const depth = (source?.depth ?? 0) + 1
        const value = valued(field.type.toString(), depth, args)
        switch (draw(`${depth}${type.name}.${field.name}`)) {
          case 'VALUE':
            return value
          case 'LATER':
            return new Promise((resolve) => setImmediate(resolve, value))
          case 'NULL':
            return null
          case 'THROWS':
            throw new Error(`${field.name} throws`)
          case 'REJECTS':
            return Promise.reject(new Error(`${field.name} rejects`))
          case 'ERROR':
            return new Error(`${field.name} is an error`)
          case 'WRONG':
            return { name: 1 }
        }
      }
    }
  }
}

function valued(type: string, depth: number, args: object): unknown {
  const bare = type.replace(/[![\]]/g, '')
  const one = (n: number) => {
    if (bare === 'Int')
      return Object.keys(args).length > 0 ? JSON.stringify(args).length : depth * 10 + n
    if (bare === 'Kind') return n % 2 ? 'A' : 'B'
    // A field of a value may be a function, as in connections.
    return { __typename: bare === 'Thing' || n % 2 ? 'Thing' : 'Other', name: () => `n${n}`, depth }
  }
  return type.startsWith('[')
    ? [one(0), one(1), bare === 'Thing' && type === '[Thing]' ? null : one(2)]
    : one(depth)
}

const leaves = [
  'leaf',
  'must',
  'kind',
  'name',
  '__typename',
  'add(a: 1)',
  'add(a: $v, b: [5])',
  'add(a: 2, in: { y: ["q"] })',
  '__proto__: leaf',
  'constructor: leaf',
  'toString: name',
]
const selection = (depth: number): fc.Arbitrary<string> =>
  depth === 0
    ? fc.constantFrom('leaf', 'name', '__typename').map((f) => `{ ${f} }`)
    : fc
        .array(
          fc.oneof(
            fc.constantFrom(...leaves),
            fc
              .tuple(
                fc.constantFrom(
                  'thing',
                  'self',
                  'things',
                  'some',
                  'a: thing',
                  'b: things',
                  '__proto__: thing',
                  'valueOf: things',
                ),
                selection(depth - 1),
              )
              .map((t) => t.join(' ')),
            fc
              .tuple(fc.constantFrom('any', 'named'), selection(depth - 1))
              .map(([f, s]) => `${f} { __typename ... on Thing ${s} ... on Other { name leaf } }`),
            fc.constant('...F'),
          ),
          { minLength: 1, maxLength: 4 },
        )
        // Two fields with one response key must be identical; the same text twice is.
        .map(
          (fields) =>
            `{ ${[...new Map(fields.map((f) => [f.split(/[ ({]/, 1)[0], f])).values()].join(' ')} }`,
        )

const query = selection(3).map(
  (s) => `query ($v: Int!) { thing ${s} things ${s} again: self ${s} any { ... on Thing ${s} } }
  fragment F on Thing { more: leaf inner: thing { must } }`,
)

test('a compiled query returns the same as graphql-js: values, null propagation, errors and their paths', async () => {
  await fc.assert(
    fc.asyncProperty(
      query,
      fc.array(fc.constantFrom(...outcomes), { minLength: 3, maxLength: 12 }),
      async (text, drawn) => {
        const document = parse(text)
        fc.pre(validate(schema, document).length === 0)
        resolvers(
          (place) =>
            drawn[
              [...place].reduce((h, c) => (h * 31 + c.charCodeAt(0)) % 9973, 7) % drawn.length
            ] ?? 'VALUE',
        )
        const args = { contextValue: { of: 'the operation' }, variableValues: { v: 4 } }
        const expected = await execute({ schema, document, ...args })
        const plan = compileFetch(schema, document, undefined)
        assert.ok(plan)
        // Executes twice, because plans are reused.
        for (const result of [await executeFetch(plan, args), await executeFetch(plan, args)])
          same(result, expected)
      },
    ),
    { numRuns: 150 },
  )
})

/**
 * Asserts that both results match. Where several errors made one object null, graphql-js may report
 * several in any order; ours reports the first.
 */
function same(result: ExecutionResult, expected: ExecutionResult): void {
  assert.equal(JSON.stringify(result.data), JSON.stringify(expected.data))
  const words = ({ errors = [] }: ExecutionResult) =>
    errors.map((e) => `${e.path?.join('.')}: ${e.message}`)
  const theirs = new Set(words(expected))
  assert.equal((result.errors ?? []).length > 0, theirs.size > 0)
  for (const e of words(result)) {
    if (theirs.has(e)) continue
    // Where two errors made one object null, either may be the first.
    assert.ok(
      words(expected).some((w) => w.split(': ', 1)[0] !== undefined && isNullAt(expected.data, e)),
      `${e} is not among ${[...theirs]}`,
    )
  }
}

/** Returns true if the path of the error, or a path around it, is null in the data. */
function isNullAt(data: unknown, error: string): boolean {
  let at = data
  for (const key of (error.split(': ', 1)[0] ?? '').split('.')) {
    if (at === null) return true
    at = (at as Record<string, unknown>)[key]
  }
  return at === null
}

test('reports invalid variables and arguments as graphql-js does', async () => {
  resolvers(() => 'VALUE')
  const document = parse('query ($v: Int!) { add(a: $v) }')
  const plan = compileFetch(schema, document, undefined)
  assert.ok(plan)
  for (const variableValues of [{}, { v: 'x' }, { v: 1 }]) {
    const args = { contextValue: { of: 'the operation' }, variableValues }
    const ours = await executeFetch(plan, args)
    const theirs = await execute({ schema, document, ...args })
    assert.deepEqual(JSON.parse(JSON.stringify(ours)), JSON.parse(JSON.stringify(theirs)))
  }
})

test('leaves decisions at run time to graphql-js', () => {
  for (const text of [
    'query ($v: Boolean!) { thing @include(if: $v) { name } }',
    '{ __schema { types { name } } }',
    'query A { thing { name } } query B { thing { name } }',
  ])
    assert.equal(compileFetch(schema, parse(text), undefined), null)
})
