import { readOnlyTransaction } from '../../mdm/db/readOnlyTransaction.ts'
import { type ExceptionDesk, typeOf } from '../../mdm/ingest/exceptions.ts'
import { DEFAULT_RECONCILE, type ReconcileSettings } from '../../mdm/reconcile/settings.ts'
import type { ServiceLevels } from '../../mdm/serviceLevels/objectives.ts'
import { serviceLevels } from '../../mdm/serviceLevels/serviceLevels.ts'
import type { Subgraph } from '../contract.ts'
import type { RequestContext, SqlOf } from '../shared/context.ts'
import { connectionSdl } from '../shared/listSdl.ts'
import { makeSubgraph, readSdl } from '../shared/subgraph.ts'
import { tagRoots } from '../shared/tagRoots.ts'
import { exceptionResolvers } from './exceptions.ts'
import { reconcileResolvers } from './reconcile.ts'
import { type ConfiguredSources, sourceResolvers } from './sources.ts'
import { type PulledObjects, syncResolvers } from './sync.ts'
import { traceResolvers } from './traceResolvers.ts'
import { type WriteConfigurations, writeResolvers, writesOfGoldenSdl } from './writes.ts'

export interface OperationsDeps extends ExceptionDesk {
  sqlOf: SqlOf
  /** The service levels. Without them none is measured. */
  levels?: ServiceLevels | undefined
  /** The source systems that are pulled. Without them none can be paused. */
  pulled?: PulledObjects | undefined
  /** The configured source systems. Without them none is listed. */
  configured?: ConfiguredSources | undefined
  /** The source systems with `write:`. Without them those are listed that writes were planned for. */
  targets?: WriteConfigurations | undefined
  /** What is reconciled. */
  reconcile?: ReconcileSettings | undefined
}

/**
 * Creates the subgraph of operations: exceptions and their corrections, pulls of source systems and
 * writes to them, reconciliation, traces of messages, and service levels.
 */
export function createOperationsSubgraph(deps: OperationsDeps): Subgraph {
  const exceptions = exceptionResolvers(deps)
  const traces = traceResolvers(deps)
  const sync = syncResolvers(deps, deps.pulled ?? new Map())
  const writes = writeResolvers(deps, deps.targets ?? new Map())
  const reconciliation = reconcileResolvers(deps.rules, deps.reconcile ?? DEFAULT_RECONCILE)
  const sources = sourceResolvers(deps, deps.configured ?? { systems: [], intakes: new Map() })
  const { sql, levels } = deps
  const madeOf = (system: string, object: string | null) => typeOf(deps, system, object)
  return makeSubgraph(
    'operations',
    [
      tagRoots(readSdl(import.meta.url, 'schema.graphql'), 'internal'),
      tagRoots(readSdl(import.meta.url, 'sync.graphql'), 'internal'),
      tagRoots(readSdl(import.meta.url, 'writes.graphql'), 'internal'),
      tagRoots(readSdl(import.meta.url, 'reconcile.graphql'), 'internal'),
      tagRoots(readSdl(import.meta.url, 'sources.graphql'), 'internal'),
      writesOfGoldenSdl(deps.policy),
      connectionSdl({ type: 'PulledObject', plural: 'objects' }),
      connectionSdl({ type: 'SourceSystem', plural: 'source systems' }),
      connectionSdl({ type: 'SyncRun', plural: 'runs' }),
      connectionSdl({ type: 'WriteIntent', plural: 'writes' }),
      connectionSdl({ type: 'WriteTarget', plural: 'source systems' }),
      connectionSdl({ type: 'ReconcileDifference', plural: 'differences' }),
      connectionSdl({ type: 'InboundException', plural: 'exceptions' }),
      connectionSdl({ type: 'InboundExceptionCount', plural: 'counts' }),
      connectionSdl({ type: 'InboundExceptionWork', plural: 'steps' }),
    ],
    {
      ...exceptions,
      ...traces,
      ...writes,
      ...sync,
      ...reconciliation,
      ...sources,
      PulledObject: { ...sync.PulledObject, ...writes.PulledObject },
      Mutation: { ...exceptions.Mutation, ...sync.Mutation, ...writes.Mutation },
      Query: {
        ...exceptions.Query,
        ...sync.Query,
        ...writes.Query,
        ...sources.Query,
        ...traces.Query,
        ...reconciliation.Query,
        serviceLevels: (_: unknown, _args: unknown, context: RequestContext) =>
          // They count the messages and events of all.
          levels && !context.bound
            ? context.once('serviceLevels', () =>
                readOnlyTransaction(sql, (tx) => serviceLevels(tx, levels, madeOf)),
              )
            : [],
      },
    },
    deps.sqlOf,
  )
}
