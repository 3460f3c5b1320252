import { CHECKS } from '../../mdm/reconcile/checks.ts'
import {
  type DifferenceFilter,
  type DifferenceRow,
  type DifferenceSum,
  differenceCondition,
  differenceListing,
  differenceSums,
  latestDifferences,
  type RunRow,
  readRuns,
} from '../../mdm/reconcile/read.ts'
import { skippedBecause } from '../../mdm/reconcile/reconcile.ts'
import {
  CHECK_NAMES,
  type CheckName,
  type ReconcileSettings,
} from '../../mdm/reconcile/settings.ts'
import { ownerOf, type StewardshipRules } from '../../mdm/tasks/rules.ts'
import { allStorable } from '../../schema/storable.ts'
import {
  connectionResolvers,
  listConnection,
  memoryConnection,
  type PageArguments,
  pageRequest,
} from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import type { Resolvers } from '../shared/subgraph.ts'

const trendDaysMax = 800

/** Creates the resolvers of reconciliation. They concern all records, so row rights show none. */
export function reconcileResolvers(
  rules: StewardshipRules,
  settings: ReconcileSettings,
): Resolvers {
  const owner = (check: CheckName, system: string | null) =>
    settings.checks[check]?.owner ??
    ownerOf(rules, { system: system ?? '', object: null, type: CHECKS[check].type })
  /** Returns the runs by check, one statement for all checks of the operation. */
  const runs = (context: RequestContext, days: number) =>
    context.once(`reconcileRuns ${days}`, async () =>
      Map.groupBy(await readRuns(context.sql, days), (r) => r.check),
    )
  const lastRun = async (check: CheckName, context: RequestContext) =>
    (await runs(context, trendDaysMax)).get(check)?.at(-1)
  return {
    Query: {
      reconciliations: (_: unknown, _args: unknown, context: RequestContext) =>
        context.bound ? [] : CHECK_NAMES.map((check) => ({ check })),
      reconcileDifferences: (
        _: unknown,
        { filter, ...page }: PageArguments & { filter?: DifferenceFilter | null },
        context: RequestContext,
      ) =>
        context.bound
          ? memoryConnection(page, [])
          : listConnection(
              context,
              differenceListing,
              pageRequest(page, latestDifferences, differenceCondition(allStorable(filter ?? {}))),
            ),
      reconcileSums: (_: unknown, _args: unknown, context: RequestContext) =>
        context.bound ? [] : context.once('reconcileSums', () => differenceSums(context.sql)),
    },
    Reconciliation: {
      holds: ({ check }: { check: CheckName }) => CHECKS[check].holds,
      owner: ({ check }: { check: CheckName }) => owner(check, null),
      days: ({ check }: { check: CheckName }) => settings.checks[check]?.days ?? settings.days,
      skipped: ({ check }: { check: CheckName }) => skippedBecause(settings, check),
      lastRunAt: async ({ check }: { check: CheckName }, _: unknown, context: RequestContext) =>
        (await lastRun(check, context))?.at ?? null,
      open: async ({ check }: { check: CheckName }, _: unknown, context: RequestContext) =>
        (await lastRun(check, context))?.open ?? 0,
      amounts: async ({ check }: { check: CheckName }, _: unknown, context: RequestContext) =>
        moneyOf((await lastRun(check, context))?.amounts ?? {}),
      trend: async (
        { check }: { check: CheckName },
        { days }: { days?: number | null },
        context: RequestContext,
      ) => (await runs(context, Math.min(Math.max(days ?? 30, 1), trendDaysMax))).get(check) ?? [],
    },
    ReconcileRun: { amounts: ({ amounts }: RunRow) => moneyOf(amounts) },
    ReconcileDifference: {
      id: (d: DifferenceRow) => `${d.check} ${d.key}`,
      customerId: (d: DifferenceRow) => d.customer,
      legalEntity: (d: DifferenceRow) => d.entity,
      amount: ({ amountMinor, currency }: DifferenceRow) =>
        amountMinor === null || currency === null ? null : { minorUnits: amountMinor, currency },
      owner: (d: DifferenceRow) => owner(d.check, d.source),
    },
    ReconcileSum: {
      legalEntity: (s: DifferenceSum) => s.entity,
      amount: ({ amountMinor, currency }: DifferenceSum) =>
        currency === null ? null : { minorUnits: amountMinor, currency },
    },
    ReconcileDifferenceConnection: connectionResolvers,
  }
}

function moneyOf(amounts: Record<string, number>) {
  return Object.entries(amounts).map(([currency, minorUnits]) => ({ minorUnits, currency }))
}
