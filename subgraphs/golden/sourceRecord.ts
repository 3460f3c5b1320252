import { type MemberRow, readCanonical, readMembers, readRaw, readRecords } from '../../mdm/golden/read/members.ts'
import { isUuid } from '../../schema/uuid.ts'
import type { RequestContext } from '../shared/context.ts'
import { inputError } from '../shared/errors.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'
import type { GoldenNode } from './goldenNode.ts'
import { scopesOf, sensitiveOf, shownValues } from './mask.ts'

/** Source records shown of one golden record at most. */
const sourcesMax = 1_000

/** Source records of a golden record; of one as it was, the records that it consisted of then. */
export async function membersOf(
  node: GoldenNode,
  { first, after }: { first: number; after?: string | null },
  context: RequestContext,
): Promise<MemberRow[]> {
  if (first < 0 || first > sourcesMax)
    throw inputError('PAGE_TOO_LARGE', `sources has 0 to ${sourcesMax} items, not ${first}; go on with after`)
  if (after && !isUuid(after)) throw inputError('BAD_CURSOR', 'after is the id of a source record')
  if (node.members) {
    const begin = after ? node.members.indexOf(after) + 1 : 0
    return await recordsOf(node.members.slice(begin, begin + first), context)
  }
  return await context.load<MemberRow[]>(`sources ${first} ${after ?? ''}`, node.id, [], (ids, sql) =>
    readMembers(sql, ids, first, after ?? null),
  )
}

/** Source records by key; unknown keys are left out. */
export async function recordsOf(keys: readonly string[], context: RequestContext): Promise<MemberRow[]> {
  const found = await Promise.all(
    keys.map((key) => context.load<MemberRow | null>('record', key, null, (all, sql) => readRecords(sql, all))),
  )
  return found.filter((r) => r !== null)
}

export function sourceRecordResolvers({ policy, sources }: SubgraphDeps): Resolvers {
  const systems = new Map((sources ?? []).map((s) => [s.name, s]))
  const typeOf = (r: MemberRow) => policy.types.find((t) => t.name === r.type)
  return {
    SourceRecord: {
      id: (r: MemberRow) => r.key,
      kind: (r: MemberRow) => systems.get(r.system)?.kind,
      role: (r: MemberRow) => systems.get(r.system)?.role,
      versionAt: (r: MemberRow) => (r.version > 0 ? new Date(r.version / 1000) : null),
      issues: (r: MemberRow, _: unknown, context: RequestContext) => {
        // What is wrong with a value quotes it.
        const hidden = new Map(typeOf(r)?.fields.flatMap((f) => (f.sensitive ? [[f.name, f.sensitive] as const] : [])))
        return (r.issues ?? []).map((issue) => {
          const field = issue.field.split('.', 1)[0] ?? ''
          const scope = hidden.get(field)
          if (scope && !context.scopes.has(scope)) return { ...issue, detail: `not shown without the scope ${scope}` }
          if (scope) context.shows('SOURCE', r.type, [field], r.key)
          return issue
        })
      },
      firstSeenAt: (r: MemberRow) => r.createdAt,
      appliedAt: (r: MemberRow) => r.updatedAt,
      canonical: async (r: MemberRow, _: unknown, context: RequestContext) => {
        const values = await context.load<Record<string, unknown> | null>('canonical', r.key, null, (keys, sql) =>
          readCanonical(sql, keys),
        )
        const type = typeOf(r)
        return type ? shownValues(type, values, context, 'SOURCE', r.key) : values
      },
      raw: (r: MemberRow, _: unknown, context: RequestContext) => {
        const type = typeOf(r)
        if (type && !scopesOf(type).every((s) => context.scopes.has(s))) return null
        if (type) context.shows('SOURCE', type.name, sensitiveOf(type), r.key)
        return context.load<unknown>('raw', r.key, null, (keys, sql) => readRaw(sql, keys))
      },
    },
  }
}
