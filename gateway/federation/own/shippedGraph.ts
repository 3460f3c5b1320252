import {
  type DefinitionNode,
  type FieldDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  type ObjectTypeExtensionNode,
  parse,
} from 'graphql'
import { type Rule, rulesOf } from '../../operation/rights.ts'

/** A type of the graph that Touchstone itself has, as own subgraphs may use it. */
export interface ShippedType {
  kind: 'OBJECT' | 'INTERFACE' | 'UNION' | 'ENUM' | 'INPUT' | 'SCALAR'
  /** Names of its fields or values. */
  members: Set<string>
  /** The keys of an entity, as `id`; empty for other types. */
  keys: Set<string>
}

/** The graph without own subgraphs. */
export interface ShippedGraph {
  types: ReadonlyMap<string, ShippedType>
  /** Rules by the coordinates of types and fields. */
  rules: ReadonlyMap<string, Rule>
  subgraphs: ReadonlySet<string>
}

export function shippedGraph(subgraphs: readonly { name: string; sdl: string }[]): ShippedGraph {
  const types = new Map<string, ShippedType>()
  const rules = new Map<string, Rule>()
  for (const { sdl } of subgraphs) {
    const document = parse(sdl, { noLocation: true })
    for (const [coordinate, rule] of rulesOf(document)) rules.set(coordinate, rule)
    for (const d of document.definitions) addType(types, d)
  }
  return { types, rules, subgraphs: new Set(subgraphs.map((s) => s.name)) }
}

function addType(types: Map<string, ShippedType>, d: DefinitionNode): void {
  const kind = kindOf(d)
  if (!kind || !('name' in d) || !d.name) return
  const type = types.get(d.name.value) ?? { kind, members: new Set(), keys: new Set() }
  types.set(d.name.value, type)
  for (const member of membersOf(d)) type.members.add(member)
  if (kind === 'OBJECT') for (const key of keysOf(d as ObjectTypeDefinitionNode)) type.keys.add(key)
}

export function kindOf({ kind }: DefinitionNode): ShippedType['kind'] | null {
  switch (kind) {
    case Kind.OBJECT_TYPE_DEFINITION:
    case Kind.OBJECT_TYPE_EXTENSION:
      return 'OBJECT'
    case Kind.INTERFACE_TYPE_DEFINITION:
    case Kind.INTERFACE_TYPE_EXTENSION:
      return 'INTERFACE'
    case Kind.UNION_TYPE_DEFINITION:
    case Kind.UNION_TYPE_EXTENSION:
      return 'UNION'
    case Kind.ENUM_TYPE_DEFINITION:
    case Kind.ENUM_TYPE_EXTENSION:
      return 'ENUM'
    case Kind.INPUT_OBJECT_TYPE_DEFINITION:
    case Kind.INPUT_OBJECT_TYPE_EXTENSION:
      return 'INPUT'
    case Kind.SCALAR_TYPE_DEFINITION:
    case Kind.SCALAR_TYPE_EXTENSION:
      return 'SCALAR'
    default:
      return null
  }
}

export function membersOf(d: DefinitionNode): string[] {
  const members = 'fields' in d ? d.fields : 'values' in d ? d.values : undefined
  return (members ?? []).map((m) => m.name.value)
}

export function fieldsOf(d: DefinitionNode): readonly FieldDefinitionNode[] {
  return d.kind === Kind.OBJECT_TYPE_DEFINITION ||
    d.kind === Kind.OBJECT_TYPE_EXTENSION ||
    d.kind === Kind.INTERFACE_TYPE_DEFINITION ||
    d.kind === Kind.INTERFACE_TYPE_EXTENSION
    ? (d.fields ?? [])
    : []
}

export function hasDirective({ directives }: FieldDefinitionNode, name: string): boolean {
  return directives?.some((d) => d.name.value === name) ?? false
}

/** Returns the keys of an entity in one spelling: `id`, `system object`. */
export function keysOf(d: ObjectTypeDefinitionNode | ObjectTypeExtensionNode): string[] {
  return (d.directives ?? []).flatMap((x) => {
    const fields = x.arguments?.find((a) => a.name.value === 'fields')?.value
    return x.name.value === 'key' && fields?.kind === Kind.STRING
      ? [fields.value.trim().replace(/\s+/g, ' ')]
      : []
  })
}
