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
  type TypeNode,
  type ValueNode,
} from 'graphql'

export const ROLES = ['CRM', 'BILLING', 'ERP', 'SUCCESS', 'USAGE'] as const
export type Role = (typeof ROLES)[number]

const COMPARATORS = [
  'PERSON_NAME',
  'GIVEN_NAME',
  'SURNAME',
  'ORGANISATION_NAME',
  'NAME',
  'EMAIL',
  'PHONE',
  'DOMAIN',
  'ADDRESS',
  'STREET',
  'CITY',
  'REGION',
  'POSTCODE',
  'COUNTRY',
  'DATE',
  'DATE_OF_BIRTH',
  'IDENTIFIER',
  'PRODUCT_NAME',
  'TEXT',
  'CATEGORY',
  'PRICE',
  'NUMBER',
  'REFERENCE',
] as const
export type Comparator = (typeof COMPARATORS)[number]

const SURVIVORSHIP = ['MOST_RECENT', 'MOST_COMPLETE', 'LONGEST', 'MOST_FREQUENT', 'HIGHEST_TRUST', 'UNION'] as const
export type Survivorship = (typeof SURVIVORSHIP)[number]

const FORMATS = ['EMAIL', 'PHONE', 'DOMAIN', 'COUNTRY', 'CURRENCY', 'DATE', 'TAX_ID', 'GTIN', 'IBAN', 'LEI'] as const
export type Format = (typeof FORMATS)[number]

const MASKS = ['STARS', 'LAST_FOUR', 'EMAIL_DOMAIN'] as const
export type Mask = (typeof MASKS)[number]

const ROW_RIGHTS = ['REGION', 'LEGAL_ENTITY', 'REFERENCE', 'EVERYONE'] as const

/**
 * What decides who may see a type's records, where row rights are configured: fields that hold a region and legal entities,
 * or the record that another field names, or nothing, so that everyone may. Without, only callers who are bound to nothing.
 */
export type RowPolicy =
  | { by: 'EVERYONE' }
  | { by: 'REFERENCE'; field: string }
  /** Paths of field names; `entities` of one field. */
  | { by: 'VALUES'; region?: string[]; legalEntities?: string }

/** What a value looks like in the canonical form: a scalar, one of an enum's values, a group (object) or a reference. */
export type FieldKind = 'STRING' | 'INT' | 'FLOAT' | 'BOOLEAN' | 'DATE' | 'MINOR_UNITS' | 'ENUM' | 'GROUP' | 'REFERENCE'

export interface SystemOfRecord {
  /** Roles or names of source systems, best first. */
  order: string[]
  /** The order holds only while this other field of the golden record has one of these values. */
  when?: { field: string; in: string[] }
}

export interface FieldPolicy {
  name: string
  description: string
  kind: FieldKind
  /** The GraphQL type's name without list and non-null marks: String, Address, Customer … */
  typeName: string
  list: boolean
  required: boolean
  compare?: { as: Comparator; group?: string }
  systemOfRecord: SystemOfRecord[]
  survive: Survivorship
  format?: Format
  approval: boolean
  /** The scope a caller needs to see the value. */
  sensitive?: string
  /** What such a caller sees instead; without it nothing. */
  mask?: Mask
}

export interface TypePolicy {
  name: string
  description: string
  /** Source systems that hold each thing at most once; `*` is all of them. */
  uniqueIn: string[]
  fields: FieldPolicy[]
  /** Golden types this one compares by reference: they are resolved before it. */
  after: string[]
  rows?: RowPolicy
}

export interface GroupPolicy {
  name: string
  description: string
  fields: FieldPolicy[]
}

export interface Policy {
  /** Content hash (first 16 hex digits of SHA-256) of the model, independent of layout and comments. */
  version: string
  /** Golden types in the order in which they resolve: a type comes after those it compares by reference. */
  types: TypePolicy[]
  groups: Map<string, GroupPolicy>
  enums: Map<string, { description: string; values: { name: string; description: string }[] }>
  type(name: string): TypePolicy
  /** The model itself, for those who print it. */
  document: DocumentNode
}

/** A mistake in the model: the message begins with file and line and says what is allowed. */
export class PolicyError extends Error {
  override name = 'PolicyError'
}

const SCALARS: Record<string, FieldKind> = {
  ID: 'STRING',
  String: 'STRING',
  Int: 'INT',
  Float: 'FLOAT',
  Boolean: 'BOOLEAN',
  Date: 'DATE',
  MinorUnits: 'MINOR_UNITS',
}

/** Which arguments each directive has; `grammar` in directives.graphql says the same to people and editors. */
const DIRECTIVES: Record<string, { on: 'type' | 'field' | 'both'; args: string[]; required: string[] }> = {
  key: { on: 'type', args: ['fields', 'resolvable'], required: ['fields'] },
  golden: { on: 'type', args: ['uniqueIn'], required: [] },
  rows: { on: 'both', args: ['by', 'part'], required: ['by'] },
  group: { on: 'type', args: [], required: [] },
  compare: { on: 'field', args: ['as', 'group'], required: ['as'] },
  systemOfRecord: { on: 'field', args: ['order', 'when'], required: ['order'] },
  survive: { on: 'field', args: ['by'], required: ['by'] },
  format: { on: 'field', args: ['as'], required: ['as'] },
  approval: { on: 'field', args: [], required: [] },
  sensitive: { on: 'field', args: ['scope', 'mask'], required: ['scope'] },
}

/**
 * Reads the golden types and their policy from a folder of `*.graphql` files.
 * `systems` are the configured source systems' names: with them, a name in `order` or `uniqueIn` that is neither a role
 * nor a source system is refused; without them any name that is not a role passes.
 * Throws PolicyError.
 */
export function readPolicy(dir: string, systems?: readonly string[]): Policy {
  const files = readdirSync(dir)
    .filter((f) => f.endsWith('.graphql'))
    .sort()
  return parsePolicy(
    files.map((f) => new Source(readFileSync(join(dir, f), 'utf8'), relative(process.cwd(), join(dir, f)))),
    systems,
  )
}

/** The same from texts; a Source's name stands in error messages. */
export function parsePolicy(sources: Source[], systems?: readonly string[]): Policy {
  const documents = sources.map(parseSource)
  const document: DocumentNode = { kind: Kind.DOCUMENT, definitions: documents.flatMap((d) => d.definitions) }
  const objects = new Map<string, ObjectTypeDefinitionNode>()
  const enums = new Map<string, EnumTypeDefinitionNode>()
  for (const def of document.definitions) {
    if (def.kind === Kind.OBJECT_TYPE_DEFINITION) {
      if (objects.has(def.name.value)) fail(def, `type ${def.name.value} is defined twice`)
      objects.set(def.name.value, def)
    }
    if (def.kind === Kind.ENUM_TYPE_DEFINITION) enums.set(def.name.value, def)
  }
  const golden = [...objects.values()].filter((o) => directive(o, 'golden'))
  const goldenNames = golden.map((o) => o.name.value)
  if (golden.length === 0) throw new PolicyError('no type of the model has @golden: there is nothing to master')
  const ctx: Context = { objects, enums, golden: new Set(goldenNames), systems }

  const types = golden.map((o) => readType(o, ctx))
  for (const t of types) {
    const { rows } = t
    const named = rows?.by === 'REFERENCE' ? t.fields.find((f) => f.name === rows.field)?.typeName : undefined
    if (named && types.find((x) => x.name === named)?.rows?.by !== 'VALUES')
      fail(objects.get(t.name), `${t.name}: @rows(by: REFERENCE) names ${named}, which has no region or legal entity`)
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
        `type ${o.name.value} is neither @golden nor @group: a golden record is one, a value taken whole is the other`,
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
        { description: text(e), values: (e.values ?? []).map((v) => ({ name: v.name.value, description: text(v) })) },
      ]),
    ),
    type(name) {
      const t = ordered.find((x) => x.name === name)
      if (!t) throw new PolicyError(`no golden type ${name}; there are ${ordered.map((x) => x.name).join(', ')}`)
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
        other?.kind === 'ENUM' ? (ctx.enums.get(other.typeName)?.values ?? []).map((v) => v.name.value) : null
      for (const v of when?.in ?? [])
        if (allowed && !allowed.includes(v))
          fail(d, `"${v}" is no value of ${other?.typeName}; it has ${allowed.join(', ')}`)
    }
  checkConditions(o, fields)
  const rows = rowsOf(o, fields, ctx)
  return {
    name: o.name.value,
    description: text(o),
    uniqueIn,
    fields,
    after: [...new Set(fields.filter((f) => f.compare?.as === 'REFERENCE').map((f) => f.typeName))],
    ...(rows ? { rows } : {}),
  }
}

function rowsOf(o: ObjectTypeDefinitionNode, fields: FieldPolicy[], ctx: Context): RowPolicy | undefined {
  const own = directive(o, 'rows')
  const stated = (o.fields ?? []).flatMap((f) =>
    (f.directives ?? []).filter((d) => d.name.value === 'rows').map((d) => ({ f, d })),
  )
  if (own) {
    if (oneOf(own, 'by', ROW_RIGHTS, o.name.value) !== 'EVERYONE' || stated.length > 0)
      fail(
        own,
        `${o.name.value}: @rows of a type is (by: EVERYONE), and then no field has it; the others stand at fields`,
      )
    return { by: 'EVERYONE' }
  }
  const values: { by: 'VALUES'; region?: string[]; legalEntities?: string } = { by: 'VALUES' }
  for (const { f, d } of stated) {
    const where = `${o.name.value}.${f.name.value}`
    const by = oneOf(d, 'by', ROW_RIGHTS, where)
    const field = fields.find((x) => x.name === f.name.value)
    const part = string(argument(d, 'part'))
    if (by === 'REFERENCE' && field?.kind === 'REFERENCE' && !field.list && stated.length === 1)
      return { by: 'REFERENCE', field: field.name }
    const group = field && ctx.objects.get(field.typeName)
    const leaf =
      part === undefined ? field?.kind : group?.fields?.some((x) => x.name.value === part) ? 'STRING' : 'none'
    const text = leaf === 'STRING' || leaf === 'ENUM'
    if (by === 'REGION' && text && !field?.list && !values.region)
      values.region = part === undefined ? [f.name.value] : [f.name.value, part]
    else if (by === 'LEGAL_ENTITY' && text && part === undefined && !values.legalEntities)
      values.legalEntities = f.name.value
    else
      fail(
        d,
        `${where}: @rows(by:) is REGION at one text, or one text part of a group (part:), LEGAL_ENTITY at one text or list of texts, or REFERENCE at one reference and nothing else`,
      )
  }
  return stated.length > 0 ? values : undefined
}

/** Ownership that depends on fields which in turn depend on it has no first field to settle. */
function checkConditions(o: ObjectTypeDefinitionNode, fields: FieldPolicy[]): void {
  const needs = new Map(fields.map((f) => [f.name, f.systemOfRecord.flatMap((s) => (s.when ? [s.when.field] : []))]))
  const visit = (name: string, path: string[]): void => {
    if (path.includes(name)) fail(o, `${o.name.value}: ownership goes in a circle: ${[...path, name].join(' -> ')}`)
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
    fail(compare ?? f, `${where}: REFERENCE compares golden records; ${typeName} is none`)
  const group = string(argument(compare, 'group'))
  const format = oneOf(directive(f, 'format'), 'as', FORMATS, where)
  const survive =
    oneOf(directive(f, 'survive'), 'by', SURVIVORSHIP, where) ??
    (list && !directive(f, 'systemOfRecord') ? 'UNION' : 'HIGHEST_TRUST')
  if (survive === 'UNION' && !list) fail(f, `${where}: UNION is for lists; ${typeName} is a single value`)
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
  if (mask && kind !== 'STRING') fail(f, `${where}: a mask is for texts; ${typeName} is none`)
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
  const scalar = SCALARS[typeName]
  if (scalar) return scalar
  if (ctx.enums.has(typeName)) return 'ENUM'
  if (ctx.golden.has(typeName)) return 'REFERENCE'
  if (ctx.objects.has(typeName)) return 'GROUP'
  return fail(
    f,
    `${where}: unknown type ${typeName}; use ${[...Object.keys(SCALARS), ...ctx.enums.keys(), ...ctx.objects.keys()].join(', ')}`,
  )
}

/** Types after those they compare by reference; a circle has no order and is refused. */
function resolveOrder(types: TypePolicy[], objects: Map<string, ObjectTypeDefinitionNode>): TypePolicy[] {
  const done: TypePolicy[] = []
  let rest = [...types].sort(
    (a, b) => ORDER_HINT.indexOf(a.name) - ORDER_HINT.indexOf(b.name) || (a.name < b.name ? -1 : 1),
  )
  while (rest.length > 0) {
    const next = rest.find((t) => t.after.every((a) => a === t.name || done.some((d) => d.name === a)))
    const first = rest[0]
    if (!next && first)
      fail(
        objects.get(first.name),
        `${rest.map((t) => t.name).join(' and ')} compare each other by REFERENCE: one must resolve first`,
      )
    if (!next) break
    if (next.after.includes(next.name))
      fail(objects.get(next.name), `${next.name} compares itself by REFERENCE: it would have to resolve before itself`)
    done.push(next)
    rest = rest.filter((t) => t !== next)
  }
  return done
}

/** Among types that do not depend on each other the order only has to be the same everywhere. */
const ORDER_HINT = ['Contract', 'Contact', 'Product', 'Customer'].reverse()

function checkDirectives(nodes: readonly DirectiveNode[], on: 'type' | 'field'): void {
  for (const d of nodes) {
    const known = DIRECTIVES[d.name.value]
    const allowed = Object.entries(DIRECTIVES).filter(([, v]) => v.on === on || v.on === 'both')
    if (!known || (known.on !== on && known.on !== 'both'))
      fail(d, `unknown directive @${d.name.value} on a ${on}; allowed are ${allowed.map(([k]) => `@${k}`).join(', ')}`)
    for (const a of d.arguments ?? [])
      if (!known.args.includes(a.name.value))
        fail(a, `@${d.name.value} has no argument "${a.name.value}"; it takes ${known.args.join(', ') || 'none'}`)
    for (const r of known.required)
      if (!d.arguments?.some((a) => a.name.value === r)) fail(d, `@${d.name.value} needs the argument "${r}"`)
  }
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
  if (value.kind !== Kind.OBJECT) return fail(value, '@systemOfRecord(when:) is an object {field:, in:}')
  const part = (name: string) => value.fields.find((f) => f.name.value === name)?.value
  const field = string(part('field'))
  const values = strings(part('in'))
  if (!field || values.length === 0)
    return fail(value, '@systemOfRecord(when:) needs field: and in: with at least one value')
  return { field, in: values }
}

function oneOf<T extends string>(
  d: DirectiveNode | undefined,
  arg: string,
  allowed: readonly T[],
  where: string,
): T | undefined {
  const value = argument(d, arg)
  if (!value) return undefined
  const found = allowed.find((a) => value.kind === Kind.ENUM && a === value.value)
  return (
    found ??
    fail(value, `${where}: unknown ${arg} "${print(value)}" in @${d?.name.value}; allowed are ${allowed.join(', ')}`)
  )
}

function unwrap(type: TypeNode): { typeName: string; list: boolean; required: boolean } {
  const required = type.kind === Kind.NON_NULL_TYPE
  const inner = type.kind === Kind.NON_NULL_TYPE ? type.type : type
  if (inner.kind === Kind.NAMED_TYPE) return { typeName: inner.name.value, list: false, required }
  return { ...unwrap(inner.type), list: true, required }
}

type Located = { loc?: { startToken: { line: number }; source: Source } | undefined }

function directive(
  node: { directives?: readonly DirectiveNode[] | undefined },
  name: string,
): DirectiveNode | undefined {
  return node.directives?.find((d) => d.name.value === name)
}

function argument(d: DirectiveNode | undefined, name: string): ValueNode | undefined {
  return d?.arguments?.find((a) => a.name.value === name)?.value
}

function string(value: ValueNode | undefined): string | undefined {
  return value?.kind === Kind.STRING ? value.value : undefined
}

function strings(value: ValueNode | undefined): string[] {
  // Roles read well without quotes; names of source systems may hold a hyphen and need them.
  if (value?.kind === Kind.STRING || value?.kind === Kind.ENUM) return [value.value]
  return value?.kind === Kind.LIST ? value.values.flatMap((v) => strings(v)) : []
}

function text(node: { description?: { value: string } | undefined }): string {
  return node.description?.value ?? ''
}

function fail(node: Located | undefined, message: string): never {
  const at = node?.loc ? `${node.loc.source.name}:${node.loc.startToken.line}: ` : ''
  throw new PolicyError(at + message)
}
