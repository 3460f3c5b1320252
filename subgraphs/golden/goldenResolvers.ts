import type { GraphQLResolveInfo } from 'graphql'
import type { GoldenRow } from '../../mdm/golden/read/list.ts'
import { countMembers } from '../../mdm/golden/read/members.ts'
import { readAliases, readGolden } from '../../mdm/golden/read/read.ts'
import { readAsOf } from '../../mdm/golden/read/versions.ts'
import { ownValue, setOwn } from '../../schema/kit/dictionary.ts'
import { masked } from '../../schema/masked.ts'
import type { FieldPolicy, TypePolicy } from '../../schema/policy.ts'
import { recordKey } from '../../schema/recordKey.ts'
import {
  type ConnectionArguments,
  connectionResolvers,
  type PageArguments,
} from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'
import { goldenConnection, goldenListSpec, referringConnection } from './goldenList.ts'
import type { GoldenNode } from './goldenNode.ts'
import { historyConnection, historyResolvers } from './history.ts'
import { groupsOf, listName, lookupName, references } from './model.ts'
import { declareReads } from './neededValues.ts'
import { provenanceOf } from './provenance.ts'
import { sourceRecordResolvers, sourcesConnection } from './sourceRecord.ts'
import { loadStub } from './stub.ts'

type Resolve<Parent, Args = object> = (
  parent: Parent,
  args: Args,
  context: RequestContext,
  info: GraphQLResolveInfo,
) => unknown

/**
 * Creates the resolvers of the golden types that a subgraph owns; goldenSdl defines their fields.
 */
export function goldenResolvers(deps: SubgraphDeps, owned: readonly string[]): Resolvers {
  const { policy } = deps
  const query: Record<string, Resolve<unknown, never>> = {}
  const resolvers: Resolvers = {
    Query: query,
    ...sourceRecordResolvers(deps),
    ...historyResolvers(deps),
    ValueCandidateConnection: connectionResolvers,
  }
  for (const name of owned) {
    const type = policy.type(name)
    const spec = goldenListSpec(policy, type)
    const fields = type.fields.map((f) => [
      f.name,
      declareReads(
        [f.name],
        fieldResolver<GoldenNode>(name, f, owned, (node) => node.values),
      ),
    ])
    setOwn(resolvers, name, { ...Object.fromEntries(fields), ...recordResolvers(deps, type) })
    resolvers[`${name}Connection`] = connectionResolvers
    const find = async (id: string, asOf: string | null | undefined, context: RequestContext) => {
      const found = asOf
        ? await readAsOf(context.sql, name, id, new Date(asOf))
        : await loadGolden(owned, id, context)
      return found?.__typename === name ? found : null
    }
    const lookup: Resolve<unknown, never> = async (
      _,
      { id, asOf }: { id: string; asOf?: string },
      context,
    ) => {
      const found = await find(id, asOf, context)
      return found && found.id !== id.toLowerCase() ? { ...found, redirectedFrom: id } : found
    }
    setOwn(query, lookupName(name), lookup)
    query[`${lookupName(name)}BySource`] = (
      _,
      a: { system: string; object: string; id: string; asOf?: string },
      c,
    ) => find(recordKey(a.system, a.object, a.id), a.asOf, c)
    const list: Resolve<unknown, never> = (_, args: ConnectionArguments, context, info) =>
      goldenConnection(type, spec, args, context, info)
    setOwn(query, listName(name), list)
  }
  addReferenceLists(deps, owned, resolvers)
  for (const name of groupsOf(
    policy,
    owned.map((o) => policy.type(o)),
  )) {
    const fields =
      policy.groups.get(name)?.fields.filter((f) => f.kind === 'REFERENCE' || f.sensitive) ?? []
    const parts = fields.map((f) => [
      f.name,
      fieldResolver<Record<string, unknown>>(name, f, owned, (group) => group),
    ])
    setOwn(resolvers, name, Object.fromEntries(parts))
  }
  return resolvers
}

/** Adds the reverse lists of references, on golden types owned here and on stubs of others. */
function addReferenceLists(
  { policy }: SubgraphDeps,
  owned: readonly string[],
  resolvers: Resolvers,
): void {
  for (const reference of references(policy).filter((r) => owned.includes(r.from))) {
    const type = policy.type(reference.from)
    const spec = goldenListSpec(policy, type)
    const list: Resolve<{ id: string }, ConnectionArguments> = (parent, args, context, info) =>
      referringConnection(reference, type, spec, parent.id, args, context, info)
    const known = ownValue(resolvers, reference.to) as object | undefined
    setOwn<unknown>(resolvers as Record<string, unknown>, reference.to, {
      ...known,
      [reference.reverse]: declareReads([], list),
    })
  }
}

/**
 * Returns the resolvers of the fields that every golden record has. All but the provenance are
 * stored outside the values.
 */
function recordResolvers(deps: SubgraphDeps, type: TypePolicy): Record<string, unknown> {
  const beside: Record<string, Resolve<GoldenNode, never>> = {
    aliases: (node, _, context) =>
      context.load('aliases', node.id, [], (ids, sql) => readAliases(sql, ids)),
    sources: (node, args: PageArguments, context) => sourcesConnection(node, args, context),
    sourceCount: (node, _, context) =>
      node.members?.length ??
      context.load('sourceCount', node.id, 0, (ids, sql) => countMembers(sql, ids)),
    history: (node, args: PageArguments, context) => historyConnection(node.id, args, context),
  }
  for (const resolve of Object.values(beside)) declareReads([], resolve)
  const owned = [type.name]
  return {
    ...beside,
    provenance: (node: GoldenNode, args: { fields?: string[] | null }, context: RequestContext) =>
      provenanceOf(deps, type, node, args.fields ?? null, context),
    __resolveReference: async ({ id }: { id: string }, context: RequestContext) => {
      const found = await loadGolden(owned, id, context)
      return found && found.id !== id ? { ...found, redirectedFrom: id } : found
    },
  }
}

function loadGolden(types: readonly string[], id: string, context: RequestContext) {
  const found = context.load<GoldenRow | null>(
    `golden ${types.join()}`,
    id.toLowerCase(),
    null,
    (ids, sql) => readGolden(sql, types, ids),
  )
  return found as Promise<GoldenNode | null>
}

/**
 * Returns the resolver of a field of a golden record or of a group in it; `values` finds its
 * holder.
 */
function fieldResolver<Parent>(
  type: string,
  f: FieldPolicy,
  owned: readonly string[],
  values: (parent: Parent) => Record<string, unknown>,
): Resolve<Parent, never> {
  const one = [f.name]
  const shown = (parent: Parent, context: RequestContext): unknown => {
    const value = ownValue(values(parent), f.name)
    if (!f.sensitive) return value
    if (!context.scopes.has(f.sensitive)) return masked(f, value)
    // A group has no id, so the record of access names its fields but not the golden record.
    if ((value ?? null) !== null)
      context.shows('FIELD', type, one, (parent as { id?: string }).id ?? null)
    return value
  }
  if (f.kind !== 'REFERENCE') return (parent, _, context) => shown(parent, context)
  const target = owned.includes(f.typeName)
    ? (key: string, context: RequestContext) => loadGolden([f.typeName], key, context)
    : (key: string, context: RequestContext) => loadStub(f.typeName, key, context)
  return (parent, _, context) => {
    const keys = shown(parent, context)
    if (Array.isArray(keys))
      return Promise.all(keys.map((k) => target(String(k), context))).then((a) => a.filter(Boolean))
    if (typeof keys !== 'string') return null
    // A record whose parent was merged into it has no parent.
    const own = (parent as { id?: unknown }).id
    return target(keys, context).then((found) => (found && found.id === own ? null : found))
  }
}
