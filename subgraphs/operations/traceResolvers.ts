import { type MessageStory, trace } from '../../mdm/explain/trace.ts'
import type { TracedEvent } from '../../mdm/explain/traceEvents.ts'
import type { TracedRecord } from '../../mdm/explain/traceMessages.ts'
import type { ExceptionDesk } from '../../mdm/ingest/exceptions.ts'
import { visibleChanges } from '../../schema/hiddenFields.ts'
import type { RequestContext } from '../shared/context.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import { hiddenDetail } from './transformation.ts'

/** Creates the resolver of the query trace(id:). */
export function traceResolvers(desk: ExceptionDesk): Resolvers {
  return {
    Query: {
      trace: (_: unknown, { id }: { id: string }, { sql }: RequestContext) =>
        trace({ ...desk, sql }, id),
    },
    TracedMessage: {
      id: (m: MessageStory) => String(m.inboxId),
      detail: (m: MessageStory, _: unknown, { scopes }: RequestContext) =>
        m.code === null ? null : (hiddenDetail(desk, { ...m, code: m.code }, scopes) ?? m.detail),
    },
    TracedRecord: {
      id: (r: TracedRecord) => r.key,
      recordId: (r: TracedRecord) => r.sourceId,
      message: (r: TracedRecord) => String(r.inboxId),
    },
    TracedEvent: {
      id: (e: TracedEvent) => `${e.goldenId}.${e.version}`,
      message: (e: TracedEvent, _: unknown, { seal }: RequestContext) =>
        seal || e.inboxId === null ? null : String(e.inboxId),
      position: (e: TracedEvent, _: unknown, { seal }: RequestContext) => (seal ? 0 : e.position),
      changedFields: (e: TracedEvent, _: unknown, { scopes }: RequestContext) =>
        visibleChanges(desk.policy, e.type, e.changedFields, scopes),
    },
  }
}
