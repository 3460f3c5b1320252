import {
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isUnionType,
} from 'graphql'
import { createDictionary, setOwn } from '../../schema/kit/dictionary.ts'
import { hostileSdl } from './policies.ts'
import { NUMBERS, type Source, TOKENS } from './tokens.ts'

/** A request of GraphQL over HTTP. */
export interface HostileOperation {
  query: string
  variables: Record<string, unknown>
}

/** Ids and cursors that earlier responses contained: some arguments have to lead somewhere. */
export class Pool {
  readonly #ids: string[] = []
  readonly #cursors: string[] = []
  #next = 0

  /** Takes the ids and cursors of a response. */
  note(value: unknown, name = ''): void {
    if (Array.isArray(value)) for (const v of value) this.note(v)
    else if (value !== null && typeof value === 'object')
      for (const [key, v] of Object.entries(value)) this.note(v, key)
    else if (typeof value !== 'string') return
    else if (/cursor/i.test(name)) this.#add(this.#cursors, value)
    else if (/^(id|.*Id|key|number)$/.test(name)) this.#add(this.#ids, value)
  }

  id(source: Source): string {
    return this.#ids.length > 0 && source.chance(0.6) ? source.one(this.#ids) : source.text()
  }

  cursor(source: Source): string {
    if (this.#cursors.length === 0 || source.chance(0.4)) return forgedCursor(source)
    return source.one(this.#cursors)
  }

  #add(to: string[], text: string): void {
    if (to.length < poolMax) to.push(text)
    else to[this.#next++ % poolMax] = text
  }
}
const poolMax = 2_000

/** A cursor with the form of a list's, and values that no page gave out. */
function forgedCursor(source: Source): string {
  if (source.chance(0.3)) return source.text()
  const order = source.one(['id+', 'name+id+', 'arrival-', 'updatedAt-id-', 'at-', source.text()])
  const values = Array.from({ length: 1 + source.below(3) }, () => source.one([...TOKENS, null]))
  return Buffer.from(JSON.stringify([order, ...values])).toString('base64url')
}

/**
 * Makes an operation on one root field of the schema with hostile arguments of the right types,
 * mostly. A field that is added later is attacked without a change here.
 */
export function hostileOperation(
  source: Source,
  schema: GraphQLSchema,
  pool: Pool,
): HostileOperation {
  const mutates = source.chance(0.3)
  const root = mutates ? schema.getMutationType() : schema.getQueryType()
  const field = source.one(Object.values(root?.getFields() ?? {}))
  const variables = createDictionary<unknown>()
  const declared: string[] = []
  const given: string[] = []
  for (const argument of field.args) {
    if (!isRequiredArgument(argument) && source.chance(0.5)) continue
    const name = `v${declared.length}`
    declared.push(`$${name}: ${argument.type}`)
    given.push(`${argument.name}: $${name}`)
    variables[name] = argumentOf(source, argument, argument.type, pool, 0)
  }
  const alias = source.chance(0.1) ? `${source.one(ALIASES)}: ` : ''
  const operation = `${mutates ? 'mutation' : 'query'} ${source.one(NAMES)}${declared.length > 0 ? `(${declared.join(', ')})` : ''}`
  const call = `${alias}${field.name}${given.length > 0 ? `(${given.join(', ')})` : ''}`
  return {
    query: `${operation} { ${call} ${selection(source, field.type, schema, 2)} }`,
    variables,
  }
}

const ALIASES = ['constructor', '__proto__', 'toString', 'then', 'toJSON', 'a', 'hasOwnProperty']
const NAMES = ['', 'constructor', '__proto__', 'then', 'Q', 'valueOf', 'query', 'on_']

function argumentOf(
  source: Source,
  { name }: Pick<GraphQLArgument, 'name'>,
  type: GraphQLInputType,
  pool: Pool,
  depth: number,
): unknown {
  if (!isNonNullType(type) && source.chance(0.03)) return null
  // A value of another kind than the schema asks for.
  if (source.chance(0.03)) return JSON.parse(source.json().replace(/-?1e\+?400/g, '1e300'))
  const of = getNullableType(type)
  if (isListType(of))
    return Array.from({ length: source.below(4) }, () =>
      argumentOf(source, { name }, of.ofType, pool, depth),
    )
  if (isEnumType(of)) return source.one(of.getValues()).name
  if (isInputObjectType(of)) {
    const fields = Object.values(of.getFields())
    const wanted = fields.every((f) => !isRequiredInputField(f))
      ? [source.one(fields), ...(source.chance(0.3) ? [source.one(fields)] : [])]
      : fields.filter((f) => isRequiredInputField(f) || source.chance(0.4))
    const value = createDictionary<unknown>()
    for (const f of depth > 4 ? [] : wanted)
      setOwn(value, f.name, argumentOf(source, f, f.type, pool, depth + 1))
    if (source.chance(0.02)) setOwn(value, source.one(TOKENS), source.text())
    return value
  }
  switch (getNamedType(of).name) {
    case 'Boolean':
      return source.chance(0.5)
    case 'Int':
      return source.one([0, 1, 2, 3, 20, 200, 201, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 31])
    case 'Float':
      return source.one([0, 1, 24, -1, 168, 169, 1e308, 5e-324, 2 ** 53, 0.1])
    case 'MinorUnits':
    case 'Position':
      return source.one([0, 1, -1, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 2 ** 64, 1e300, 0.5])
    case 'ID':
      return source.chance(0.1) ? source.one([0, 1, -1, 2 ** 53, 1.5]) : pool.id(source)
    case 'JSON':
      return JSON.parse(source.json().replace(/-?1e\+?400/g, '1e300'))
    case 'DateTime':
    case 'Date':
      return source.chance(0.7) ? source.one(MOMENTS) : source.one(TOKENS)
    default:
      if (/^(after|before|from|cursor|since)$/.test(name)) return pool.cursor(source)
      if (/^(text|sdl)$/.test(name) && source.chance(0.6)) return hostileSdl(source)
      if (/idempotencyKey/.test(name))
        return `${source.below(1e9)}${source.chance(0.3) ? source.text() : ''}`
      if (/url/i.test(name) && source.chance(0.7)) return source.one(URLS)
      return source.chance(0.2) ? pool.id(source) : source.text()
  }
}

/** Moments and days at the edges of what programs and databases hold. */
const MOMENTS = [
  ...['0000-01-01T00:00:00Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2026-03-01T09:30Z'],
  ...[
    '9999-12-31T23:59:59-14:00',
    '0001-01-01T00:00:00+14:00',
    '0000-12-31T23:59:59.999999999-14:00',
  ],
  ...[
    '1970-01-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T09:30:00+24:00',
  ],
  ...['0000-01-01', '0001-01-01', '9999-12-31', '2026-02-29', '2026-03-01', '0000-00-00'],
]

const URLS = [
  ...[
    'https://example.com',
    'http://127.0.0.1:1',
    'https://[::1]/',
    'https://a@b',
    'https://0x7f.1',
  ],
  ...[
    'https://xn--/',
    'https://example.com:99999',
    'file:///etc/passwd',
    'https://',
    'https://a\u0000b',
  ],
  ...[
    'https://example.com/\r\nX: 1',
    'https://１２７.0.0.1',
    `https://${'a'.repeat(300)}.com`,
    'https://\ud800',
  ],
]

/** Selects leaves and some objects; the arguments of the selected fields are left out. */
function selection(
  source: Source,
  type: GraphQLOutputType,
  schema: GraphQLSchema,
  depth: number,
): string {
  const named = getNamedType(type)
  if (!isCompositeType(named)) return ''
  if (isUnionType(named) || (isInterfaceType(named) && source.chance(0.5))) {
    const of = schema.getPossibleTypes(named)
    const some = new Set([source.one(of), source.one(of)])
    return `{ __typename ${[...some].map((t) => `... on ${t.name} ${selection(source, t, schema, depth)}`).join(' ')} }`
  }
  if (!isObjectType(named) && !isInterfaceType(named)) return ''
  const fields = Object.values(named.getFields()).filter((f) => !f.args.some(isRequiredArgument))
  const leaves = fields.filter((f) => !isCompositeType(getNamedType(f.type)))
  const inner = fields.filter((f) => isCompositeType(getNamedType(f.type)))
  const chosen = inner.filter(
    (f) =>
      depth > 0 &&
      (/^(nodes|edges|node|pageInfo|action|result|problem)$/.test(f.name) ||
        source.chance(2 / inner.length)),
  )
  const parts = [
    '__typename',
    ...leaves.filter(() => source.chance(0.7)).map((f) => f.name),
    ...chosen.map((f) => {
      const first = f.args.some((a) => a.name === 'first') ? '(first: 3)' : ''
      return `${f.name}${first} ${selection(source, f.type, schema, depth - 1)}`
    }),
  ]
  return `{ ${parts.join(' ')} }`
}

/** Makes the body of a request that need not be GraphQL at all. */
export function hostileBody(source: Source): string {
  const any = () => (source.chance(0.8) ? JSON.stringify(source.text()) : source.json())
  const members = new Map<string, string>([['query', JSON.stringify(hostileQuery(source))]])
  if (source.chance(0.5)) members.set('variables', source.json())
  if (source.chance(0.3)) members.set('operationName', any())
  if (source.chance(0.3))
    members.set(
      'extensions',
      source.chance(0.5)
        ? source.json()
        : `{"persistedQuery":{"version":${source.json()},"sha256Hash":${any()}}}`,
    )
  if (source.chance(0.1)) members.set('documentId', any())
  if (source.chance(0.1)) members.set('query', source.json())
  if (source.chance(0.05)) members.delete('query')
  const text = `{${[...members].map(([name, json]) => `"${name}":${json}`).join(',')}}`
  if (source.chance(0.9)) return text
  return source.one([
    source.json(),
    `[${text},${text}]`,
    text.slice(0, source.below(text.length)),
    `\ufeff${text}`,
    `${text}${text}`,
    `${'['.repeat(100_000)}`,
    `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`,
    text.replace('{', `{${'"query":"{a}",'.repeat(1_000)}`),
    `{"query":"{__typename}","variables":{"a":${source.one(NUMBERS)}}}`,
    `{"query":"{__typename}","variables":{"a":${'9'.repeat(100_000)}}}`,
  ])
}

function hostileQuery(source: Source): string {
  const word = () => source.one(ALIASES)
  const text = JSON.stringify(source.text())
  return source.one([
    `{ node(id: ${text}) { id } }`,
    `query ${source.text()} { __typename }`,
    `{ ${word()}: __typename ${word()}: feed { ${word()}: head } }`,
    `query($${word()}: String = ${text}) { node(id: $${word()}) { id } }`,
    `{ __typename @skip(if: ${text}) @${word()}(${word()}: ${text}) }`,
    `{ ...${word()} } fragment ${word()} on Query { __typename }`,
    `{ ... on ${word()} { ${word()} } }`,
    `{ ${word()} { ${word()}(${word()}: {${word()}: ${text}}) } }`,
    `{ customers(filter: {name: {eq: ${text}}}, first: ${source.one(NUMBERS)}) { totalCount } }`,
    `{ customers(after: ${text}, filter: ${'{not: '.repeat(source.below(60))}{} ) { totalCount } }`,
    `{ customerBySource(system: ${text}, object: ${text}, id: ${text}) { id name } }`,
    `subscription { changes(after: ${text}) { __typename } }`,
    `{ node(id: """${source.text()}""") { id } }`,
    source.text(),
    `{ a(b: ${source.text()}) }`,
    `{ __type(name: ${text}) { name } }`,
    `{ ${'a{'.repeat(source.below(3_000))} }`,
    `{ explain(a: ${text}, b: ${text}) { verdict } trace(id: ${text}) { id } }`,
    `mutation { publishPolicy(${word()}: ${text}) { code } }`,
  ])
}
