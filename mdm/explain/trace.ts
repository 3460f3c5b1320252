import { recordKey } from '../../schema/recordKey.ts'
import { isUuid } from '../../schema/uuid.ts'
import type { Sql } from '../db/database.ts'
import { readBatches } from '../inbox/batches.ts'
import { type ExceptionDesk, explain } from '../ingest/exceptions.ts'
import { type ExceptionStep, readWork } from '../ingest/exceptionWork.ts'
import type { ActionRow } from '../stewardship/actions.ts'
import { readActionsById } from '../stewardship/history.ts'
import { actionOfCorrelation, actionsAbout } from './traceActions.ts'
import {
  deliveriesOf,
  eventOf,
  eventsOfGolden,
  eventsOfMessage,
  eventsOfVersions,
  type TracedDelivery,
  type TracedEvent,
} from './traceEvents.ts'
import {
  readBodies,
  readMessages,
  readTracedRecords,
  type TracedMessage,
  type TracedRecord,
} from './traceMessages.ts'

/** An event and its deliveries to endpoints. */
export interface EventStory extends TracedEvent {
  deliveries: TracedDelivery[]
}

/** A message with every step it went through and everything it led to. */
export interface MessageStory extends TracedMessage {
  /**
   * Times at which a worker claimed it, earliest first; several after a replay. Kept for 30 days.
   */
  passes: { worker: string; claimedAt: Date; appliedAt: Date; messages: number }[]
  records: TracedRecord[]
  events: EventStory[]
  work: ExceptionStep[]
  /** Steward actions about its golden records since it arrived. */
  later: ActionRow[]
}

export type TraceKind = 'MESSAGE' | 'CORRELATION' | 'EVENT' | 'GOLDEN_RECORD' | 'ACTION'

/** The trace of an id. */
export interface Trace {
  id: string
  kind: TraceKind
  messages: MessageStory[]
  /** True if the id has more messages than the trace holds. */
  more: boolean
  /** The events themselves, in order, if the id is an event, a golden record or an action. */
  events: EventStory[]
  /** Steward actions that led to the events. */
  actions: ActionRow[]
}

/** Bounds of one trace. */
const messagesMax = 20
const eventsMax = 100
const laterMax = 20

type Desk = Pick<ExceptionDesk, 'sql' | 'connectors'>

/**
 * Returns the trace of a message, by its inbox number, its correlation id, the id of an event
 * (golden id and version with a dot between, and the epoch), the id of a golden record that it led
 * to, or the id of a steward action. Null if the id is unknown.
 */
export async function trace(desk: Desk, given: string): Promise<Trace | null> {
  const id = given.trim().toLowerCase()
  if (/^[1-9]\d{0,15}$/.test(id) && Number.isSafeInteger(Number(id))) {
    const messages = await stories(desk, await readMessages(desk.sql, { ids: [Number(id)] }, 1))
    return messages.length === 0
      ? null
      : { id, kind: 'MESSAGE', messages, more: false, events: [], actions: [] }
  }
  const event =
    /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([1-9]\d{0,8})(?:\.[0-9a-f]{8})?$/.exec(id)
  if (event) {
    const found = await eventOf(desk.sql, event[1] ?? '', Number(event[2]))
    return found && (await fromEvents(desk, id, 'EVENT', [found]))
  }
  if (!isUuid(id)) return null
  return (await fromCorrelation(desk, id)) ?? (await fromGolden(desk, id))
}

async function fromCorrelation(desk: Desk, id: string): Promise<Trace | null> {
  const found = await readMessages(desk.sql, { correlationId: id }, messagesMax + 1)
  if (found.length > 0) {
    const messages = await stories(desk, found.slice(0, messagesMax))
    return {
      id,
      kind: 'CORRELATION',
      messages,
      more: found.length > messagesMax,
      events: [],
      actions: [],
    }
  }
  const action =
    (await actionOfCorrelation(desk.sql, id)) ?? (await readActionsById(desk.sql, [id])).get(id)
  if (!action) return null
  const events = await delivered(
    desk.sql,
    await eventsOfVersions(desk.sql, action.effect.slice(0, eventsMax)),
  )
  return { id, kind: 'ACTION', messages: [], more: false, events, actions: [action] }
}

async function fromGolden(desk: Desk, id: string): Promise<Trace | null> {
  const events = (await eventsOfGolden(desk.sql, id, eventsMax)).reverse()
  if (events.length > 0) return await fromEvents(desk, id, 'GOLDEN_RECORD', events)
  // The key of a source record that was never a golden id.
  const [record] = await readTracedRecords(desk.sql, [id])
  if (!record) return null
  const messages = await stories(desk, await readMessages(desk.sql, { ids: [record.inboxId] }, 1))
  return { id, kind: 'GOLDEN_RECORD', messages, more: false, events: [], actions: [] }
}

/**
 * Returns events with the messages and actions that led to them; the latest ones if there are many.
 */
async function fromEvents(
  desk: Desk,
  id: string,
  kind: TraceKind,
  events: TracedEvent[],
): Promise<Trace> {
  const ids = [...new Set(events.flatMap((e) => e.inboxId ?? []))]
  const [messages, actions] = await Promise.all([
    readMessages(desk.sql, { ids: ids.slice(-messagesMax) }, messagesMax),
    readActionsById(desk.sql, [...new Set(events.flatMap((e) => e.actionId ?? []))]),
  ])
  return {
    id,
    kind,
    events: await delivered(desk.sql, events),
    actions: [...actions.values()],
    messages: await stories(desk, messages),
    more: ids.length > messagesMax,
  }
}

async function stories(desk: Desk, messages: TracedMessage[]): Promise<MessageStory[]> {
  const { sql } = desk
  const ids = messages.map((m) => m.inboxId)
  const [bodies, work] = await Promise.all([readBodies(sql, ids), readWork(sql, ids)])
  return await Promise.all(
    messages.map((m) =>
      story(sql, desk, m, bodies.get(m.inboxId) ?? '', work.get(m.inboxId) ?? []),
    ),
  )
}

async function story(
  sql: Sql,
  desk: Desk,
  message: TracedMessage,
  body: string,
  work: ExceptionStep[],
): Promise<MessageStory> {
  // The records of a message are not stored, so its reader derives them again.
  const read = explain(desk, message, body, message.object)
  const keys =
    'code' in read ? [] : read.records.map((r) => recordKey(message.system, r.object, r.sourceId))
  const [passes, records] = await Promise.all([
    readBatches(sql, message.inboxId),
    readTracedRecords(sql, keys),
  ])
  const current = [...new Set(records.flatMap((r) => r.goldenId ?? []))]
  const events = await delivered(
    sql,
    await eventsOfMessage(sql, message.inboxId, [...current, ...keys], eventsMax),
  )
  const golden = [...new Set([...current, ...events.map((e) => e.goldenId)])]
  return {
    ...message,
    passes,
    records,
    events,
    work,
    later: await actionsAbout(sql, golden, message.receivedAt, laterMax),
  }
}

async function delivered(sql: Sql, events: readonly TracedEvent[]): Promise<EventStory[]> {
  const found = await deliveriesOf(
    sql,
    events.map((e) => e.position),
  )
  return events.map((e) => ({ ...e, deliveries: found.get(e.position) ?? [] }))
}
