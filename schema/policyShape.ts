import {
  type ConstDirectiveNode,
  type ConstValueNode,
  type DefinitionNode,
  type DocumentNode,
  type EnumTypeDefinitionNode,
  type FieldDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  type TypeNode,
} from 'graphql'
import { argument, DIRECTIVE_NAMES, directive, fail, string } from './directives.ts'
import { isInherited } from './kit/dictionary.ts'
import { POLICY_BOUNDS } from './policyBounds.ts'

/** Scalars of a policy that GraphQL does not have itself; model/directives.graphql defines them. */
const OWN_SCALARS = new Set(['Date', 'MinorUnits'])
const SCALAR_NAMES = new Set([...OWN_SCALARS, 'ID', 'String', 'Int', 'Float', 'Boolean'])
const WHEN_INPUT = 'When'

/**
 * Returns the types and enums of a policy by name. Throws PolicyError for a definition that nobody
 * would read, for a name twice, and beyond the bounds.
 */
export function definitionsOf(document: DocumentNode): {
  objects: Map<string, ObjectTypeDefinitionNode>
  enums: Map<string, EnumTypeDefinitionNode>
} {
  const { typesMax, fieldsMax, goldenTypesMax } = POLICY_BOUNDS
  const objects = new Map<string, ObjectTypeDefinitionNode>()
  const enums = new Map<string, EnumTypeDefinitionNode>()
  let fields = 0
  let golden = 0
  for (const d of document.definitions) {
    if (isGrammar(d)) continue
    if (d.kind !== Kind.OBJECT_TYPE_DEFINITION && d.kind !== Kind.ENUM_TYPE_DEFINITION)
      fail(d, 'a policy consists of types with @golden or @group and of enums; this is neither')
    const name = d.name.value
    if (objects.has(name) || enums.has(name)) fail(d, `type ${name} is defined twice`)
    if (SCALAR_NAMES.has(name)) fail(d, `type ${name}: ${name} is a scalar; choose another name`)
    if (d.kind === Kind.OBJECT_TYPE_DEFINITION) {
      checkObject(d)
      objects.set(name, d)
      fields += d.fields?.length ?? 0
      if (directive(d, 'golden') && ++golden > goldenTypesMax)
        fail(d, `${name}: more than ${goldenTypesMax} golden types`)
    } else {
      checkEnum(d)
      enums.set(name, d)
    }
    if (objects.size + enums.size > typesMax) fail(d, `${name}: more than ${typesMax} types`)
    if (fields > fieldsMax) fail(d, `${name}: more than ${fieldsMax} fields in all types`)
  }
  return { objects, enums }
}

/** Whether a definition is part of the policy's grammar, for people and editors. */
function isGrammar(d: DefinitionNode): boolean {
  switch (d.kind) {
    case Kind.DIRECTIVE_DEFINITION:
      return DIRECTIVE_NAMES.has(d.name.value)
    case Kind.SCALAR_TYPE_DEFINITION:
      return OWN_SCALARS.has(d.name.value)
    case Kind.INPUT_OBJECT_TYPE_DEFINITION:
      return d.name.value === WHEN_INPUT
    default:
      return false
  }
}

function checkObject(o: ObjectTypeDefinitionNode): void {
  const { fieldsPerTypeMax } = POLICY_BOUNDS
  const type = o.name.value
  const [isGolden, isGroup] = [directive(o, 'golden'), directive(o, 'group')]
  if (!isGolden && !isGroup)
    fail(
      o,
      `type ${type} is neither @golden nor @group: golden records need @golden, groups of values need @group`,
    )
  if (isGolden && isGroup) fail(o, `type ${type} is @golden and @group: it can be one of them`)
  checkCount(o.directives ?? [], `type ${type}`)
  checkName(o, type, `type ${type}`)
  // A golden type's lookup has its name with a small letter.
  checkName(o, type.charAt(0).toLowerCase() + type.slice(1), `type ${type}`)
  for (const i of o.interfaces ?? [])
    fail(i, `type ${type}: a type of a policy implements no interface; leave out "implements"`)
  const key = string(argument(directive(o, 'key'), 'fields'))
  if (key !== undefined && key.trim() !== 'id')
    fail(directive(o, 'key'), `type ${type}: the key of a golden type is "id"`)
  const fields = o.fields ?? []
  if (fields.length === 0) fail(o, `type ${type} has no fields`)
  if (fields.length > fieldsPerTypeMax)
    fail(o, `type ${type} has ${fields.length} fields, at most ${fieldsPerTypeMax} are allowed`)
  const seen = new Set<string>()
  for (const f of fields) {
    const where = `${type}.${f.name.value}`
    if (seen.has(f.name.value)) fail(f, `${where} is there twice`)
    seen.add(f.name.value)
    checkName(f, f.name.value, where)
    checkField(f, where)
    if (isGolden && f.name.value === 'id') checkId(f, where)
  }
}

function checkField(f: FieldDefinitionNode, where: string): void {
  for (const a of f.arguments ?? []) fail(a, `${where}: a field of a policy takes no arguments`)
  if (isListOfLists(f.type)) fail(f.type, `${where}: a list of lists cannot be stored`)
  checkCount(f.directives ?? [], where)
}

/** The id is given by the program; what a policy says of it would be ignored. */
function checkId(f: FieldDefinitionNode, where: string): void {
  const { type } = f
  const isId =
    type.kind === Kind.NON_NULL_TYPE &&
    type.type.kind === Kind.NAMED_TYPE &&
    type.type.name.value === 'ID'
  if (!isId) fail(f, `${where}: the golden id is of type ID!`)
  for (const d of f.directives ?? []) fail(d, `${where}: the golden id takes no directive`)
}

function checkEnum(e: EnumTypeDefinitionNode): void {
  const { valuesPerEnumMax } = POLICY_BOUNDS
  const type = e.name.value
  checkName(e, type, `type ${type}`)
  const values = e.values ?? []
  if (values.length === 0) fail(e, `enum ${type} has no values`)
  if (values.length > valuesPerEnumMax)
    fail(e, `enum ${type} has ${values.length} values, at most ${valuesPerEnumMax} are allowed`)
  for (const d of e.directives ?? []) fail(d, `enum ${type}: an enum takes no directive`)
  const seen = new Set<string>()
  for (const v of values) {
    const where = `${type}.${v.name.value}`
    if (seen.has(v.name.value)) fail(v, `${where} is there twice`)
    seen.add(v.name.value)
    checkName(v, v.name.value, where)
    for (const d of v.directives ?? []) fail(d, `${where}: a value of an enum takes no directive`)
  }
}

/**
 * Refuses names that every JavaScript object has already, and those that GraphQL keeps: values are
 * kept and sent as objects under these names, and libraries here and at clients use plain ones.
 */
function checkName(node: Parameters<typeof fail>[0], name: string, where: string): void {
  if (name.startsWith('__'))
    fail(node, `${where}: names that begin with __ are those of GraphQL itself; choose another`)
  if (isInherited(name))
    fail(
      node,
      `${where}: every JavaScript object has something of the name ${name} already; choose another`,
    )
}

function checkCount(directives: readonly ConstDirectiveNode[], where: string): void {
  const { directivesPerElementMax, listItemsMax } = POLICY_BOUNDS
  if (directives.length > directivesPerElementMax)
    fail(
      directives[directivesPerElementMax],
      `${where} has ${directives.length} directives, at most ${directivesPerElementMax} are allowed`,
    )
  const visit = (value: ConstValueNode): void => {
    const items =
      value.kind === Kind.LIST
        ? value.values
        : value.kind === Kind.OBJECT
          ? value.fields.map((x) => x.value)
          : []
    if (items.length > listItemsMax)
      fail(value, `${where}: a list has ${items.length} items, at most ${listItemsMax} are allowed`)
    for (const item of items) visit(item)
  }
  for (const d of directives) for (const a of d.arguments ?? []) visit(a.value)
}

function isListOfLists(type: TypeNode): boolean {
  const inner = type.kind === Kind.NON_NULL_TYPE ? type.type : type
  if (inner.kind !== Kind.LIST_TYPE) return false
  const item = inner.type.kind === Kind.NON_NULL_TYPE ? inner.type.type : inner.type
  return item.kind === Kind.LIST_TYPE
}

/**
 * Checks how groups are nested: a filter offers every part of every group, so groups that hold each
 * other twice double its size at each level, and a circle has no end. Throws PolicyError.
 */
export function checkShape(
  golden: readonly ObjectTypeDefinitionNode[],
  objects: ReadonlyMap<string, ObjectTypeDefinitionNode>,
): void {
  const { groupDepthMax, partsMax } = POLICY_BOUNDS
  const sizes = new Map<string, { parts: number; depth: number }>()
  const measure = (
    o: ObjectTypeDefinitionNode,
    path: readonly string[],
  ): { parts: number; depth: number } => {
    const known = sizes.get(o.name.value)
    if (known) return known
    const size = { parts: 0, depth: 0 }
    for (const f of o.fields ?? []) {
      size.parts++
      const group = objects.get(nameOf(f.type))
      if (!group || !directive(group, 'group')) continue
      const at = [...path, group.name.value]
      if (path.includes(group.name.value))
        fail(f, `${o.name.value}.${f.name.value}: a group holds itself: ${at.join(' -> ')}`)
      const inner = measure(group, at)
      size.parts += inner.parts
      size.depth = Math.max(size.depth, inner.depth + 1)
      if (size.depth > groupDepthMax)
        fail(
          f,
          `${o.name.value}.${f.name.value}: more than ${groupDepthMax} groups within each other`,
        )
      if (size.parts > partsMax)
        fail(
          f,
          `${o.name.value}.${f.name.value}: ${o.name.value} has more than ${partsMax} fields, with the parts of its groups wherever they occur`,
        )
    }
    sizes.set(o.name.value, size)
    return size
  }
  // Groups that no golden type has are measured too: a later policy may use them.
  for (const o of [...golden, ...objects.values()]) measure(o, [o.name.value])
}

function nameOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : nameOf(type.type)
}
