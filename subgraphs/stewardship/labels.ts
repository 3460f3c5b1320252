import { missingEvidence } from '../../mdm/explain/evidence.ts'
import {
  type GivenLabel,
  type LabelledRecord,
  type StoredSample,
  sampleStored,
  storeLabels,
  typesOfLabels,
} from '../../mdm/explain/labels.ts'
import { estimateFromLabels } from '../../mdm/match/labelEstimate.ts'
import type { Stewardship } from '../../mdm/stewardship/steward.ts'
import { shownValues } from '../golden/mask.ts'
import { callerOf } from '../shared/caller.ts'
import type { RequestContext } from '../shared/context.ts'
import { inputError } from '../shared/errors.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import { findUnauthorizedId } from './rowGuard.ts'

/** Pairs of a sample, and answers of a call. */
const PAIRS_MAX = 500
/** Samples of an operation: each reads thousands of rows, and aliases could ask for many. */
const SAMPLES_MAX = 4

type Shown = LabelledRecord & { type: string }

/** Creates the resolvers of labels. */
export function labelResolvers(steward: Stewardship): Resolvers {
  /**
   * Refuses a caller who may not see every compared field: the sample depends on hidden values, and
   * who does not see them cannot answer.
   */
  const checkType = (name: string, { scopes }: RequestContext) => {
    const type = steward.policy.types.find((t) => t.name === name)
    if (!type || !steward.engines.has(name))
      throw inputError('NOT_MATCHED', `there is no golden type ${name} that is matched`)
    const scope = missingEvidence(steward.policy, type, scopes)
    if (scope !== null)
      throw inputError('MISSING_SCOPE', `labels of ${name} need the scope ${scope}`)
  }
  const checkNumber = (what: string, count: number) => {
    if (count < 1 || count > PAIRS_MAX)
      throw inputError('TOO_MANY_IDS', `1 to ${PAIRS_MAX} ${what} at once, not ${count}`)
  }
  return {
    Query: {
      async labelSample(
        _: unknown,
        { type, count, seed }: { type: string; count: number; seed: number },
        context: RequestContext,
      ) {
        checkNumber('pairs', count)
        checkType(type, context)
        const name = `${type} ${count} ${seed}`
        const asked = context.once('labelSamples', () => new Set<string>()).add(name)
        if (asked.size > SAMPLES_MAX)
          throw inputError('TOO_MANY_IDS', `at most ${SAMPLES_MAX} samples in one operation`)
        return await context.once(`labelSample ${name}`, () =>
          sampleStored(context.sql, steward, type, count, seed),
        )
      },
    },
    Mutation: {
      async answerLabels(
        _: unknown,
        { answers }: { answers: GivenLabel[] },
        context: RequestContext,
      ) {
        checkNumber('answers', answers.length)
        const labels = answers.map(({ a, b, answer }) => ({
          a: a.toLowerCase(),
          b: b.toLowerCase(),
          answer,
        }))
        const hidden = await findUnauthorizedId(
          labels.flatMap(({ a, b }) => [a, b]),
          context,
        )
        if (hidden !== null)
          throw inputError('UNKNOWN_ID', `no source record has the key ${hidden}`)
        const types = await typesOfLabels(steward.sql, steward, labels)
        if ('code' in types) throw inputError(types.code, types.detail)
        for (const type of new Set(types)) checkType(type, context)
        return await storeLabels(
          steward.sql,
          callerOf(context).actor,
          labels.map((label, i) => ({ ...label, type: types[i] ?? '' })),
        )
      },
    },
    LabelSample: {
      pairs: ({ type, pairs }: StoredSample) =>
        pairs.map(({ a, b, answer }) => ({ a: { ...a, type }, b: { ...b, type }, answer })),
      answered: ({ counted }: StoredSample) => counted.known,
      unsure: ({ counted }: StoredSample) => counted.unsure,
      open: ({ counted }: StoredSample) => counted.open,
      precision: ({ counted }: StoredSample) => estimateFromLabels(counted.labelled).precision,
      recall: ({ counted }: StoredSample) => estimateFromLabels(counted.labelled).recall,
    },
    LabelledRecord: {
      id: (r: Shown) => r.key,
      system: (r: Shown) => r.source,
      values: (r: Shown, _: unknown, context: RequestContext) =>
        shownValues(
          steward.policy,
          steward.policy.type(r.type),
          r.canonical,
          context,
          'STEWARDSHIP',
          r.key,
        ),
    },
  }
}
