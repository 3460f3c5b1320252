import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import {
  type DirectiveNode,
  type DocumentNode,
  type EnumTypeDefinitionNode,
  type FieldDefinitionNode,
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
  number,
  oneOf,
  PolicyError,
  placeOf,
  string,
  strings,
  text,
  unwrap,
} from './directives.ts'
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
import { checkTexts, syntaxError } from './policyBounds.ts'
import { checkShape, definitionsOf } from './policyShape.ts'
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

/** Names of groups stand in explanations, on terminals and in trained models. */
const GROUP = /^\P{C}{1,100}$/u
const SCOPE = /^[A-Za-z0-9:._/-]{1,100}$/

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
  checkTexts(sources)
  const documents = sources.map(parseSource)
  const document: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: documents.flatMap((d) => d.definitions),
  }
  const { objects, enums } = definitionsOf(document)
  const golden = [...objects.values()].filter((o) => directive(o, 'golden'))
  const goldenNames = golden.map((o) => o.name.value)
  if (golden.length === 0)
    throw new PolicyError(
      `${sources[0] ? placeOf(sources[0].name) : ''}no type of the model has @golden: at least one golden type is required`,
    )
  const ctx: Context = { objects, enums, golden: new Set(goldenNames), systems }
  checkShape(golden, objects)

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
        { name: o.name.value, description: text(o), fields: readGroup(o, ctx) },
      ]),
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
    throw syntaxError(e, source)
  }
}

function readGroup(o: ObjectTypeDefinitionNode, ctx: Context): FieldPolicy[] {
  checkDirectives(o.directives ?? [], 'group')
  return fieldsOf(o, ctx, 'part')
}

function readType(o: ObjectTypeDefinitionNode, ctx: Context): TypePolicy {
  checkDirectives(o.directives ?? [], 'golden')
  const uniqueIn = strings(argument(directive(o, 'golden'), 'uniqueIn'))
  for (const s of uniqueIn) if (s !== '*') checkSystem(s, o, ctx, false)
  const falseMergeCost = falseMergeCostOf(o)
  const fields = fieldsOf(o, ctx, 'field').filter((f) => f.name !== 'id')
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
    ...(falseMergeCost === undefined ? {} : { falseMergeCost }),
    ...(rows ? { rows } : {}),
  }
}

const COST_MIN = 0.1
const COST_MAX = 1000

function falseMergeCostOf(o: ObjectTypeDefinitionNode): number | undefined {
  const value = argument(directive(o, 'golden'), 'falseMergeCost')
  const cost = number(value)
  if (cost !== undefined && !(cost >= COST_MIN && cost <= COST_MAX))
    fail(
      value,
      `${o.name.value}: @golden(falseMergeCost:) needs a number from ${COST_MIN} to ${COST_MAX}, not ${cost}`,
    )
  return cost
}

/**
 * Rejects conditions that depend on each other in a circle, because no field could be decided
 * first.
 */
function checkConditions(o: ObjectTypeDefinitionNode, fields: FieldPolicy[]): void {
  const needs = new Map(
    fields.map((f) => [f.name, f.systemOfRecord.flatMap((s) => (s.when ? [s.when.field] : []))]),
  )
  // Without the fields that are known to be in no circle, every path through them would be walked:
  // twice as many with each further field.
  const settled = new Set<string>()
  const visit = (name: string, path: string[]): void => {
    if (settled.has(name)) return
    if (path.includes(name))
      fail(
        o,
        `${o.name.value}: conditions of @systemOfRecord form a circle: ${[...path, name].join(' -> ')}`,
      )
    for (const next of needs.get(name) ?? []) visit(next, [...path, name])
    settled.add(name)
  }
  for (const name of needs.keys()) visit(name, [])
}

function fieldsOf(
  o: ObjectTypeDefinitionNode,
  ctx: Context,
  place: 'field' | 'part',
): FieldPolicy[] {
  return (o.fields ?? []).map((f) => {
    checkDirectives(f.directives ?? [], place)
    return readField(o, f, ctx)
  })
}

function readField(o: ObjectTypeDefinitionNode, f: FieldDefinitionNode, ctx: Context): FieldPolicy {
  const where = `${o.name.value}.${f.name.value}`
  const { typeName, list, required } = unwrap(f.type)
  const kind = kindOf(typeName, f, where, ctx)
  const compare = directive(f, 'compare')
  const as = oneOf(compare, 'as', COMPARATORS, where)
  if (as === 'REFERENCE' && kind !== 'REFERENCE')
    fail(compare ?? f, `${where}: REFERENCE is for golden types; ${typeName} is not one`)
  if (as && kind === 'REFERENCE' && as !== 'REFERENCE')
    fail(compare, `${where}: a reference is compared as REFERENCE; ${as} would compare ids`)
  if (as && kind === 'GROUP' && as !== 'ADDRESS' && as !== 'PRICE')
    fail(compare, `${where}: a group is compared as ADDRESS or PRICE; ${as} is for single values`)
  const group = string(argument(compare, 'group'))
  if (group !== undefined && !GROUP.test(group))
    fail(
      compare ?? f,
      `${where}: a group has at most 100 characters, none of them a control character`,
    )
  const format = oneOf(directive(f, 'format'), 'as', FORMATS, where)
  // Values of other kinds never pass a format, so each of them would count as invalid.
  if (format && kind !== 'STRING' && !(kind === 'DATE' && format === 'DATE'))
    fail(
      directive(f, 'format'),
      `${where}: @format is for texts, and DATE for dates too; ${typeName} is neither`,
    )
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
  if (sensitive !== undefined && !SCOPE.test(sensitive))
    fail(
      directive(f, 'sensitive'),
      `${where}: a scope has letters, digits and any of : . _ / - and at most 100 of them, as pii:read`,
    )
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
  const names = value.fields.map((f) => f.name.value)
  for (const [n, name] of names.entries())
    if (!['field', 'in'].includes(name) || names.indexOf(name) !== n)
      fail(value.fields[n], `@systemOfRecord(when:) has field: and in:, each once; not "${name}"`)
  const part = (name: string) => value.fields.find((f) => f.name.value === name)?.value
  const field = string(part('field'))
  const values = strings(part('in'))
  if (!field || values.length === 0)
    return fail(value, '@systemOfRecord(when:) needs field: and in: with at least one value')
  return { field, in: values }
}
