import { z } from 'zod'
import { type ChangeEvent, changeEventSchema } from './events.ts'

/**
 * The published form of a change event. Within a major version it only grows;
 * test/schema/cloudEvent.test.ts compares it with every version in schema/published/. A change
 * raises `changeSchemaMinor` and adds a file there (`node schema/publish.ts`); published files
 * never change.
 */
export const changeSchemaMajor = 1
export const changeSchemaMinor = 3

const type = z.string().regex(/^touchstone\.[a-z0-9_]+\.(created|updated|merged|split|deleted)$/)

/**
 * CloudEvents 1.0, structured mode, with the extensions `sequence` and `partitionkey` of the
 * specification and ours.
 */
export const cloudEventSchema = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: z
      .string()
      .describe(
        'Stable: golden id, version and the beginning of the epoch. The same event has the same id however often it comes.',
      ),
    source: z.string().describe('The feed it is from.'),
    type: type.describe('touchstone.<type>.<op>, in small letters.'),
    subject: z.string().describe('The golden id, or the id of the operational object.'),
    time: z.iso.datetime().describe('When it was committed.'),
    datacontenttype: z.literal('application/json'),
    dataschema: z.string().describe('Names this schema with its major version.'),
    sequence: z
      .string()
      .regex(/^\d{16}$/)
      .describe('The position in the feed, padded so that text sorts as numbers.'),
    epoch: z
      .string()
      .optional()
      .describe(
        'The history that the position is of. Another one begins when the store may have gone back.',
      ),
    partitionkey: z.string().describe('The golden id: events with the same key are in order.'),
    correlationid: z
      .string()
      .optional()
      .describe('Common to everything that one message or action led to.'),
    causationid: z.string().optional().describe('The inbox message that led to it.'),
    traceparent: z
      .string()
      .optional()
      .describe('W3C trace context of the request that brought it.'),
    data: z.looseObject({
      op: changeEventSchema.shape.op,
      type: changeEventSchema.shape.type,
      version: changeEventSchema.shape.version,
      before: changeEventSchema.shape.before,
      after: changeEventSchema.shape.after,
      changedFields: changeEventSchema.shape.changedFields,
      redirect: changeEventSchema.shape.redirect,
      members: changeEventSchema.shape.members,
      customer: changeEventSchema.shape.customer.optional(),
      origin: z
        .looseObject({
          system: z.string().describe('The source system, or the part of Touchstone that acted.'),
          object: z.string().nullable().describe("The system's name for the kind of record."),
          recordId: z.string().nullable().describe("The record's id there."),
        })
        .describe('What led to it.'),
      policyVersion: changeEventSchema.shape.policyVersion,
    }),
  })
  .describe('A change of one golden record or operational object as a CloudEvents 1.0 event.')
export type CloudEvent = z.infer<typeof cloudEventSchema>

/** Digits of the largest position, 2^53. */
const sequenceDigits = 16

/** Hexadecimal digits of the epoch that tell ids of equal golden id and version apart. */
const epochDigits = 8

/**
 * Returns an id for consumers that skip what they have. A restored store gives versions out again,
 * so it holds the epoch too; not for the first one, whose id is that of the feed, because events of
 * that time were sent without.
 */
export function eventId(
  event: Pick<ChangeEvent, 'goldenId' | 'version' | 'epoch'>,
  feed: string,
): string {
  const id = `${event.goldenId}.${event.version}`
  return event.epoch === feed ? id : `${id}.${event.epoch.slice(0, epochDigits)}`
}

/** Wraps a change event in its CloudEvents envelope; `feed` is the id of the feed. */
export function cloudEvent(event: ChangeEvent, feed: string): CloudEvent {
  const { cause } = event
  return {
    specversion: '1.0',
    id: eventId(event, feed),
    source: `urn:touchstone:feed:${feed}`,
    type: `touchstone.${event.type.toLowerCase()}.${event.op.toLowerCase()}`,
    subject: event.goldenId,
    time: event.at,
    datacontenttype: 'application/json',
    dataschema: `urn:touchstone:schema:change:${changeSchemaMajor}`,
    sequence: String(event.position).padStart(sequenceDigits, '0'),
    epoch: event.epoch,
    partitionkey: event.goldenId,
    ...(cause.correlationId ? { correlationid: cause.correlationId } : {}),
    ...(cause.inboxId ? { causationid: String(cause.inboxId) } : {}),
    ...(cause.traceparent ? { traceparent: cause.traceparent } : {}),
    data: {
      op: event.op,
      type: event.type,
      version: event.version,
      before: event.before,
      after: event.after,
      changedFields: event.changedFields,
      redirect: event.redirect,
      members: event.members,
      customer: event.customer,
      origin: {
        system: cause.source,
        object: cause.object ?? null,
        recordId: cause.sourceId ?? null,
      },
      policyVersion: event.policyVersion,
    },
  }
}

/** Returns the schema as JSON Schema (2020-12), for consumers in any language. */
export function cloudEventJsonSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(cloudEventSchema, { target: 'draft-2020-12' }),
    $id: `urn:touchstone:schema:change:${changeSchemaMajor}.${changeSchemaMinor}`,
  }
}
