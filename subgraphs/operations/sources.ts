import { closedWork } from '../../mdm/connections/closed.ts'
import {
  type Arrivals,
  type ConfiguredLimit,
  readArrivals,
  readLimitUse,
} from '../../mdm/connections/sourceStates.ts'
import { readOnlyTransaction } from '../../mdm/db/readOnlyTransaction.ts'
import { type ListedDelivery, listDeliveries } from '../../mdm/files/listDeliveries.ts'
import { countExceptions } from '../../mdm/inbox/exceptions.ts'
import { type WaitingFigure, waitingFigures } from '../../mdm/inbox/metrics.ts'
import type { ExceptionDesk } from '../../mdm/ingest/exceptions.ts'
import { ownerOf } from '../../mdm/tasks/rules.ts'
import type { SourceSystem } from '../../schema/sourceSystem.ts'
import { connectionResolvers, memoryConnection, type PageArguments } from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import type { Resolvers } from '../shared/subgraph.ts'

/** How the records of a source system come, beside its deliveries. */
export interface SourceIntake {
  isAsked: boolean
  hasFiles: boolean
  limits: readonly ConfiguredLimit[]
}

/** The configured source systems, and how the records of each come. */
export interface ConfiguredSources {
  systems: readonly SourceSystem[]
  intakes: ReadonlyMap<string, SourceIntake>
}

const filesMax = 20
const NO_INTAKE: SourceIntake = { isAsked: false, hasFiles: false, limits: [] }

/** Creates the resolvers of source systems as a whole. */
export function sourceResolvers(
  desk: ExceptionDesk,
  { systems, intakes }: ConfiguredSources,
): Resolvers {
  const intakeOf = ({ name }: SourceSystem) => intakes.get(name) ?? NO_INTAKE
  const arrivals = (context: RequestContext) =>
    context.once('sourceArrivals', () => readOnlyTransaction(desk.sql, readArrivals))
  const waiting = (context: RequestContext) =>
    context.once('sourceWaiting', () => readOnlyTransaction(desk.sql, waitingFigures))
  const exceptions = (context: RequestContext) =>
    context.once('sourceExceptions', () => countExceptions(desk.sql, {}))
  const used = (context: RequestContext) =>
    context.once('sourceLimits', () =>
      readLimitUse(
        desk.sql,
        [...intakes.values()].flatMap((i) => i.limits.map((l) => l.key)),
      ),
    )
  const arrivalOf = async (
    { name }: SourceSystem,
    context: RequestContext,
  ): Promise<Arrivals | undefined> => (await arrivals(context)).get(name)

  const closed = ({ calendar }: SourceSystem) =>
    closedWork(calendar).find((c) => c.holds === 'PULL')

  return {
    Query: {
      // They concern the messages of all, so a caller with row rights sees none of them.
      sourceSystems: (_: unknown, page: PageArguments, context: RequestContext) =>
        memoryConnection(
          page,
          context.bound ? [] : systems.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
        ),
    },
    SourceSystem: {
      owner: ({ name }: SourceSystem) =>
        ownerOf(desk.rules, { system: name, object: null, type: null }),
      intake: (system: SourceSystem) => [
        ...(intakeOf(system).isAsked ? ['CONNECTION'] : []),
        ...(intakeOf(system).hasFiles ? ['FILES'] : []),
        ...(system.secrets.length > 0 ? ['DELIVERIES'] : []),
      ],
      objects: ({ name }: SourceSystem) =>
        desk.connectors.get(name)?.objects.map((o) => o.name) ?? [],
      held: ({ name }: SourceSystem) => desk.connectors.get(name)?.held ?? null,
      closedUntil: (system: SourceSystem) => closed(system)?.until ?? null,
      closedBecause: (system: SourceSystem) => closed(system)?.why ?? null,
      lastMessageAt: async (system: SourceSystem, _: unknown, context: RequestContext) =>
        (await arrivalOf(system, context))?.lastMessageAt ?? null,
      messagesOfHour: async (system: SourceSystem, _: unknown, context: RequestContext) =>
        (await arrivalOf(system, context))?.messagesOfHour ?? 0,
      waiting: async ({ name }: SourceSystem, _: unknown, context: RequestContext) =>
        byObject(
          (await waiting(context)).filter((w) => w.system === name),
          (object) => desk.connectors.get(name)?.objectName(object) ?? object,
        ),
      exceptions: async ({ name }: SourceSystem, _: unknown, context: RequestContext) =>
        (await exceptions(context))
          .filter((e) => e.system === name)
          .reduce((sum, e) => sum + e.count, 0),
      limits: async (system: SourceSystem, _: unknown, context: RequestContext) => {
        const { limits } = intakeOf(system)
        if (limits.length === 0) return []
        const taken = await used(context)
        return limits.map(({ key, ...limit }) => ({ ...limit, used: taken.get(key) ?? 0 }))
      },
      latestFiles: (system: SourceSystem, _: unknown, context: RequestContext) =>
        intakeOf(system).hasFiles
          ? context.once<Promise<ListedDelivery[]>>(`sourceFiles ${system.name}`, () =>
              listDeliveries(desk.sql, { source: system.name, open: false }, filesMax),
            )
          : [],
    },
    SourceSystemConnection: connectionResolvers,
  }
}

/** Joins messages whose object has several names. */
function byObject(rows: readonly WaitingFigure[], nameOf: (object: string) => string) {
  const groups = Map.groupBy(rows, (r) => (r.object === null ? null : nameOf(r.object)))
  return [...groups].map(([object, of]) => ({
    object,
    count: of.reduce((sum, w) => sum + w.count, 0),
    oldestAt: new Date(Math.min(...of.map((w) => w.oldestAt.getTime()))),
  }))
}
