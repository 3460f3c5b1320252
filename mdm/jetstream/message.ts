import { cloudEvent, cloudEventSchema } from '../../schema/cloudEvent.ts'
import type { ChangeEvent } from '../../schema/events.ts'
import { isOperational, OPERATIONAL_SCOPE } from '../../schema/operational.ts'
import type { visibleEvent } from '../feed/visible.ts'

/** The published message: a CloudEvents 1.0 event in structured mode, as for webhooks. */
export interface SinkMessage {
  subject: string
  /** Nats-Msg-Id: the id of the event. The server drops duplicates within its window. */
  id: string
  headers: Record<string, string>
  body: string
}

/**
 * Names the scopes that the values were published with, so that a reader knows whether they are
 * complete.
 */
export const SCOPES_HEADER = 'Touchstone-Scopes'
/**
 * Set if values were left out: the server accepts no message of their size, or no configured scope
 * shows operational objects.
 */
export const CUT_HEADER = 'Touchstone-Cut'
/** Space for the subject, the headers and what NATS adds. */
const headroomBytes = 2_048

export interface MessageOptions {
  /** Prefix of `.<type>.<golden id>`. */
  subject: string
  scopes: ReadonlySet<string>
  visible: ReturnType<typeof visibleEvent>
  /** Largest message that the server accepts. */
  bytesMax: number
}

export function sinkMessage(
  event: ChangeEvent,
  feed: string,
  options: MessageOptions,
): SinkMessage {
  const { scopes, visible, bytesMax } = options
  const envelope = cloudEvent(visible(event, scopes), feed)
  let body = JSON.stringify(envelope)
  const hidden = isOperational(event.type) && !scopes.has(OPERATIONAL_SCOPE)
  const cut = hidden || Buffer.byteLength(body) > bytesMax - headroomBytes
  if (cut) {
    const { before, after, ...data } = envelope.data
    body = JSON.stringify({ ...envelope, data: { ...data, omitted: ['before', 'after'] } })
  }
  return {
    subject: `${options.subject}.${event.type.toLowerCase()}.${event.goldenId}`,
    id: envelope.id,
    headers: {
      'content-type': 'application/cloudevents+json; charset=utf-8',
      [SCOPES_HEADER]: [...scopes].sort().join(' '),
      ...(cut ? { [CUT_HEADER]: 'before after' } : {}),
    },
    body,
  }
}

const feedPrefix = 'urn:touchstone:feed:'

/**
 * Returns epoch and position of a message; null if Touchstone did not publish it. Messages of
 * earlier versions are of the first epoch, whose id is that of the feed.
 */
export function positionOf(body: unknown): { epoch: string; position: number } | null {
  const { source, sequence, epoch } = (body ?? {}) as {
    source?: unknown
    sequence?: unknown
    epoch?: unknown
  }
  if (typeof source !== 'string' || !source.startsWith(feedPrefix) || typeof sequence !== 'string')
    return null
  return {
    epoch: typeof epoch === 'string' ? epoch : source.slice(feedPrefix.length),
    position: Number(sequence),
  }
}

/** Returns the event of a message. Throws if it does not have the published form. */
export function eventOf(body: unknown): ChangeEvent {
  const { data, ...e } = cloudEventSchema.parse(body)
  return {
    position: Number(e.sequence),
    epoch: e.epoch ?? e.source.slice(feedPrefix.length),
    op: data.op,
    goldenId: e.subject,
    type: data.type,
    version: data.version,
    before: data.before,
    after: data.after,
    changedFields: data.changedFields,
    redirect: data.redirect,
    members: data.members,
    customer: data.customer ?? null,
    cause: {
      source: data.origin.system,
      object: data.origin.object,
      sourceId: data.origin.recordId,
      inboxId: e.causationid === undefined ? null : Number(e.causationid),
      correlationId: e.correlationid ?? null,
      ...(e.traceparent ? { traceparent: e.traceparent } : {}),
    },
    policyVersion: data.policyVersion,
    at: e.time,
  }
}
