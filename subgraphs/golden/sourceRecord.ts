import {
  type MemberRow,
  memberListing,
  membersOfGolden,
  oldestMembers,
  readCanonical,
  readRaw,
  readRecords,
} from '../../mdm/golden/read/members.ts'
import { missingScopeOfIssue, missingScopeOfType } from '../../schema/hiddenFields.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import {
  type Connection,
  connection,
  connectionResolvers,
  memoryConnection,
  type PageArguments,
  pageRequest,
  relatedConnection,
} from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'
import type { GoldenNode } from './goldenNode.ts'
import { sensitiveOf, shownValues } from './mask.ts'

const NONE: ReadonlySet<string> = new Set()

/**
 * Returns a connection over the source records of a golden record, the oldest first. For an earlier
 * version it returns the members of that time.
 */
export function sourcesConnection(
  node: GoldenNode,
  args: PageArguments,
  context: RequestContext,
): Connection {
  if (node.members) return recordsConnection(node.members, args, context)
  const list = { listing: memberListing, relation: membersOfGolden, parent: node.id }
  return relatedConnection(
    context,
    `sources ${JSON.stringify(args)}`,
    list,
    pageRequest(args, oldestMembers),
  )
}

/**
 * Returns a connection over source records by their keys, in this order. Only those of the page are
 * read; unknown keys are left out.
 */
export function recordsConnection(
  keys: readonly string[],
  args: PageArguments,
  context: RequestContext,
): Connection {
  const listed = memoryConnection(
    args,
    keys.map((key) => ({ key })),
  )
  const records = new Map<string, MemberRow>()
  const read = async () => {
    const page = await listed.page()
    const found = await recordsOf(
      page.rows.map((r) => r.key),
      context,
    )
    for (const r of found) records.set(r.key, r)
    return page
  }
  return connection(listed.request, read, listed.totalCount, ({ key }) => records.get(key) ?? null)
}

/** Returns source records by key; unknown keys are left out. */
export async function recordsOf(
  keys: readonly string[],
  context: RequestContext,
): Promise<MemberRow[]> {
  const found = await Promise.all(
    keys.map((key) =>
      context.load<MemberRow | null>('record', key, null, (all, sql) => readRecords(sql, all)),
    ),
  )
  return found.filter((r) => r !== null)
}

/** Returns the issues of a record of which the caller may learn. */
export function visibleIssues(
  policy: Policy,
  type: TypePolicy | undefined,
  issues: MemberRow['issues'],
  scopes: ReadonlySet<string>,
): NonNullable<MemberRow['issues']> {
  return (issues ?? []).filter(
    ({ field }) => !type || missingScopeOfIssue(policy, type, field, scopes) === null,
  )
}

export function sourceRecordResolvers({ policy, sources }: SubgraphDeps): Resolvers {
  const systems = new Map((sources ?? []).map((s) => [s.name, s]))
  const typeOf = (r: MemberRow) => policy.types.find((t) => t.name === r.type)
  return {
    SourceRecordConnection: connectionResolvers,
    SourceRecord: {
      id: (r: MemberRow) => r.key,
      kind: (r: MemberRow) => systems.get(r.system)?.kind,
      role: (r: MemberRow) => systems.get(r.system)?.role,
      versionAt: (r: MemberRow) => (r.version > 0 ? new Date(r.version / 1000) : null),
      issues: (r: MemberRow, _: unknown, context: RequestContext) => {
        const type = typeOf(r)
        const shown = visibleIssues(policy, type, r.issues, context.scopes)
        if (!type) return shown
        // An issue of a value quotes the value.
        for (const { field } of shown)
          if (missingScopeOfIssue(policy, type, field, NONE) !== null)
            context.shows('SOURCE', r.type, field.split('.', 1), r.key)
        return shown
      },
      firstSeenAt: (r: MemberRow) => r.createdAt,
      appliedAt: (r: MemberRow) => r.updatedAt,
      canonical: async (r: MemberRow, _: unknown, context: RequestContext) => {
        const values = await context.load<Record<string, unknown> | null>(
          'canonical',
          r.key,
          null,
          (keys, sql) => readCanonical(sql, keys),
        )
        const type = typeOf(r)
        return type ? shownValues(policy, type, values, context, 'SOURCE', r.key) : values
      },
      raw: (r: MemberRow, _: unknown, context: RequestContext) => {
        const type = typeOf(r)
        if (type && missingScopeOfType(policy, type, context.scopes) !== null) return null
        if (type) context.shows('SOURCE', type.name, sensitiveOf(type), r.key)
        return context.load<unknown>('raw', r.key, null, (keys, sql) => readRaw(sql, keys))
      },
    },
  }
}
