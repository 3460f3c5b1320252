import { z } from 'zod'

/** What happened to the one golden record the event is about; docs/FEED.md says which events a merge and a split make. */
export const OPS = ['CREATED', 'UPDATED', 'MERGED', 'SPLIT', 'DELETED'] as const
export type Op = (typeof OPS)[number]

/** What led to an event: a message of a source system, or a steward's action (then only system and correlation id). */
export const causeSchema = z.object({
  /** Name of the source system. */
  source: z.string(),
  object: z.string().nullish(),
  sourceId: z.string().nullish(),
  /** Place in the inbox. */
  inboxId: z.number().int().nullish(),
  correlationId: z.string().nullish(),
})
export type Cause = z.infer<typeof causeSchema>
