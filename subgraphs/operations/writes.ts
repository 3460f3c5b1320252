import { isDeepStrictEqual } from 'node:util'
import type { ObjectState } from '../../mdm/connections/read.ts'
import type { Relation } from '../../mdm/db/page.ts'
import { type ExceptionDesk, ownerOfException } from '../../mdm/ingest/exceptions.ts'
import { ownerOf } from '../../mdm/tasks/rules.ts'
import { controlWrites, type WriteRequest } from '../../mdm/writeback/control.ts'
import {
  countIntents,
  type IntentFilter,
  type IntentRow,
  intentCondition,
  intentListing,
  intentsOfGolden,
  intentsOfObject,
  intentsOfSource,
  latestIntents,
  readIntentsById,
  readTargets,
  type StateCount,
  type TargetRow,
} from '../../mdm/writeback/read.ts'
import { hiddenFields, missingScopeOf, missingScopeOfType } from '../../schema/hiddenFields.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import { allStorable } from '../../schema/storable.ts'
import { maskedValue, sensitiveOf } from '../golden/mask.ts'
import { callerOf } from '../shared/caller.ts'
import {
  connectionResolvers,
  listConnection,
  memoryConnection,
  type PageArguments,
  pageRequest,
  relatedConnection,
} from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import { messageNumber } from './messageNumber.ts'
import { notShown } from './transformation.ts'

type FilterArgs = PageArguments & { filter?: IntentFilter | null }
interface TargetFilter {
  sources?: string[] | null
  modes?: string[] | null
  held?: boolean | null
}
/** `write:` of a source system: its mode, and the mistake that holds it. */
interface WriteConfiguration {
  mode: string
  held: string | null
}

/** The source systems with `write:` by name. The map changes with the active policy. */
export type WriteConfigurations = ReadonlyMap<string, WriteConfiguration>

/** A source system with `write:`: its configuration, and the state of its writes if some are planned. */
interface TargetState extends TargetRow {
  mode: string | null
  held: string | null
}

interface ControlArgs {
  source: string
  ids?: string[] | null
  reason: string
  idempotencyKey: string
}

/** Creates the resolvers of the queries and mutations of writes to source systems. */
export function writeResolvers(desk: ExceptionDesk, targets: WriteConfigurations): Resolvers {
  const { policy } = desk
  const targetStates = (context: RequestContext) =>
    context.once('writeTargets', async () => joinStates(targets, await readTargets(context.sql)))
  const control =
    (kind: WriteRequest) =>
    async (_: unknown, { source, ids, ...request }: ControlArgs, context: RequestContext) => {
      if (context.bound)
        return refused('MISSING_ROLE', 'writes are available only to callers without row rights')
      const numbers = ids?.map(messageNumber) ?? null
      const wrong = numbers?.indexOf(null) ?? -1
      if (wrong >= 0)
        return refused('UNKNOWN_WRITE', `"${ids?.[wrong]?.slice(0, 60)}" is not the id of a write`)
      const selection = { source, ids: numbers as number[] | null }
      const outcome = await controlWrites(desk, callerOf(context), kind, selection, request)
      return outcome.code === 'REFUSED'
        ? refused(outcome.rule, outcome.detail)
        : { __typename: 'WriteDone', ...outcome }
    }
  /** Returns the writes of a parent. They concern all records, so row rights show none of them. */
  const writesOf = (
    relation: Relation,
    parent: string,
    { filter, ...page }: FilterArgs,
    context: RequestContext,
  ) => {
    if (context.bound) return memoryConnection(page, [])
    const given = allStorable(filter ?? {})
    return relatedConnection(
      context,
      `writes ${relation.where} ${JSON.stringify({ ...page, given })}`,
      { listing: intentListing, relation, parent },
      pageRequest(page, latestIntents, intentCondition(given)),
    )
  }

  return {
    Query: {
      writeIntents: (_: unknown, { filter, ...page }: FilterArgs, context: RequestContext) =>
        context.bound
          ? memoryConnection(page, [])
          : listConnection(
              context,
              intentListing,
              pageRequest(page, latestIntents, intentCondition(allStorable(filter ?? {}))),
            ),
      writeIntent: (_: unknown, { id }: { id: string }, context: RequestContext) => {
        const number = messageNumber(id)
        if (number === null || context.bound) return null
        return context.load<IntentRow | null>('writeIntent', String(number), null, (ids, sql) =>
          readIntentsById(sql, ids),
        )
      },
      writeTargets: async (
        _: unknown,
        { filter, ...page }: PageArguments & { filter?: TargetFilter | null },
        context: RequestContext,
      ) =>
        memoryConnection(
          page,
          context.bound ? [] : filtered(await targetStates(context), filter ?? {}),
        ),
    },
    Mutation: {
      approveWrites: control('APPROVE'),
      holdWrites: control('HOLD'),
      releaseWrites: control('RELEASE'),
    },
    ...Object.fromEntries(
      policy.types.map((type) => [
        type.name,
        {
          writeIntents: ({ id }: { id: string }, args: FilterArgs, context: RequestContext) =>
            writesOf(intentsOfGolden, id, args, context),
        },
      ]),
    ),
    WriteTarget: {
      owner: ({ source }: TargetRow) =>
        ownerOf(desk.rules, { system: source, object: null, type: null }),
      counts: ({ source }: TargetRow, _: unknown, context: RequestContext) =>
        context.load<StateCount[]>('writeCounts', source, [], (sources, sql) =>
          countIntents(sql, sources),
        ),
      writeIntents: ({ source }: TargetRow, args: FilterArgs, context: RequestContext) =>
        writesOf(intentsOfSource, source, args, context),
    },
    WriteIntent: {
      recordId: (i: IntentRow) => i.sourceId,
      goldenVersion: (i: IntentRow) => i.version,
      changes: (i: IntentRow, _: unknown, context: RequestContext) =>
        shownChanges(policy, i, context),
      refused: (i: IntentRow, _: unknown, { scopes }: RequestContext) =>
        (i.refused ?? []).filter((r) => isShown(policy, i, r.field, scopes)),
      code: (i: IntentRow, _: unknown, { scopes }: RequestContext) => shownCode(policy, i, scopes),
      detail: (i: IntentRow, _: unknown, { scopes }: RequestContext) => {
        const scope = hiddenBy(policy, i, scopes)
        return i.detail === null || scope === null ? i.detail : notShown(scope)
      },
      owner: ({ source, object }: IntentRow) => ownerOfException(desk, { system: source, object }),
    },
    PulledObject: {
      writeTarget: async ({ source }: ObjectState, _: unknown, context: RequestContext) =>
        context.bound
          ? null
          : (await targetStates(context)).find((target) => target.source === source),
      writeIntents: ({ source, object }: ObjectState, args: FilterArgs, context: RequestContext) =>
        writesOf(intentsOfObject, `${source} ${object}`, args, context),
    },
    WriteIntentConnection: connectionResolvers,
    WriteTargetConnection: connectionResolvers,
    WriteResult: { __resolveType: (of: { __typename: string }) => of.__typename },
  }
}

/** Joins configuration and state. Nothing is planned for a system with the mode OFF or a mistake. */
function joinStates(targets: WriteConfigurations, rows: readonly TargetRow[]): TargetState[] {
  const states = new Map(rows.map((row) => [row.source, row]))
  return [...new Set([...targets.keys(), ...states.keys()])].sort().map((source) => {
    const { mode = null, held = null } = targets.get(source) ?? {}
    return { ...(states.get(source) ?? withoutWrites(source)), mode, held }
  })
}

const withoutWrites = (source: string): TargetRow => ({
  ...{ source, failures: 0, failedSince: null, code: null, detail: null, verdict: null },
  ...{ scanned: 0, scanTotal: null, scannedAt: null, pausedUntil: null },
})

function filtered(states: readonly TargetState[], filter: TargetFilter): TargetState[] {
  const { sources, modes, held } = filter
  return states.filter(
    (state) =>
      (!sources || sources.includes(state.source)) &&
      (!modes || (state.mode !== null && modes.includes(state.mode))) &&
      (typeof held !== 'boolean' || held === (state.held !== null)),
  )
}

/** Returns the SDL of the golden types: each leads to its writes. */
export function writesOfGoldenSdl(policy: Policy): string {
  return policy.types
    .map(
      (type) => `
${JSON.stringify(type.description)}
type ${type.name} @key(fields: "id") {
  "The golden id."
  id: ID!
  "Writes to source systems for this golden record, the latest first."
  writeIntents(
    "Returns only writes that fulfil this filter."
    filter: WriteIntentFilter
  ): WriteIntentConnection @requiresScopes(scopes: [["source:read"]]) @tag(name: "internal")
}`,
    )
    .join('\n')
}

/**
 * Returns the changed fields as the caller may see them. That a hidden field differs is hidden too,
 * unless its masks differ.
 */
function shownChanges(policy: Policy, intent: IntentRow, context: RequestContext) {
  const { scopes } = context
  const type = typeOf(policy, intent)
  if (!type) return []
  const hidden = hiddenFields(policy, type, scopes)
  const changes = Object.entries(intent.changes)
  const seen = sensitiveOf(type).filter((f) => Object.hasOwn(intent.changes, f) && !hidden.has(f))
  context.shows('WRITE', type.name, seen, intent.goldenId)
  return changes.flatMap(([field, change]) => {
    if (!type.fields.some((f) => f.name === field)) return []
    if (!hidden.has(field)) return [{ field, ...change }]
    const [before, after] = [change.before, change.after].map((v) =>
      maskedValue(policy, type, field, v, scopes),
    )
    return isDeepStrictEqual(before, after) ? [] : [{ field, before, after, paths: [] }]
  })
}

/** Returns the code, or null if it is the reason of a field that the caller may not see. */
function shownCode(policy: Policy, intent: IntentRow, scopes: ReadonlySet<string>): string | null {
  const own = (intent.refused ?? []).filter((r) => r.code === intent.code)
  const isFact = own.length > 0 && own.every((r) => !isShown(policy, intent, r.field, scopes))
  return isFact ? null : intent.code
}

/** Returns the scope that a caller lacks for a field that a write concerns, or null. */
function hiddenBy(policy: Policy, intent: IntentRow, scopes: ReadonlySet<string>): string | null {
  const names = [...Object.keys(intent.changes), ...(intent.refused ?? []).map((r) => r.field)]
  const hidden = names.find((name) => !isShown(policy, intent, name, scopes))
  if (hidden === undefined) return null
  const type = typeOf(policy, intent)
  // The rights of a type or a field that the policy no longer has are unknown.
  const all = type ? [type] : policy.types
  const field = type?.fields.find((f) => f.name === hidden)
  const scope = field
    ? missingScopeOf(policy, field, scopes)
    : all.map((t) => missingScopeOfType(policy, t, scopes)).find((s) => s !== null)
  return scope ?? null
}

/** Returns whether a caller may learn what happens to a field; an empty name is the record. */
function isShown(
  policy: Policy,
  intent: IntentRow,
  field: string,
  scopes: ReadonlySet<string>,
): boolean {
  if (field === '') return true
  const type = typeOf(policy, intent)
  return (
    !!type &&
    type.fields.some((f) => f.name === field) &&
    !hiddenFields(policy, type, scopes).has(field)
  )
}

function typeOf(policy: Policy, intent: IntentRow): TypePolicy | undefined {
  return policy.types.find((t) => t.name === intent.type)
}

function refused(rule: string, detail: string) {
  return { __typename: 'WriteRefused', rule, detail }
}
