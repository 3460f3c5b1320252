import { createAuditCheck, notChecked } from '../../mdm/audit/checkAudit.ts'
import type { ActionRow } from '../../mdm/stewardship/actions.ts'
import { readAgents } from '../../mdm/stewardship/history.ts'
import type { Stewardship } from '../../mdm/stewardship/steward.ts'
import {
  differencesOf,
  readVersionChanges,
  readVersionsThen,
  type VersionChange,
  type VersionThen,
  versionKey,
} from '../../mdm/stewardship/versions.ts'
import { shownValues } from '../golden/mask.ts'
import type { RequestContext } from '../shared/context.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import { visibleDifferences } from './visible.ts'

/** An action is about at most so many golden records. */
const seenMax = 100

/** Creates the resolvers of what an approver compares: what the author saw, and what changed. */
export function actionResolvers({ policy, sql }: Stewardship): Resolvers {
  const checkAudit = createAuditCheck(sql)
  return {
    Query: {
      // It reads the entries of all callers, and counts them.
      auditCheck: (_: unknown, _args: unknown, context: RequestContext) =>
        context.bound ? notChecked('callers with row rights do not see every entry') : checkAudit(),
    },
    StewardAction: {
      agent: (a: ActionRow, _: unknown, context: RequestContext) =>
        context.load<string | null>('agent', a.id, null, (ids, sql) => readAgents(sql, ids)),
      async seen(a: ActionRow, _: unknown, context: RequestContext) {
        const found = await Promise.all(
          Object.entries(a.expected)
            .slice(0, seenMax)
            .map(([id, version]) =>
              context.load<VersionThen | null>(
                'versionThen',
                versionKey(id, version),
                null,
                (keys, sql) => readVersionsThen(sql, keys),
              ),
            ),
        )
        return found.filter((v) => v !== null)
      },
    },
    SeenVersion: {
      values: (v: VersionThen, _: unknown, context: RequestContext) =>
        shownValues(policy, policy.type(v.type), v.then, context, 'HISTORY', v.goldenId),
      changedSince: (v: VersionThen, _: unknown, context: RequestContext) =>
        v.state === 'ACTIVE' && v.then !== null
          ? visibleDifferences(
              policy,
              policy.type(v.type),
              differencesOf(v.then, v.now),
              context,
              v.goldenId,
            )
          : [],
    },
    ActionEffect: {
      async changes(e: { goldenId: string; version: number }, _: unknown, context: RequestContext) {
        const found = await context.load<VersionChange | null>(
          'versionChanges',
          versionKey(e.goldenId, e.version),
          null,
          (keys, sql) => readVersionChanges(sql, keys),
        )
        return found
          ? visibleDifferences(
              policy,
              policy.type(found.type),
              found.fields,
              context,
              found.goldenId,
            )
          : []
      },
    },
  }
}
