import { type DirectiveNode, type DocumentNode, type GraphQLSchema, Kind, parse } from 'graphql'
import { type ContractChange, elementsOf, graphChanges, sorted } from '../../schema/graphChanges.ts'
import { everything, type Rule, ruleInWords, rulesOf } from '../operation/rights.ts'
import { publicSchema } from './publicSchema.ts'

/**
 * Returns the changes from one supergraph to another. They concern clients of the graph, callers
 * with the right to a field, and operators of subgraphs as services. `today` has the form
 * 2026-12-31.
 */
export function supergraphChanges(before: string, after: string, today: string): ContractChange[] {
  const [old, now] = [publicSchema(before), publicSchema(after)]
  const [oldNodes, nowNodes] = [before, after].map((text) => parse(text, { noLocation: true })) as [
    DocumentNode,
    DocumentNode,
  ]
  return sorted([
    ...graphChanges(old, now, today),
    ...rightsChanges({ schema: old, document: oldNodes }, { schema: now, document: nowNodes }),
    ...subgraphChanges(oldNodes, nowNodes),
  ])
}

interface Side {
  schema: GraphQLSchema
  document: DocumentNode
}

const open: Rule = { scopes: [], policies: [], masked: false }

function rightsChanges(before: Side, after: Side): ContractChange[] {
  const [old, now] = [rulesOf(before.document), rulesOf(after.document)]
  const known = elementsOf(after.schema)
  const changes: ContractChange[] = []
  for (const coordinate of elementsOf(before.schema).keys()) {
    if (!known.has(coordinate) || coordinate.includes('(')) continue
    const unstated = isRootField(coordinate, before.schema) ? everything : open
    const was = old.get(coordinate) ?? unstated
    const is = now.get(coordinate) ?? unstated
    if (!implies(was, is)) {
      const wanted = is === everything ? 'every scope' : ruleInWords(is)
      changes.push(
        is.masked
          ? { level: 'DANGEROUS', coordinate, text: `is null for callers without ${wanted}` }
          : {
              level: 'BREAKING',
              coordinate,
              text: `needs ${wanted}, which not all previous callers have`,
            },
      )
    } else if (!implies(is, was))
      changes.push({
        level: 'SAFE',
        coordinate,
        text: `is open to more callers: no longer needs ${ruleInWords(was)}`,
      })
  }
  return changes
}

/** Returns true if every caller who fulfils one rule fulfils the other. */
function implies(one: Rule, other: Rule): boolean {
  const each = (a: Rule['scopes'], b: Rule['scopes']) =>
    b.length === 0 ||
    (a.length > 0 &&
      a.every((all) => all.includes('*') || b.some((some) => some.every((s) => all.includes(s)))))
  return each(one.scopes, other.scopes) && each(one.policies, other.policies)
}

function isRootField(coordinate: string, schema: GraphQLSchema): boolean {
  const [type = '', field] = coordinate.split('.')
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
  return field !== undefined && roots.some((r) => r?.name === type)
}

function subgraphChanges(before: DocumentNode, after: DocumentNode): ContractChange[] {
  const [old, now] = [subgraphsOf(before), subgraphsOf(after)]
  const changes: ContractChange[] = []
  for (const name of now.names)
    if (!old.names.has(name))
      changes.push({ level: 'SAFE', coordinate: `subgraph ${name}`, text: 'was added' })
  for (const name of old.names)
    if (!now.names.has(name))
      changes.push({
        level: 'DANGEROUS',
        coordinate: `subgraph ${name}`,
        text: 'is removed: its services receive no more requests',
      })
  for (const [coordinate, graphs] of old.fields) {
    const is = now.fields.get(coordinate)
    if (is && [...graphs].some((g) => now.names.has(g) && !is.has(g)))
      changes.push({
        level: 'DANGEROUS',
        coordinate,
        text: `is resolved by ${[...is].join(', ')}, was by ${[...graphs].join(', ')}: roll out services first`,
      })
  }
  return changes
}

/** Returns the names of the subgraphs and, for each field, the subgraphs that resolve it. */
function subgraphsOf(supergraph: DocumentNode): {
  names: Set<string>
  fields: Map<string, Set<string>>
} {
  const names = new Set<string>()
  const fields = new Map<string, Set<string>>()
  for (const d of supergraph.definitions) {
    if (d.kind === Kind.ENUM_TYPE_DEFINITION && d.name.value === 'join__Graph')
      for (const v of d.values ?? []) names.add(v.name.value.toLowerCase())
    if (d.kind !== Kind.OBJECT_TYPE_DEFINITION && d.kind !== Kind.INTERFACE_TYPE_DEFINITION)
      continue
    for (const f of d.fields ?? []) {
      const graphs = (f.directives ?? []).flatMap((x) => graphOf(x))
      if (graphs.length > 0) fields.set(`${d.name.value}.${f.name.value}`, new Set(graphs))
    }
  }
  return { names, fields }
}

function graphOf({ name, arguments: given = [] }: DirectiveNode): string[] {
  if (name.value !== 'join__field') return []
  const is = (argument: string) => given.find((a) => a.name.value === argument)?.value
  const [graph, external] = [is('graph'), is('external')]
  if (graph?.kind !== Kind.ENUM || (external?.kind === Kind.BOOLEAN && external.value)) return []
  return [graph.value.toLowerCase()]
}
