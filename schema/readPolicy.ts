import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import {
  type DirectiveNode,
  type DocumentNode,
  type EnumTypeDefinitionNode,
  type FieldDefinitionNode,
  GraphQLError,
  Kind,
  type ObjectTypeDefinitionNode,
  parse,
  print,
  Source,
} from 'graphql'
import {
  argument,
  checkDirectives,
  directive,
  fail,
  type Located,
  oneOf,
  PolicyError,
  string,
  strings,
  text,
  unwrap,
} from './directives.ts'
import { isInherited } from './kit/dictionary.ts'
import {
  COMPARATORS,
  type FieldKind,
  type FieldPolicy,
  FORMATS,
  type GroupPolicy,
  MASKS,
  type Policy,
  ROLES,
  SURVIVORSHIP,
  type SystemOfRecord,
  type TypePolicy,
} from './policy.ts'
import { resolveOrder } from './resolveOrder.ts'
import { rowsOf } from './rows.ts'

const SCALARS = new Map<string, FieldKind>(
  Object.entries({
    ID: 'STRING',
    String: 'STRING',
    Int: 'INT',
    Float: 'FLOAT',
    Boolean: 'BOOLEAN',
    Date: 'DATE',
    MinorUnits: 'MINOR_UNITS',
  }),
)

/**
 * Reads the golden types and their policy from a folder of `*.graphql` files. `systems` are the
 * names of the configured source systems: with them, a name in `order` or `uniqueIn` that is
 * neither a role nor a source system is an error; without them any name is accepted. Throws
 * PolicyError.
 */
export function readPolicy(dir: string, systems?: readonly string[]): Policy {
  const files = readdirSync(dir)
    .filter((f) => f.endsWith('.graphql'))
    .sort()
  return parsePolicy(
    files.map(
      (f) => new Source(readFileSync(join(dir, f), 'utf8'), relative(process.cwd(), join(dir, f))),
    ),
    systems,
  )
}

/** Reads the policy from texts; error messages have the name of the Source. Throws PolicyError. */
export function parsePolicy(sources: Source[], systems?: readonly string[]): Policy {
  const documents = sources.map(parseSource)
  const document: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: documents.flatMap((d) => d.definitions),
  }
  const objects = new Map<string, ObjectTypeDefinitionNode>()
  const enums = new Map<string, EnumTypeDefinitionNode>()
  for (const def of document.definitions) {
    if (def.kind === Kind.OBJECT_TYPE_DEFINITION || def.kind === Kind.ENUM_TYPE_DEFINITION)
      checkNames(def)
    if (def.kind === Kind.OBJECT_TYPE_DEFINITION) {
      if (objects.has(def.name.value)) fail(def, `type ${def.name.value} is defined twice`)
      objects.set(def.name.value, def)
    }
    if (def.kind === Kind.ENUM_TYPE_DEFINITION) enums.set(def.name.value, def)
  }
  const golden = [...objects.values()].filter((o) => directive(o, 'golden'))
  const goldenNames = golden.map((o) => o.name.value)
  if (golden.length === 0)
    throw new PolicyError('no type of the model has @golden: at least one golden type is required')
  const ctx: Context = { objects, enums, golden: new Set(goldenNames), systems }

  const types = golden.map((o) => readType(o, ctx))
  for (const t of types) {
    const { rows } = t
    const named =
      rows?.by === 'REFERENCE' ? t.fields.find((f) => f.name === rows.field)?.typeName : undefined
    if (named && types.find((x) => x.name === named)?.rows?.by !== 'VALUES')
      fail(
        objects.get(t.name),
        `${t.name}: @rows(by: REFERENCE) names ${named}, which has no region or legal entity`,
      )
  }
  const groups = new Map(
    [...objects.values()]
      .filter((o) => directive(o, 'group'))
      .map((o): [string, GroupPolicy] => [
        o.name.value,
        { name: o.name.value, description: text(o), fields: fieldsOf(o, ctx) },
      ]),
  )
  for (const o of objects.values())
    if (!directive(o, 'golden') && !directive(o, 'group'))
      fail(
        o,
        `type ${o.name.value} is neither @golden nor @group: golden records need @golden, groups of values need @group`,
      )

  const ordered = resolveOrder(types, objects)
  return {
    version: createHash('sha256')
      .update(
        document.definitions
          .map((d) => print(d))
          .sort()
          .join('\n'),
      )
      .digest('hex')
      .slice(0, 16),
    types: ordered,
    groups,
    enums: new Map(
      [...enums].map(([name, e]) => [
        name,
        {
          description: text(e),
          values: (e.values ?? []).map((v) => ({ name: v.name.value, description: text(v) })),
        },
      ]),
    ),
    type(name) {
      const t = ordered.find((x) => x.name === name)
      if (!t)
        throw new PolicyError(
          `no golden type ${name}; there are ${ordered.map((x) => x.name).join(', ')}`,
        )
      return t
    },
    document,
  }
}

/**
 * Refuses names that every JavaScript object has already, and those that GraphQL keeps: values are
 * kept and sent as objects under these names, and libraries here and at clients use plain ones.
 */
function checkNames(def: ObjectTypeDefinitionNode | EnumTypeDefinitionNode): void {
  const parts = def.kind === Kind.OBJECT_TYPE_DEFINITION ? def.fields : def.values
  for (const [node, name] of [def, ...(parts ?? [])].map((n) => [n, n.name.value] as const)) {
    const what = node === def ? `type ${name}` : `${def.name.value}.${name}`
    // A golden type's lookup has its name with a small letter.
    const lookup = node === def ? name.charAt(0).toLowerCase() + name.slice(1) : name
    if (name.startsWith('__'))
      fail(node, `${what}: names that begin with __ are those of GraphQL itself; choose another`)
    if (isInherited(name) || isInherited(lookup))
      fail(
        node,
        `${what}: every JavaScript object has something of the name ${lookup} already; choose another`,
      )
  }
}

interface Context {
  objects: Map<string, ObjectTypeDefinitionNode>
  enums: Map<string, EnumTypeDefinitionNode>
  golden: Set<string>
  systems?: readonly string[] | undefined
}

function parseSource(source: Source): DocumentNode {
  try {
    return parse(source)
  } catch (e) {
    if (!(e instanceof GraphQLError)) throw e
    throw new PolicyError(`${source.name}:${e.locations?.[0]?.line ?? 1}: ${e.message}`)
  }
}

function readType(o: ObjectTypeDefinitionNode, ctx: Context): TypePolicy {
  checkDirectives(o.directives ?? [], 'type')
  const uniqueIn = strings(argument(directive(o, 'golden'), 'uniqueIn'))
  for (const s of uniqueIn) if (s !== '*') checkSystem(s, o, ctx, false)
  const fields = fieldsOf(o, ctx).filter((f) => f.name !== 'id')
  const names = fields.map((f) => f.name)
  for (const node of o.fields ?? [])
    for (const d of (node.directives ?? []).filter((x) => x.name.value === 'systemOfRecord')) {
      const when = whenOf(d)
      if (when && !names.includes(when.field))
        fail(
          d,
          `unknown field "${when.field}" in @systemOfRecord(when:) of ${o.name.value}.${node.name.value}; ${o.name.value} has ${names.join(', ')}`,
        )
      const other = fields.find((f) => f.name === when?.field)
      const allowed =
        other?.kind === 'ENUM'
          ? (ctx.enums.get(other.typeName)?.values ?? []).map((v) => v.name.value)
          : null
      for (const v of when?.in ?? [])
        if (allowed && !allowed.includes(v))
          fail(d, `"${v}" is not a value of ${other?.typeName}; allowed are ${allowed.join(', ')}`)
    }
  checkConditions(o, fields)
  const rows = rowsOf(o, fields, ctx.objects)
  return {
    name: o.name.value,
    description: text(o),
    uniqueIn,
    fields,
    resolvesAfter: [
      ...new Set(fields.filter((f) => f.compare?.as === 'REFERENCE').map((f) => f.typeName)),
    ],
    ...(rows ? { rows } : {}),
  }
}

/**
 * Rejects conditions that depend on each other in a circle, because no field could be decided
 * first.
 */
function checkConditions(o: ObjectTypeDefinitionNode, fields: FieldPolicy[]): void {
  const needs = new Map(
    fields.map((f) => [f.name, f.systemOfRecord.flatMap((s) => (s.when ? [s.when.field] : []))]),
  )
  const visit = (name: string, path: string[]): void => {
    if (path.includes(name))
      fail(
        o,
        `${o.name.value}: conditions of @systemOfRecord form a circle: ${[...path, name].join(' -> ')}`,
      )
    for (const next of needs.get(name) ?? []) visit(next, [...path, name])
  }
  for (const name of needs.keys()) visit(name, [])
}

function fieldsOf(o: ObjectTypeDefinitionNode, ctx: Context): FieldPolicy[] {
  return (o.fields ?? []).map((f) => readField(o, f, ctx))
}

function readField(o: ObjectTypeDefinitionNode, f: FieldDefinitionNode, ctx: Context): FieldPolicy {
  const where = `${o.name.value}.${f.name.value}`
  checkDirectives(f.directives ?? [], 'field')
  const { typeName, list, required } = unwrap(f.type)
  const kind = kindOf(typeName, f, where, ctx)
  const compare = directive(f, 'compare')
  const as = oneOf(compare, 'as', COMPARATORS, where)
  if (as === 'REFERENCE' && kind !== 'REFERENCE')
    fail(compare ?? f, `${where}: REFERENCE is for golden types; ${typeName} is not one`)
  const group = string(argument(compare, 'group'))
  const format = oneOf(directive(f, 'format'), 'as', FORMATS, where)
  const survive =
    oneOf(directive(f, 'survive'), 'by', SURVIVORSHIP, where) ??
    (list && !directive(f, 'systemOfRecord') ? 'UNION' : 'HIGHEST_TRUST')
  if (survive === 'UNION' && !list)
    fail(f, `${where}: UNION is for lists; ${typeName} is a single value`)
  const systemOfRecord = (f.directives ?? [])
    .filter((d) => d.name.value === 'systemOfRecord')
    .map((d): SystemOfRecord => {
      const order = strings(argument(d, 'order'))
      if (order.length === 0)
        fail(
          d,
          `${where}: @systemOfRecord(order:) is empty; name at least one of ${ROLES.join(', ')} or a source system`,
        )
      for (const s of order) checkSystem(s, d, ctx, true)
      const when = whenOf(d)
      return when ? { order, when } : { order }
    })
  const sensitive = string(argument(directive(f, 'sensitive'), 'scope'))
  const mask = oneOf(directive(f, 'sensitive'), 'mask', MASKS, where)
  if (mask && kind !== 'STRING') fail(f, `${where}: a mask is for texts; ${typeName} is not one`)
  return {
    name: f.name.value,
    description: text(f),
    kind,
    typeName,
    list,
    required,
    ...(as ? { compare: group ? { as, group } : { as } } : {}),
    systemOfRecord,
    survive,
    ...(format ? { format } : {}),
    approval: !!directive(f, 'approval'),
    ...(sensitive ? { sensitive } : {}),
    ...(mask ? { mask } : {}),
  }
}

function kindOf(typeName: string, f: FieldDefinitionNode, where: string, ctx: Context): FieldKind {
  const scalar = SCALARS.get(typeName)
  if (scalar) return scalar
  if (ctx.enums.has(typeName)) return 'ENUM'
  if (ctx.golden.has(typeName)) return 'REFERENCE'
  if (ctx.objects.has(typeName)) return 'GROUP'
  return fail(
    f,
    `${where}: unknown type ${typeName}; use ${[...SCALARS.keys(), ...ctx.enums.keys(), ...ctx.objects.keys()].join(', ')}`,
  )
}

function checkSystem(name: string, node: Located, ctx: Context, roles: boolean): void {
  if (roles && (ROLES as readonly string[]).includes(name)) return
  if (ctx.systems && !ctx.systems.includes(name))
    fail(
      node,
      `"${name}" is ${roles ? 'neither a role nor' : 'not'} a configured source system; ${roles ? `roles are ${ROLES.join(', ')}; ` : ''}source systems are ${ctx.systems.join(', ') || 'none'}`,
    )
}

function whenOf(d: DirectiveNode): { field: string; in: string[] } | undefined {
  const value = argument(d, 'when')
  if (!value) return undefined
  if (value.kind !== Kind.OBJECT)
    return fail(value, '@systemOfRecord(when:) is an object {field:, in:}')
  const part = (name: string) => value.fields.find((f) => f.name.value === name)?.value
  const field = string(part('field'))
  const values = strings(part('in'))
  if (!field || values.length === 0)
    return fail(value, '@systemOfRecord(when:) needs field: and in: with at least one value')
  return { field, in: values }
}
