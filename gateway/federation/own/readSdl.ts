import {
  type ASTNode,
  type DefinitionNode,
  type DocumentNode,
  isTypeDefinitionNode,
  isTypeExtensionNode,
  Kind,
  parse,
  print,
  Source,
  visit,
} from 'graphql'

const SPECIFICATION = /^(federation__|link__|join__|_Any$|_Entity$|_Service$|FieldSet$|_FieldSet$)/
/** Directives of federation and link that servers define in the schema they publish. */
const DIRECTIVES = new Set([
  ...['key', 'requires', 'provides', 'external', 'shareable', 'override', 'inaccessible', 'tag'],
  ...['extends', 'interfaceObject', 'composeDirective', 'authenticated', 'requiresScopes'],
  ...['policy', 'context', 'fromContext', 'cost', 'listSize', 'link'],
])

/**
 * Parses the federation schema of a subgraph. Definitions of the specification itself, which some
 * servers publish and others leave out, are removed. Throws GraphQLError with a location.
 */
export function parseSdl(sdl: string, name: string): DocumentNode {
  const document = parse(new Source(sdl, name))
  return {
    ...document,
    definitions: document.definitions.flatMap((d) => (isSpecification(d) ? [] : plain(d))),
  }
}

/** Returns a schema as text, equal for equal schemas however their servers lay them out. */
export function sdlText(document: DocumentNode): string {
  return `${print(document)}\n`
}

function isSpecification(d: DefinitionNode): boolean {
  if (d.kind === Kind.DIRECTIVE_DEFINITION)
    return DIRECTIVES.has(d.name.value) || SPECIFICATION.test(d.name.value)
  return 'name' in d && d.name !== undefined && SPECIFICATION.test(d.name.value)
}

/** Returns the definition without `_service` and `_entities`; nothing if no field is left. */
function plain(d: DefinitionNode): DefinitionNode[] {
  if (d.kind !== Kind.OBJECT_TYPE_DEFINITION && d.kind !== Kind.OBJECT_TYPE_EXTENSION) return [d]
  const fields = d.fields?.filter(
    (f) => f.name.value !== '_service' && f.name.value !== '_entities',
  )
  if (fields?.length === d.fields?.length) return [d]
  return fields?.length ? [{ ...d, fields }] : []
}

/** Returns the line of the first element or type that a message names; 1 if it names none. */
export function lineOfMessage(document: DocumentNode, message: string): number {
  const defined = new Map<string, number>()
  const mentioned = new Map<string, number>()
  let type = ''
  const note = (into: Map<string, number>, coordinate: string, { loc }: ASTNode) => {
    if (loc && !into.has(coordinate)) into.set(coordinate, loc.startToken.line)
  }
  visit(document, {
    enter(node) {
      if (isTypeDefinitionNode(node) || isTypeExtensionNode(node)) {
        type = node.name.value
        note(defined, type, node)
      } else if (
        node.kind === Kind.FIELD_DEFINITION ||
        node.kind === Kind.INPUT_VALUE_DEFINITION ||
        node.kind === Kind.ENUM_VALUE_DEFINITION
      )
        note(defined, `${type}.${node.name.value}`, node)
      else if (node.kind === Kind.NAMED_TYPE || node.kind === Kind.DIRECTIVE)
        note(mentioned, node.name.value, node)
    },
  })
  const words = [/\b[A-Za-z_]\w*\.\w+/g, /\b[A-Za-z_]\w*/g].flatMap((p) => message.match(p) ?? [])
  const lines = words.map((w) => defined.get(w) ?? mentioned.get(w))
  return lines.find((line) => line !== undefined) ?? 1
}
