import { type ConstDirectiveNode, Kind, parse } from 'graphql'
import { reachable } from '../contract.ts'

/**
 * Returns the subgraphs that a query can need: each resolves a field, on a type that clients reach,
 * which no other subgraph resolves. A subgraph that is configured and not among them is never
 * called.
 */
export function calledSubgraphs(supergraph: string): Set<string> {
  const document = parse(supergraph, { noLocation: true })
  const names = new Map<string, string>()
  const called = new Set<string>()
  for (const d of document.definitions)
    if (d.kind === Kind.ENUM_TYPE_DEFINITION && d.name.value === 'join__Graph')
      for (const value of d.values ?? []) {
        const name = argument(value.directives?.[0], 'name')
        if (name !== undefined) names.set(value.name.value, name)
      }
  const types = reachable(supergraph)
  for (const d of document.definitions) {
    if (d.kind !== Kind.OBJECT_TYPE_DEFINITION && d.kind !== Kind.INTERFACE_TYPE_DEFINITION)
      continue
    if (!types.has(d.name.value)) continue
    const owners = graphsOf(d.directives, 'join__type')
    for (const field of d.fields ?? []) {
      const stated = field.directives?.filter((x) => x.name.value === 'join__field') ?? []
      const graphs = stated.some((x) => argument(x, 'graph') !== undefined)
        ? graphsOf(stated, 'join__field')
        : owners
      const [only] = graphs
      if (graphs.size === 1 && only !== undefined) called.add(names.get(only) ?? only)
    }
  }
  return called
}

function graphsOf(directives: readonly ConstDirectiveNode[] = [], name: string): Set<string> {
  return new Set(
    directives.flatMap((x) =>
      x.name.value === name && !isAside(x) ? (argument(x, 'graph') ?? []) : [],
    ),
  )
}

function argument(x: ConstDirectiveNode | undefined, name: string): string | undefined {
  const value = x?.arguments?.find((a) => a.name.value === name)?.value
  if (value?.kind === Kind.BOOLEAN) return String(value.value)
  return value?.kind === Kind.STRING || value?.kind === Kind.ENUM ? value.value : undefined
}

/** Returns true for a field that the subgraph mentions and does not resolve. */
function isAside(x: ConstDirectiveNode): boolean {
  return argument(x, 'external') === 'true' || argument(x, 'usedOverridden') === 'true'
}
