import { type DocumentNode, type FieldNode, Kind, type OperationDefinitionNode } from 'graphql'
import { fieldsOfObject, type Operation, type Variables } from '../operation/document.ts'

const ARGUMENT = 'after'

/** Returns true for a subscription that resumes after a cursor. */
export function isResumable({ type, selected, document }: Operation): boolean {
  if (type !== 'subscription' || !selected.type) return false
  return [...fieldsOfObject(document.schema, selected.type, [selected]).values()].some(([field]) =>
    field?.definition?.args.some((a) => a.name === ARGUMENT),
  )
}

/**
 * Returns the subscription of a plan, changed so that it resumes after the cursor, whatever its own
 * argument says: a client that connects again by itself sends its first request again.
 */
export function resumeAfter(
  document: DocumentNode,
  variables: Variables | undefined,
  cursor: string,
): { document: DocumentNode; variables: Variables | undefined } {
  const given = rootFieldOf(document)?.arguments?.find((a) => a.name.value === ARGUMENT)?.value
  if (given?.kind === Kind.VARIABLE)
    return { document, variables: { ...variables, [given.name.value]: cursor } }
  const withCursor = (field: FieldNode): FieldNode => ({
    ...field,
    arguments: [
      ...(field.arguments ?? []).filter((a) => a.name.value !== ARGUMENT),
      {
        kind: Kind.ARGUMENT,
        name: { kind: Kind.NAME, value: ARGUMENT },
        value: { kind: Kind.STRING, value: cursor },
      },
    ],
  })
  const definitions = document.definitions.map((d) =>
    d.kind === Kind.OPERATION_DEFINITION ? withRootField(d, withCursor) : d,
  )
  return { document: { ...document, definitions }, variables }
}

function rootFieldOf(document: DocumentNode): FieldNode | undefined {
  for (const d of document.definitions)
    if (d.kind === Kind.OPERATION_DEFINITION)
      return d.selectionSet.selections.find((s) => s.kind === Kind.FIELD)
  return undefined
}

function withRootField(
  operation: OperationDefinitionNode,
  change: (field: FieldNode) => FieldNode,
): OperationDefinitionNode {
  const selections = operation.selectionSet.selections.map((s) =>
    s.kind === Kind.FIELD ? change(s) : s,
  )
  return { ...operation, selectionSet: { ...operation.selectionSet, selections } }
}
