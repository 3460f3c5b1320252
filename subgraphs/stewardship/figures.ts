import { missingEvidence } from '../../mdm/explain/evidence.ts'
import { readLabelledRecords } from '../../mdm/explain/labels.ts'
import { wilson } from '../../mdm/match/labelEstimate.ts'
import { daysMax, type StewardFigures, stewardFigures } from '../../mdm/stewardship/figures.ts'
import { openOpinions } from '../../mdm/stewardship/secondOpinions.ts'
import type { Stewardship } from '../../mdm/stewardship/steward.ts'
import { callerOf } from '../shared/caller.ts'
import type { RequestContext } from '../shared/context.ts'
import { inputError } from '../shared/errors.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import { findUnauthorizedId } from './rowGuard.ts'

const pairsMax = 100

/** Creates the resolvers of the figures of stewards, and of second opinions. */
export function figureResolvers(steward: Stewardship): Resolvers {
  /** Returns the golden types of which the caller sees every field that is compared. */
  const typesToJudge = ({ scopes }: RequestContext) =>
    steward.policy.types
      .filter((type) => missingEvidence(steward.policy, type, scopes) === null)
      .map(({ name }) => name)
  return {
    Query: {
      async stewardFigures(_: unknown, { days }: { days: number }, context: RequestContext) {
        if (days < 1 || days > daysMax)
          throw inputError('BAD_FILTER', `days must be 1 to ${daysMax}, not ${days}`)
        // The actions of others are about golden records that the caller may not see.
        return context.bound ? null : await stewardFigures(context.sql, days)
      },
      async secondOpinions(_: unknown, { count }: { count: number }, context: RequestContext) {
        if (count < 1 || count > pairsMax)
          throw inputError('TOO_MANY_IDS', `1 to ${pairsMax} pairs at once, not ${count}`)
        const { actor } = callerOf(context)
        const open = await openOpinions(context.sql, actor, typesToJudge(context), count)
        const records = await readLabelledRecords(
          context.sql,
          open.flatMap(({ groups }) => groups.flat()),
        )
        const fullest = (keys: readonly string[]) =>
          keys
            .flatMap((key) => records.get(key) ?? [])
            .sort(
              (x, y) => valuesOf(y.canonical) - valuesOf(x.canonical) || (x.key < y.key ? -1 : 1),
            )
            .at(0)
        const shown = []
        for (const { type, groups } of open) {
          const [a, b] = [fullest(groups[0]), fullest(groups[1])]
          // A source record may be erased since, or belong to rows of others.
          if (!a || !b || (await findUnauthorizedId([a.key, b.key], context)) !== null) continue
          shown.push({ type, a: { ...a, type }, b: { ...b, type } })
        }
        return shown
      },
    },
    StewardFigures: {
      agreement: ({ opinions, agreed }: StewardFigures & { agreed: number }) =>
        opinions === 0 ? null : wilson(agreed / opinions, opinions),
    },
  }
}

function valuesOf(canonical: Record<string, unknown>): number {
  return Object.values(canonical).filter((v) => v !== null && v !== undefined).length
}
