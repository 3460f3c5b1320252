import {
  type ConstDirectiveNode,
  type DirectiveNode,
  type DocumentNode,
  isInterfaceType,
  isObjectType,
  isUnionType,
  Kind,
  parse,
  print,
  type TypeNode,
  visit,
} from 'graphql'
import { publicSchema } from './publicSchema.ts'

const INACCESSIBLE: ConstDirectiveNode = {
  kind: Kind.DIRECTIVE,
  name: { kind: Kind.NAME, value: 'inaccessible' },
}
/** Whether an element has it depends on the policy: a policy may mask nothing. */
const TAG_OF_MASKS = 'masked'
const DEFINITION = `directive @inaccessible on
  FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION`
const SPEC = 'https://specs.apollo.dev/inaccessible/'
const LINK = `schema @link(url: "${SPEC}v0.2", for: SECURITY)`

/**
 * Returns a supergraph without the elements that have one of these tags (`@tag(name:)`). Fields of
 * such types and types that become unreachable are removed as well. Validation and introspection do
 * not know them; subgraphs still use them. Throws for a tag that the supergraph does not have: a
 * misspelt tag would hide nothing. The tag of masked fields may be on nothing, and so may others in
 * a graph from which a subgraph is left out (`isWhole` is false).
 */
export function contractOf(
  supergraph: string,
  hidden: readonly string[],
  { isWhole = true }: { isWhole?: boolean } = {},
): string {
  if (hidden.length === 0) return supergraph
  const isHidden = (directives: readonly DirectiveNode[] = []) =>
    directives.some(
      (d) =>
        d.name.value === 'tag' &&
        d.arguments?.some((a) => a.value.kind === Kind.STRING && hidden.includes(a.value.value)),
    )
  const document = parse(
    supergraph.includes(SPEC)
      ? supergraph
      : `${supergraph.replace(/^schema\b/m, LINK)}\n${DEFINITION}`,
    { noLocation: true },
  )
  const there = tagsOf(document)
  const unknown = isWhole ? hidden.filter((tag) => !there.has(tag) && tag !== TAG_OF_MASKS) : []
  if (unknown.length > 0)
    throw new Error(
      `TOUCHSTONE_CONTRACT_HIDE names ${unknown.join(', ')}, but the tags of the graph are ${[...there].sort().join(', ') || 'none'}`,
    )
  const gone = new Set(
    document.definitions.flatMap((d) =>
      'directives' in d && 'name' in d && d.name && isHidden(d.directives) ? [d.name.value] : [],
    ),
  )
  const mark = <T extends Marked>(node: T): T | undefined =>
    isHidden(node.directives) || (node.type && gone.has(typeOf(node.type)))
      ? marked(node)
      : undefined
  const markType = <T extends Marked & { name: { value: string } }>(node: T) =>
    gone.has(node.name.value) ? marked(node) : undefined
  const tagged: DocumentNode = visit(document, {
    FieldDefinition: mark,
    EnumValueDefinition: mark,
    InputValueDefinition: mark,
    ObjectTypeDefinition: markType,
    InterfaceTypeDefinition: markType,
    UnionTypeDefinition: markType,
    EnumTypeDefinition: markType,
    InputObjectTypeDefinition: markType,
    ScalarTypeDefinition: markType,
  })
  const reached = reachable(print(tagged))
  return print(
    visit(tagged, {
      ObjectTypeDefinition: unreached,
      InterfaceTypeDefinition: unreached,
      UnionTypeDefinition: unreached,
      EnumTypeDefinition: unreached,
      InputObjectTypeDefinition: unreached,
    }),
  )

  function unreached<
    T extends { name: { value: string }; directives?: readonly ConstDirectiveNode[] },
  >(node: T) {
    const { value } = node.name
    if (/^(join|link)__/.test(value) || reached.has(value)) return undefined
    return marked(node)
  }
}

function tagsOf(document: DocumentNode): Set<string> {
  const tags = new Set<string>()
  visit(document, {
    Directive({ name, arguments: given = [] }) {
      if (name.value === 'tag')
        for (const { value } of given) if (value.kind === Kind.STRING) tags.add(value.value)
    },
  })
  return tags
}

interface Marked {
  directives?: readonly ConstDirectiveNode[]
  type?: TypeNode
}

function marked<T extends Marked>(node: T): T {
  if (node.directives?.some((d) => d.name.value === INACCESSIBLE.name.value)) return node
  return { ...node, directives: [...(node.directives ?? []), INACCESSIBLE] }
}

function typeOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : typeOf(type.type)
}

/** Returns the names of the types that clients can reach from the roots. */
export function reachable(supergraph: string): Set<string> {
  const schema = publicSchema(supergraph)
  const found = new Set<string>()
  const walk = (name: string): void => {
    if (found.has(name)) return
    found.add(name)
    const type = schema.getType(name)
    if (isUnionType(type)) for (const t of type.getTypes()) walk(t.name)
    if (isInterfaceType(type)) for (const t of schema.getPossibleTypes(type)) walk(t.name)
    if (isObjectType(type)) for (const i of type.getInterfaces()) walk(i.name)
    if (!type || !('getFields' in type)) return
    for (const f of Object.values(type.getFields())) {
      walk(named(String(f.type)))
      if ('args' in f) for (const a of f.args) walk(named(String(a.type)))
    }
  }
  for (const root of [
    schema.getQueryType(),
    schema.getMutationType(),
    schema.getSubscriptionType(),
  ])
    if (root) walk(root.name)
  return found
}

function named(type: string): string {
  return type.replace(/[[\]!]/g, '')
}
