import { type ConstDirectiveNode, Kind, parse } from 'graphql'

/**
 * Returns the fields by which subgraphs find each entity, by type: the first names of its keys and
 * of what other fields require. The gateway reads them from results under their own names.
 */
export function keyFields(supergraph: string): Map<string, ReadonlySet<string>> {
  const found = new Map<string, ReadonlySet<string>>()
  for (const d of parse(supergraph, { noLocation: true }).definitions) {
    if (d.kind !== Kind.OBJECT_TYPE_DEFINITION && d.kind !== Kind.INTERFACE_TYPE_DEFINITION)
      continue
    const stated = [
      ...selections(d.directives, 'join__type', 'key'),
      ...(d.fields ?? []).flatMap((f) => selections(f.directives, 'join__field', 'requires')),
    ]
    if (stated.length > 0) found.set(d.name.value, new Set(stated.flatMap(firstNames)))
  }
  return found
}

function selections(
  directives: readonly ConstDirectiveNode[] = [],
  directive: string,
  argument: string,
): string[] {
  return directives
    .filter((x) => x.name.value === directive)
    .flatMap((x) => x.arguments?.find((a) => a.name.value === argument) ?? [])
    .flatMap(({ value }) => (value.kind === Kind.STRING ? [value.value] : []))
}

/** Returns the outermost fields of a selection such as `id owner { id }`. */
function firstNames(selection: string): string[] {
  const [operation] = parse(`{ ${selection} }`, { noLocation: true }).definitions
  if (operation?.kind !== Kind.OPERATION_DEFINITION) return []
  return operation.selectionSet.selections.flatMap((s) =>
    s.kind === Kind.FIELD ? [s.name.value] : [],
  )
}
