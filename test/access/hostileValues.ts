import {
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql'
import { literal } from './smallest.ts'

/** An operation with a hole for one value of a scalar, `$v`. */
export interface Hole {
  /** For messages: `Query.customers(filter.name.eq)`. */
  place: string
  scalar: string
  /** Returns the operation with another text in the place of the variable. */
  operation(value: string): string
}

/** Values that are valid for their scalar, and near or beyond what a database can take. */
export function hostileValues(scalar: string, knownId: string): unknown[] {
  switch (scalar) {
    case 'Int':
      return [2_147_483_647, -2_147_483_648, -1, 2_147_483_648, 9.3e18, 1e30, '1']
    case 'Float':
      return [1.7e308, -1.7e308, 5e-324, 1e-320, 9.3e18]
    case 'MinorUnits':
    case 'Position':
      return [2 ** 53 - 1, -(2 ** 53) + 1, -1, 2 ** 53, 9.3e18, 1e30, 1.5, '1']
    case 'Date':
      return [
        '9999-12-31',
        '0001-01-01',
        '0000-01-01',
        '2026-02-30',
        '+275760-09-13',
        '99999-01-01',
      ]
    case 'DateTime':
      return [
        ...['9999-12-31T23:59:59.999Z', '0001-01-01T00:00:00Z', '0000-01-01T00:00:00Z'],
        ...['0001-01-01T00:00:00+14:00', '9999-12-31T23:59:59-14:00', '2026-01-01T00:00:60Z'],
      ]
    case 'JSON':
      return [
        ...['\0', '\ud800', { '\0': '\0' }, { a: [{ b: '\udfff' }] }, 2 ** 60, 1e300],
        ...[-0, 5e-324, [[[[[[[[[[[[]]]]]]]]]]]], { __proto__: 1, constructor: null }],
      ]
    case 'String':
    case 'ID':
      return [
        ...[
          '\0',
          'a\0b',
          '\ud800',
          '\udfff\ud800',
          '',
          ' ',
          '\u202e',
          '\uffff',
          '\\',
          "'",
          '%_',
          '{',
        ],
        ...['-1', '0', '1e400', '0x10', '9223372036854775808', '99999999999999999999999', 'NaN'],
        ...['1'.repeat(400), 'ä'.repeat(30_000), '2026-02-30', '[]', '{}', '["a+"]'],
        ...[`{${knownId}}`, knownId.replaceAll('-', ''), `${knownId}.99999999999999999999`],
        ...[
          `${knownId}.2147483648`,
          `${knownId}.1.ffffffff`,
          `${knownId}@0000-01-01T00:00:00.000Z`,
        ],
        ...[`${knownId}@+275760-09-13T00:00:00.000Z`, `${knownId}@9999-12-31T23:59:59.999Z`],
        Buffer.from(JSON.stringify(['n+', '9223372036854775808'])).toString('base64url'),
      ]
    default:
      return []
  }
}

/**
 * Returns every place of the graph where a caller can write a scalar; a place in an input type
 * once, however many fields take that type.
 */
export function* holes(schema: GraphQLSchema, knownId: string): Generator<Hole> {
  const seen = new Set<string>()
  for (const [keyword, type] of [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
  ] as const)
    for (const { path, on } of type ? pathsTo(schema, type, knownId) : [])
      for (const field of Object.values(on.getFields()))
        for (const arg of field.args) {
          if (keyword === 'mutation' && on !== type) continue
          const others = field.args.filter((a) => a !== arg && isRequired(a))
          const rest = others.map((a) => `, ${a.name}: ${known(a, knownId)}`).join('')
          const below = isCompositeType(getNamedType(field.type)) ? ' { __typename }' : ''
          for (const leaf of leaves(arg.type, 0)) {
            const place = `${getNamedType(arg.type).name}${leaf.at}`
            if (leaf.at !== '' && seen.has(place)) continue
            seen.add(place)
            yield {
              place: `${on.name}.${field.name}(${arg.name}${leaf.at})`,
              scalar: leaf.scalar,
              operation: (value) => {
                const call = `${field.name}(${arg.name}: ${leaf.wrap(value)}${rest})${below}`
                return `${keyword} ($v: ${leaf.scalar}!) ${path.replace('#', call)}`
              },
            }
          }
        }
}

interface Leaf {
  at: string
  scalar: string
  wrap(value: string): string
}

const nestingMax = 4

function* leaves(type: GraphQLInputType, depth: number): Generator<Leaf> {
  if (isNonNullType(type)) return yield* leaves(type.ofType, depth)
  if (isListType(type)) {
    for (const leaf of leaves(type.ofType, depth))
      yield { ...leaf, wrap: (value) => `[${leaf.wrap(value)}]` }
    return
  }
  if (isLeafType(type)) return yield { at: '', scalar: type.name, wrap: (value) => value }
  if (!isInputObjectType(type) || depth >= nestingMax) return
  const fields = Object.values(type.getFields())
  for (const field of fields) {
    // A filter within a filter has the same places.
    if (['and', 'or', 'not'].includes(field.name)) continue
    const others = fields.filter(
      (f) => f !== field && isNonNullType(f.type) && f.defaultValue === undefined,
    )
    const rest = others.map((f) => `, ${f.name}: ${literal(f.type)}`).join('')
    for (const leaf of leaves(field.type, depth + 1))
      yield {
        ...leaf,
        at: `.${field.name}${leaf.at}`,
        wrap: (value) => `{ ${field.name}: ${leaf.wrap(value)}${rest} }`,
      }
  }
}

/** Returns a path from the root to each object type, with `#` in place of the last selection. */
function* pathsTo(
  schema: GraphQLSchema,
  root: GraphQLObjectType,
  knownId: string,
): Generator<{ path: string; on: GraphQLObjectType }> {
  const seen = new Set<string>([root.name])
  let level = [{ path: '{ # }', on: root }]
  for (let depth = 0; depth < 4 && level.length > 0; depth++) {
    yield* level
    const next: typeof level = []
    for (const { path, on } of level)
      for (const field of Object.values(on.getFields())) {
        const type = schema.getType(getNamedType(field.type).name)
        if (!isObjectType(type) || seen.has(type.name)) continue
        seen.add(type.name)
        const given = field.args.filter(isRequired).map((a) => `${a.name}: ${known(a, knownId)}`)
        const call = `${field.name}${given.length > 0 ? `(${given.join(', ')})` : ''}`
        next.push({ path: path.replace('#', `${call} { # }`), on: type })
      }
    level = next
  }
}

function isRequired(a: GraphQLArgument): boolean {
  return isNonNullType(a.type) && a.defaultValue === undefined
}

function known(a: GraphQLArgument, knownId: string): string {
  return a.name === 'id' ? JSON.stringify(knownId) : literal(a.type)
}
