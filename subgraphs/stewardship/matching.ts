import { type ClusterStory, clusterStory } from '../../mdm/explain/clusterStory.ts'
import { missingEvidence } from '../../mdm/explain/evidence.ts'
import {
  type Explanation,
  explain,
  explainPairs,
  pairName,
  undisclosed,
} from '../../mdm/explain/explain.ts'
import { type MatchFor, matchesFor, UNSTORED_KEY, VERDICTS } from '../../mdm/explain/matchesFor.ts'
import { type Related, relatedTo } from '../../mdm/explain/related.ts'
import {
  assertionListing,
  assertionsOfGolden,
  oldestAssertions,
  type StewardAssertion,
} from '../../mdm/explain/stewardAssertions.ts'
import { sensitiveScopes } from '../../mdm/feed/visible.ts'
import {
  type LineageRow,
  latestLineage,
  lineageListing,
  lineageOfGolden,
} from '../../mdm/golden/read/lineage.ts'
import { readGoldenIds } from '../../mdm/golden/read/read.ts'
import { probabilityOf } from '../../mdm/match/probability.ts'
import type { WaterfallStep } from '../../mdm/match/waterfall.ts'
import {
  type ListedModel,
  latestModels,
  misfit,
  modelCondition,
  modelListing,
  readTimesInForce,
} from '../../mdm/policy/models.ts'
import type { SourceRecord } from '../../mdm/records/records.ts'
import {
  likeliestMatches,
  matchesById,
  type PossibleRow,
  possibleMatchesOfGolden,
  possibleMatchListing,
} from '../../mdm/resolution/possibleMatches.ts'
import type { Stewardship } from '../../mdm/stewardship/steward.ts'
import { taskId } from '../../mdm/tasks/tasks.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { shownValues } from '../golden/mask.ts'
import {
  listConnection,
  type MemoryOrder,
  memoryConnection,
  type PageArguments,
  pageRequest,
  relatedConnection,
} from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import { inputError } from '../shared/errors.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import { lookups } from './lookups.ts'
import { checkedValues, typeNamed } from './newRecord.ts'
import { shownReason } from './visibleReason.ts'

const decreasing = (name: string) =>
  ({ column: { name, sql: name, type: 'float8', nullable: false }, descending: true }) as const
const increasing = (name: string, type: 'uuid' | 'bigint') =>
  ({ column: { name, sql: name, type, nullable: false }, descending: false }) as const

const likeliestCandidates: MemoryOrder<MatchFor> = {
  order: [increasing('verdict', 'bigint'), decreasing('weight'), increasing('goldenId', 'uuid')],
  valuesOf: (m) => [VERDICTS.indexOf(m.verdict), m.weight, m.goldenId],
}
const likeliestRelated: MemoryOrder<Related> = {
  order: [decreasing('weight'), increasing('goldenId', 'uuid')],
  valuesOf: (r) => [r.relatedWeight, r.otherGoldenId],
}
const strongestLinks: MemoryOrder<ClusterStory['links'][number]> = {
  order: [decreasing('weight'), increasing('a', 'uuid'), increasing('b', 'uuid')],
  valuesOf: (l) => [l.weight, l.a, l.b],
}
const oldestRecords: MemoryOrder<SourceRecord> = {
  order: [increasing('arrival', 'bigint')],
  valuesOf: (r) => [r.id],
}

interface NewRecordArguments extends PageArguments {
  type: string
  values: unknown
  system?: string | null
}
type Times = Pick<ListedModel, 'inForceFrom' | 'inForceUntil'>
type Step = WaterfallStep & { of: Explanation }

/**
 * Creates the resolvers of explain, possibleMatches, possiblyRelated and clusterStory. Policy and
 * engines are read from `steward` each time: they change when another policy or model is published.
 */
export function matchingResolvers(steward: Stewardship): Resolvers {
  const { actionOf, taskOf, named } = lookups(steward.policy)
  const unitOf = (e: Explanation, name: string) =>
    steward.engines
      .get(e.type)
      ?.comparisons.find((u) => u.name === name)
      ?.fields.map((f) => f.name) ?? []
  /** Returns the scope that the caller lacks for the compared fields of a type, or null. */
  const missing = (type: string | undefined, { scopes }: RequestContext) => {
    const found = steward.policy.types.find((t) => t.name === type)
    return found ? missingEvidence(steward.policy, found, scopes) : null
  }
  /** Returns explanations of pairs of source records, batched over all parents. */
  const explained = (a: string, b: string, context: RequestContext) => {
    // Part of the name, because the reads of several operations are shared.
    const covered = [...sensitiveScopes(steward.policy)].filter((s) => context.scopes.has(s)).sort()
    const name = `explanation ${covered}`
    return context.load<Explanation | null>(name, pairName(a, b), null, (names, sql) =>
      explainPairs(
        sql,
        steward,
        names.map((name) => name.split(' ') as [string, string]),
        new Set(covered),
      ),
    )
  }
  const goldenIdOf = async (id: string, { sql }: RequestContext) => {
    const found = (await readGoldenIds(sql, [id.toLowerCase()], { ended: false })).get(
      id.toLowerCase(),
    )
    if (!found) throw inputError('UNKNOWN_ID', `no golden record has the id ${id}`)
    return found
  }
  /** The likeliest first; by id if the order by weight would reveal hidden values. */
  const possibleMatches = async (
    goldenId: string,
    args: PageArguments,
    context: RequestContext,
  ) => {
    const type = (await named(goldenId, context))?.__typename
    const isHidden = missing(type, context) !== null
    return relatedConnection(
      context,
      `possibleMatches ${isHidden} ${JSON.stringify(args)}`,
      { listing: possibleMatchListing, relation: possibleMatchesOfGolden, parent: goldenId },
      pageRequest(args, isHidden ? matchesById : likeliestMatches),
    )
  }
  /**
   * Explains a possible match: its stored pair, or the best pair by what the caller may see. Which
   * pair is the stored one depends on hidden values.
   */
  const explainedMatch = async (p: PossibleRow, context: RequestContext) => {
    if (missing(await typeOfMatch(p, context), context) === null)
      return await explained(p.own, p.other, context)
    return await context.once(`explained ${p.goldenId} ${p.otherGoldenId}`, async () => {
      const { sql, scopes } = context
      const found = await explain(sql, steward, p.goldenId, p.otherGoldenId, { scopes })
      return 'code' in found ? null : found
    })
  }
  const typeOfMatch = async (p: PossibleRow, context: RequestContext) =>
    (await named(p.otherGoldenId, context))?.__typename
  const weightOfMatch = async (p: PossibleRow, context: RequestContext) => {
    if (missing(await typeOfMatch(p, context), context) === null) return p.weight
    const found = await explainedMatch(p, context)
    return Math.fround(found?.weight ?? found?.prior ?? 0)
  }
  const timesInForce = (m: ListedModel, context: RequestContext) =>
    context.load<Times | null>('timesInForce', m.version, null, (versions, sql) =>
      readTimesInForce(sql, versions),
    )
  const values = (s: Step, r: SourceRecord, context: RequestContext) => {
    const fields = unitOf(s.of, s.field)
    if (fields.length === 0) return null
    const own = Object.fromEntries(
      fields.map((f) => [f, ownValue(r.canonical, f)]).filter(([, value]) => value !== undefined),
    )
    return shownValues(
      steward.policy,
      steward.policy.type(s.of.type),
      own,
      context,
      'EXPLAIN',
      r.key,
    )
  }
  const reason = (type: string, text: string, context: RequestContext, ids: readonly string[]) =>
    shownReason(steward.policy.type(type), text, context, 'EXPLAIN', ids)

  return {
    Query: {
      async explain(
        _: unknown,
        { a, b, whole }: { a: string; b: string; whole: boolean },
        { sql, scopes }: RequestContext,
      ) {
        const found = await explain(sql, steward, a, b, { whole, scopes })
        if ('code' in found) throw inputError(found.code, found.detail)
        return found
      },
      possibleMatches: async (
        _: unknown,
        { of, ...page }: PageArguments & { of: string },
        context: RequestContext,
      ) => possibleMatches(await goldenIdOf(of, context), page, context),
      possiblyRelated: async (
        _: unknown,
        { of, ...page }: PageArguments & { of: string },
        context: RequestContext,
      ) =>
        memoryConnection(
          page,
          await relatedTo(context.sql, steward, await goldenIdOf(of, context), context.scopes),
          likeliestRelated,
        ),
      matchesFor: async (
        _: unknown,
        { type: name, values, system, ...page }: NewRecordArguments,
        context: RequestContext,
      ) => {
        const { sql, scopes } = context
        const type = typeNamed(steward.policy, name)
        const checked = checkedValues(steward.policy, type, values, scopes)
        const record = { values: checked, system: system ?? '' }
        return memoryConnection(
          page,
          await matchesFor(sql, steward, type, record, scopes),
          likeliestCandidates,
        )
      },
      async clusterStory(_: unknown, { id }: { id: string }, { sql, scopes }: RequestContext) {
        const story = await clusterStory(sql, steward, id, scopes)
        if (!story) throw inputError('UNKNOWN_ID', `no golden record has the id ${id}`)
        return story
      },
      matchModels: (
        _: unknown,
        { type, ...page }: PageArguments & { type?: string | null },
        context: RequestContext,
      ) =>
        listConnection(
          context,
          modelListing,
          pageRequest(page, latestModels, type ? modelCondition(type) : undefined),
        ),
    },
    MatchModel: {
      inForceFrom: async (m: ListedModel, _: unknown, context: RequestContext) =>
        (await timesInForce(m, context))?.inForceFrom,
      inForceUntil: async (m: ListedModel, _: unknown, context: RequestContext) =>
        (await timesInForce(m, context))?.inForceUntil,
      inForce: (m: ListedModel) => steward.engines.get(m.type)?.version === m.version,
      misfit: (m: ListedModel) => {
        const units = steward.engines.get(m.type)?.comparisons
        return units ? misfit(m, units) : `the policy in force has no golden type ${m.type}`
      },
    },
    MatchExplanation: {
      because: (e: Explanation, _: unknown, context: RequestContext) =>
        reason(e.type, e.because, context, [e.a.key, e.b.key]),
      forbidden: (e: Explanation, _: unknown, context: RequestContext) =>
        e.forbidden === null ? null : reason(e.type, e.forbidden, context, [e.a.key, e.b.key]),
      steps: (e: Explanation) => e.steps.map((step): Step => ({ ...step, of: e })),
    },
    MatchStep: {
      comparison: (s: Step) => s.field,
      fields: (s: Step) => unitOf(s.of, s.field),
      valuesA: (s: Step, _: unknown, context: RequestContext) => values(s, s.of.a, context),
      valuesB: (s: Step, _: unknown, context: RequestContext) => values(s, s.of.b, context),
    },
    MatchAssertion: {
      action: (s: StewardAssertion, _: unknown, context: RequestContext) =>
        actionOf(s.actionId, context),
    },
    ComparedRecord: {
      id: (r: SourceRecord) => r.key,
      system: (r: SourceRecord) => r.source,
      record: (r: SourceRecord, _: unknown, context: RequestContext) =>
        r.goldenId ? named(r.goldenId, context) : null,
    },
    PossibleMatch: {
      goldenId: (p: PossibleRow) => p.otherGoldenId,
      record: (p: PossibleRow, _: unknown, context: RequestContext) =>
        named(p.otherGoldenId, context),
      weight: (p: PossibleRow, _: unknown, context: RequestContext) => weightOfMatch(p, context),
      probability: async (p: PossibleRow, _: unknown, context: RequestContext) =>
        probabilityOf(await weightOfMatch(p, context)),
      reason: async (p: PossibleRow, _: unknown, context: RequestContext) => {
        const type = await typeOfMatch(p, context)
        const scope = missing(type, context)
        if (scope !== null) return undisclosed(scope)
        return type === undefined ? p.reason : reason(type, p.reason, context, [p.own, p.other])
      },
      task: (p: PossibleRow, _: unknown, context: RequestContext) =>
        taskOf(taskId('POSSIBLE_MATCH', [p.goldenId, p.otherGoldenId]), context),
      explanation: (p: PossibleRow, _: unknown, context: RequestContext) =>
        explainedMatch(p, context),
    },
    MatchCandidate: {
      record: (m: MatchFor, _: unknown, context: RequestContext) => named(m.goldenId, context),
      probability: (m: MatchFor) => probabilityOf(m.weight),
      because: (m: MatchFor, _: unknown, context: RequestContext) =>
        reason(m.explanation.type, m.because, context, [UNSTORED_KEY, m.explanation.b.key]),
    },
    PossiblyRelated: {
      goldenId: (r: Related) => r.otherGoldenId,
      record: (r: Related, _: unknown, context: RequestContext) => named(r.otherGoldenId, context),
      probability: (r: Related) => probabilityOf(r.relatedWeight),
      explanation: (r: Related, _: unknown, context: RequestContext) =>
        explained(r.own, r.other, context),
    },
    ClusterStory: {
      record: (s: ClusterStory, _: unknown, context: RequestContext) => named(s.goldenId, context),
      members: (s: ClusterStory, args: PageArguments) =>
        memoryConnection(args, s.members, oldestRecords),
      links: (s: ClusterStory, args: PageArguments) =>
        memoryConnection(args, s.links, strongestLinks),
      joins: (s: ClusterStory, args: PageArguments) => memoryConnection(args, s.joins),
      refusals: (s: ClusterStory, args: PageArguments, context: RequestContext) =>
        possibleMatches(s.goldenId, args, context),
      assertions: (s: ClusterStory, args: PageArguments, context: RequestContext) =>
        relatedConnection(
          context,
          `assertions ${JSON.stringify(args)}`,
          { listing: assertionListing, relation: assertionsOfGolden, parent: s.goldenId },
          pageRequest(args, oldestAssertions),
        ),
      history: (s: ClusterStory, args: PageArguments, context: RequestContext) =>
        relatedConnection(
          context,
          `lineage ${JSON.stringify(args)}`,
          { listing: lineageListing, relation: lineageOfGolden, parent: s.goldenId },
          pageRequest(args, latestLineage),
        ),
    },
    ClusterLink: {
      explanation: (l: { a: string; b: string }, _: unknown, context: RequestContext) =>
        explained(l.a, l.b, context),
    },
    ClusterEvent: {
      position: (c: LineageRow, _: unknown, { seal }: RequestContext) => (seal ? 0 : c.position),
      system: (c: LineageRow) => c.cause.source,
      action: (c: LineageRow, _: unknown, context: RequestContext) =>
        c.cause.source === 'stewardship' ? actionOf(c.cause.sourceId ?? null, context) : null,
    },
  }
}
