import {
  newestVersions,
  type VersionRow,
  versionListing,
  versionsOfGolden,
} from '../../mdm/golden/read/versions.ts'
import { visibleChanges } from '../../schema/hiddenFields.ts'
import {
  type Connection,
  connectionResolvers,
  type PageArguments,
  pageRequest,
  relatedConnection,
} from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'
import { shownValues } from './mask.ts'

/** Returns a connection over the versions of one golden record, the newest first. */
export function historyConnection(
  id: string,
  args: PageArguments,
  context: RequestContext,
): Connection {
  const list = { listing: versionListing, relation: versionsOfGolden, parent: id }
  return relatedConnection(
    context,
    `history ${JSON.stringify(args)}`,
    list,
    pageRequest(args, newestVersions),
  )
}

export function historyResolvers({ policy }: SubgraphDeps): Resolvers {
  return {
    GoldenVersionConnection: connectionResolvers,
    GoldenVersion: {
      position: (v: VersionRow, _: unknown, { seal }: RequestContext) => (seal ? 0 : v.position),
      changedFields: (v: VersionRow, _: unknown, { scopes }: RequestContext) =>
        visibleChanges(policy, v.type, v.changed, scopes),
      values: (v: VersionRow, _: unknown, context: RequestContext) =>
        shownValues(policy, policy.type(v.type), v.values, context, 'HISTORY', v.goldenId),
    },
    VersionCause: {
      system: (c: VersionRow['cause']) => c.source,
      messageId: (c: VersionRow['cause'], _: unknown, { seal }: RequestContext) =>
        seal ? null : c.inboxId,
    },
  }
}
