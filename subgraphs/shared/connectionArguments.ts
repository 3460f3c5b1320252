import { type DocumentNode, Kind, parse, type TypeNode, visit } from 'graphql'

function argumentsOf(type: string): string {
  return `
    "Items from the start; 20 when neither first nor last is given, at most 200."
    first: Int
    "Begin after this cursor."
    after: String
    "Items from the end."
    last: Int
    "End before this cursor."
    before: String
    "Which ones."
    filter: ${type}Filter
    "In which order; terms after the first decide between equals."
    orderBy: [${type}Order!]`
}

/** Gives every field that answers a connection of a list type the arguments of one, so that they are written once. */
export function withConnectionArguments(document: DocumentNode): DocumentNode {
  const filters = new Set(
    document.definitions.flatMap((d) => (d.kind === Kind.INPUT_OBJECT_TYPE_DEFINITION ? [d.name.value] : [])),
  )
  return visit(document, {
    FieldDefinition(field) {
      const type = nameOf(field.type).replace(/Connection$/, '')
      if (!nameOf(field.type).endsWith('Connection') || !filters.has(`${type}Filter`)) return undefined
      return { ...field, arguments: [...(field.arguments ?? []), ...parsed(type)] }
    },
  })
}

function parsed(type: string) {
  const [field] = parse(`type T { f(${argumentsOf(type)}): Int }`).definitions
  return field?.kind === Kind.OBJECT_TYPE_DEFINITION ? (field.fields?.[0]?.arguments ?? []) : []
}

function nameOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : nameOf(type.type)
}
