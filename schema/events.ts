import { z } from 'zod'

/** The operations that events report; docs/FEED.md, 2. */
export const OPS = ['CREATED', 'UPDATED', 'MERGED', 'SPLIT', 'DELETED'] as const
export type Op = (typeof OPS)[number]

export const causeSchema = z
  .object({
    source: z
      .string()
      .describe('Name of the source system, or of the part of Touchstone that acted.'),
    object: z.string().nullish().describe('The object in the source system, e.g. Account.'),
    sourceId: z.string().nullish().describe('Id of the record in the source system.'),
    inboxId: z.number().int().nullish().describe('The message in the inbox.'),
    correlationId: z
      .string()
      .nullish()
      .describe('Common to everything that one message or action led to.'),
    traceparent: z
      .string()
      .nullish()
      .describe('W3C trace context of the request that brought the message.'),
  })
  .describe('What led to the event: a message of a source system or the action of a steward.')
export type Cause = z.infer<typeof causeSchema>

const values = z.record(z.string(), z.unknown()).nullable()

/** One version of one golden record and the event that reports it; docs/FEED.md, 2. */
export const changeEventSchema = z
  .object({
    position: z.number().int().positive().describe('Place in the feed: dense and in commit order.'),
    epoch: z
      .string()
      .describe('The history that the position is of: another one after the store went back.'),
    op: z.enum(OPS).describe('What happened to this golden record.'),
    goldenId: z
      .string()
      .describe('The golden record; of an operational object its id, the key of its record.'),
    type: z.string().describe('Its type, e.g. Customer or Invoice.'),
    version: z.number().int().positive().describe('Its version: dense for each golden record.'),
    before: values.describe('Values of the version before; null when there was none.'),
    after: values.describe('Values of this version; null for a tombstone.'),
    changedFields: z
      .array(z.string())
      .describe('Fields whose values differ between before and after.'),
    redirect: z.string().nullable().describe('On the tombstone of a merge: the survivor.'),
    members: z
      .array(z.string())
      .describe('Keys of the source records it is made of; each is an id that leads to it.'),
    customer: z
      .string()
      .nullable()
      .describe('The golden customer of an operational object, as of the event; otherwise null.'),
    cause: causeSchema,
    policyVersion: z.string().describe('The policy in force.'),
    at: z.iso.datetime().describe('When it was committed.'),
  })
  .describe('A change of one golden record or operational object.')
export type ChangeEvent = z.infer<typeof changeEventSchema>
