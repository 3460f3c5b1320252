import type { GraphQLResolveInfo } from 'graphql'
import { fitOf } from '../../mdm/golden/fitting.ts'
import { parentField } from '../../mdm/golden/parentField.ts'
import { countMembers } from '../../mdm/golden/read/members.ts'
import { type FoundGolden, readAliases, readGolden, readRings } from '../../mdm/golden/read/read.ts'
import { type EndReason, readTombstones, type Tombstone } from '../../mdm/golden/read/tombstone.ts'
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
import { declareReads } from '../shared/declaredReads.ts'
import { inputError } from '../shared/errors.ts'
import { pastId, readPastId } from '../shared/pastId.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'
import { goldenConnection, goldenListSpec, referringConnection } from './goldenList.ts'
import { type GoldenNode, shownNode } from './goldenNode.ts'
import { historyConnection, historyResolvers } from './history.ts'
import { groupsOf, listName, lookupName, references } from './model.ts'
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
    Tombstone: {
      detail: tombstoneDetail,
      position: (t: Tombstone, _: unknown, { seal }: RequestContext) => (seal ? 0 : t.position),
    },
  }
  for (const name of owned) {
    const type = policy.type(name)
    const spec = goldenListSpec(policy, type)
    const parent = parentField(type)
    const fields = type.fields.map((f) => {
      const resolve = fieldResolver<GoldenNode>(deps, name, f, owned, (node) => node.values)
      const shown = f.name === parent ? withoutRing(f.name, resolve) : resolve
      return [f.name, declareReads([f.name], shown)]
    })
    setOwn(resolvers, name, { ...Object.fromEntries(fields), ...recordResolvers(deps, type) })
    resolvers[`${name}Connection`] = connectionResolvers
    const find = async (id: string, asOf: string | null | undefined, context: RequestContext) => {
      const found = asOf
        ? await loadAsOf(type, id, asOf, context)
        : await loadGolden(deps, owned, id, context)
      return found?.__typename === name ? found : null
    }
    const lookup: Resolve<unknown, never> = async (
      _,
      given: { id: string; asOf?: string },
      context,
    ) => {
      const { id, moment } = readPastId(given.id)
      const found = await find(id, given.asOf ?? moment, context)
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
      fieldResolver<Record<string, unknown>>(deps, name, f, owned, (group) => group),
    ])
    setOwn(resolvers, name, Object.fromEntries(parts))
  }
  return resolvers
}

const ENDS: Record<EndReason, string> = {
  SOURCES_DELETED: 'its source records were deleted',
  SOURCES_INCOMPLETE: 'its source records are deleted or lack required fields',
  NO_SOURCES: 'no source record belongs to it',
  RETIRED: 'a steward retired it',
}

function tombstoneDetail({ reason, since, cause }: Tombstone): string {
  const by = [cause.source, cause.object, cause.sourceId].filter(Boolean).join(' ')
  return `${ENDS[reason]}; ended at ${since.toISOString()} by ${by}`
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
    sourceRecords: (node, args: PageArguments, context) => sourcesConnection(node, args, context),
    sources: (node, args: { first: number }, context) =>
      connectionResolvers.nodes(sourcesConnection(node, args, context)),
    sourceCount: (node, _, context) =>
      node.members?.length ??
      context.load('sourceCount', node.id, 0, (ids, sql) => countMembers(sql, ids)),
    history: (node, args: PageArguments, context) => historyConnection(node.id, args, context),
    id: (node) => (node.asOf === undefined ? node.id : pastId(node.id, node.asOf)),
    tombstone: (node, _, context) =>
      node.state === 'DELETED'
        ? context.load<Tombstone | null>('tombstone', node.id, null, (ids, sql) =>
            readTombstones(sql, ids),
          )
        : (node.tombstone ?? null),
  }
  for (const resolve of Object.values(beside)) declareReads([], resolve)
  const owned = [type.name]
  return {
    ...beside,
    provenance: (node: GoldenNode, args: { fields?: string[] | null }, context: RequestContext) =>
      provenanceOf(deps, type, node, args.fields ?? null, context),
    __resolveReference: async (reference: { id: string }, context: RequestContext) => {
      const { id, moment } = readPastId(reference.id)
      const found = moment
        ? await loadAsOf(type, id, moment, context)
        : await loadGolden(deps, owned, id, context)
      return found && found.id !== id ? { ...found, redirectedFrom: id } : found
    },
  }
}

/** Loads a golden record as it was at a moment. */
async function loadAsOf(
  type: TypePolicy,
  id: string,
  asOf: string,
  context: RequestContext,
): Promise<GoldenNode | null> {
  const moment = new Date(asOf)
  const found = shownNode(type, await readAsOf(context.sql, type.name, id, moment))
  return found && { ...found, asOf: moment.toISOString() }
}

/** Resolves to null where the parent closes a ring: nothing stands above itself. */
function withoutRing(
  field: string,
  parent: Resolve<GoldenNode, never>,
): Resolve<GoldenNode, never> {
  return async (node, args, context, info) => {
    if ((ownValue(node.values, field) ?? null) === null) return null
    const [found, closes] = await Promise.all([
      parent(node, args, context, info),
      context.load<boolean>('ring', node.id, false, (ids, sql) => readRings(sql, ids)),
    ])
    return closes ? null : found
  }
}

async function loadGolden(
  { policy }: SubgraphDeps,
  types: readonly string[],
  id: string,
  context: RequestContext,
): Promise<GoldenNode | null> {
  const found = await context.load<FoundGolden | null>(
    `golden ${types.join()}`,
    id.toLowerCase(),
    null,
    (ids, sql) => readGolden(sql, types, ids),
  )
  return found && shownNode(policy.type(found.__typename), found)
}

/**
 * Returns the resolver of a field of a golden record or of a group in it; `values` finds its
 * holder.
 */
function fieldResolver<Parent>(
  deps: SubgraphDeps,
  type: string,
  f: FieldPolicy,
  owned: readonly string[],
  values: (parent: Parent) => Record<string, unknown>,
): Resolve<Parent, never> {
  const one = [f.name]
  const fit = fitOf(deps.policy, f)
  const shown = (parent: Parent, context: RequestContext): unknown => {
    // A version of an earlier policy, or one that is not in line with a new policy yet, may have a
    // value of another kind or none.
    const value = fit(ownValue(values(parent), f.name)) ?? null
    if (f.sensitive && !context.scopes.has(f.sensitive)) return masked(f, value)
    if (value === null && f.required)
      throw inputError(
        'VALUE_UNFIT',
        `${type}.${f.name} must have a value under the active policy, and this version has none that fits it; leave the field out`,
      )
    if (!f.sensitive) return value
    // A group has no id, so the record of access names its fields but not the golden record.
    if (value !== null) context.shows('FIELD', type, one, (parent as { id?: string }).id ?? null)
    return value
  }
  if (f.kind !== 'REFERENCE') return (parent, _, context) => shown(parent, context)
  const target = owned.includes(f.typeName)
    ? (key: string, context: RequestContext) => loadGolden(deps, [f.typeName], key, context)
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
