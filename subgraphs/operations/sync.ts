import { closedWork, readWaiting } from '../../mdm/connections/closed.ts'
import { type ControlKind, controlSync } from '../../mdm/connections/control.ts'
import {
  latestRuns,
  type ObjectState,
  type RunFilter,
  readStates,
  runCondition,
  runListing,
  type SyncFilter,
  stateListing,
  stateOrder,
  syncCondition,
} from '../../mdm/connections/read.ts'
import { type ExceptionDesk, ownerOfException } from '../../mdm/ingest/exceptions.ts'
import { callerOf } from '../shared/caller.ts'
import {
  connectionResolvers,
  listConnection,
  memoryConnection,
  type PageArguments,
  pageRequest,
} from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import type { Resolvers } from '../shared/subgraph.ts'

/** The objects of each source system that is pulled, by its name. */
export type PulledObjects = ReadonlyMap<string, readonly string[]>

type FilterArgs = PageArguments & { filter?: SyncFilter | null }
interface ControlArgs {
  source: string
  object?: string | null
  reason: string
  idempotencyKey: string
  deleteAtMost?: number | null
}

/** Creates the resolvers of the queries and mutations of pulls. */
export function syncResolvers(desk: ExceptionDesk, objects: PulledObjects): Resolvers {
  const control =
    (kind: ControlKind) =>
    async (
      _: unknown,
      { source, object, deleteAtMost, ...request }: ControlArgs,
      context: RequestContext,
    ) => {
      if (context.bound)
        return {
          __typename: 'SyncRefused',
          rule: 'MISSING_ROLE',
          detail: 'pulls are available only to callers without row rights',
        }
      const outcome = await controlSync(
        { sql: desk.sql, rules: desk.rules, objects },
        callerOf(context),
        kind,
        { source, object },
        request,
        { allowed: deleteAtMost ?? null },
      )
      if (outcome.code === 'REFUSED') return { __typename: 'SyncRefused', ...outcome }
      const filter = { sources: [source], objects: outcome.objects }
      const states = await readStates(desk.sql, filter, outcome.objects.length)
      return { __typename: 'SyncDone', objects: states }
    }
  const closedOf = (source: string) => closedWork(desk.connectors.get(source)?.system?.calendar)
  return {
    Query: {
      // Pulls concern the records of all, so a caller with row rights sees none of them.
      connections: (_: unknown, { filter, ...page }: FilterArgs, context: RequestContext) =>
        context.bound
          ? memoryConnection(page, [])
          : listConnection(
              context,
              stateListing,
              pageRequest(page, stateOrder, syncCondition('s', filter ?? {})),
            ),
      syncRuns: (
        _: unknown,
        { filter, ...page }: PageArguments & { filter?: RunFilter | null },
        context: RequestContext,
      ) =>
        context.bound
          ? memoryConnection(page, [])
          : listConnection(
              context,
              runListing,
              pageRequest(page, latestRuns, runCondition(filter ?? {})),
            ),
    },
    Mutation: {
      pauseSync: control('PAUSE'),
      resumeSync: control('RESUME'),
      rescan: control('RESCAN'),
      runSync: control('RUN'),
      takeCensus: control('CENSUS'),
    },
    PulledObject: {
      closedUntil: ({ source }: ObjectState) =>
        closedOf(source).find(({ holds }) => holds === 'PULL')?.until ?? null,
      closed: async ({ source }: ObjectState, _: unknown, context: RequestContext) => {
        const now = closedOf(source)
        if (now.length === 0) return []
        const waiting = await context.once(`waiting ${source}`, () =>
          readWaiting(context.sql, [source]),
        )
        return now.map((one) => ({ ...one, waiting: waiting.get(source)?.[one.holds] ?? 0 }))
      },
      reading: (s: ObjectState) => s.isHeld,
      owner: ({ source, object }: ObjectState) =>
        ownerOfException(desk, { system: source, object }),
    },
    PulledObjectConnection: connectionResolvers,
    SyncRunConnection: connectionResolvers,
    SyncResult: { __resolveType: (of: { __typename: string }) => of.__typename },
  }
}
