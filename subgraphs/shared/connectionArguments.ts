import {
  type DocumentNode,
  type InputValueDefinitionNode,
  Kind,
  parse,
  type TypeNode,
  visit,
} from 'graphql'
import { pageItemsDefault, pageItemsMax } from './connection.ts'

const PAGE = `
  "Number of items from the start; ${pageItemsDefault} when neither first nor last is given, at most ${pageItemsMax}."
  first: Int
  "Returns the items after this cursor. A cursor of another list is rejected with BAD_CURSOR."
  after: String
  "Number of items from the end, at most ${pageItemsMax}. Not together with first."
  last: Int
  "Returns the items before this cursor."
  before: String`

const sorting = (type: string) => `
  "Returns only items that fulfil this filter."
  filter: ${type}Filter
  "Sort order; terms after the first decide between equals. At most three terms."
  orderBy: [${type}Order!]`

/**
 * Adds the arguments of a connection to every field that returns one, so that they are defined
 * once. These are the arguments of the page, and filter and order if the type has both. A field
 * with its own `first` does not change.
 */
export function withConnectionArguments(document: DocumentNode): DocumentNode {
  const inputs = new Set(
    document.definitions.flatMap((d) =>
      d.kind === Kind.INPUT_OBJECT_TYPE_DEFINITION ? [d.name.value] : [],
    ),
  )
  return visit(document, {
    FieldDefinition(field) {
      const name = nameOf(field.type)
      const own = field.arguments ?? []
      if (!name.endsWith('Connection') || own.some((a) => a.name.value === 'first'))
        return undefined
      const type = name.replace(/Connection$/, '')
      const sorts = inputs.has(`${type}Filter`) && inputs.has(`${type}Order`)
      return { ...field, arguments: [...own, ...parsed(sorts ? PAGE + sorting(type) : PAGE)] }
    },
  })
}

function parsed(args: string): readonly InputValueDefinitionNode[] {
  const [field] = parse(`type T { f(${args}): Int }`).definitions
  return field?.kind === Kind.OBJECT_TYPE_DEFINITION ? (field.fields?.[0]?.arguments ?? []) : []
}

function nameOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : nameOf(type.type)
}
