import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  customType,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'

/** `json`, kept as it was written. */
export const json = customType<{ data: unknown; driverData: unknown }>({ dataType: () => 'json' })
/** Several ranges of whole numbers. */
const multirange = customType<{ data: string; driverData: string }>({ dataType: () => 'int8multirange' })
const moment = (name: string) => timestamp(name, { withTimezone: true })

/** Every message that was acknowledged, whole and never changed. */
export const inbox = pgTable(
  'inbox',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    source: text().notNull(),
    messageId: text('message_id').notNull(),
    object: text(),
    format: text({ enum: ['event', 'row'] }).notNull(),
    body: text().notNull(),
    correlationId: uuid('correlation_id').notNull(),
    receivedAt: timestamp('received_at', { withTimezone: true }).notNull().default(sql`clock_timestamp()`),
    /** The message that this one puts right. */
    corrects: bigint({ mode: 'number' }),
    /** Of a correction: when the message that it puts right was received. */
    statedAt: timestamp('stated_at', { withTimezone: true }),
    /** W3C, of the request that brought it. */
    traceparent: text(),
  },
  (t) => [unique().on(t.source, t.messageId)],
)

/** Messages that wait to be applied. */
export const pending = pgTable('pending', {
  inboxId: bigint('inbox_id', { mode: 'number' })
    .primaryKey()
    .references(() => inbox.id, { onDelete: 'cascade' }),
  attempts: smallint().notNull().default(0),
  notBefore: timestamp('not_before', { withTimezone: true }).notNull().default(sql`'-infinity'`),
  /** What is stored is mapped anew, though the message says nothing that is newer. */
  replay: boolean().notNull().default(false),
})

/** What became of a message that was not simply applied. */
export const outcome = pgTable('outcome', {
  inboxId: bigint('inbox_id', { mode: 'number' })
    .primaryKey()
    .references(() => inbox.id, { onDelete: 'cascade' }),
  outcome: text({ enum: ['SKIPPED', 'EXCEPTION', 'CORRECTED', 'DISCARDED'] }).notNull(),
  code: text().notNull(),
  detail: text().notNull(),
  source: text().notNull(),
  object: text(),
  sourceId: text('source_id'),
  field: text(),
  at: timestamp({ withTimezone: true }).notNull().default(sql`clock_timestamp()`),
})

/** One request about exceptions. */
export const exceptionWork = pgTable(
  'exception_work',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    kind: text({ enum: ['RETRY', 'EDIT', 'DISCARD'] }).notNull(),
    actor: text().notNull(),
    reason: text().notNull(),
    idempotencyKey: text('idempotency_key').notNull(),
    request: jsonb().notNull(),
    answer: jsonb().notNull(),
    correlationId: text('correlation_id').notNull(),
    at: moment('at').notNull().default(sql`clock_timestamp()`),
  },
  (t) => [unique().on(t.actor, t.idempotencyKey)],
)

/** The messages that a request was about, and why each was an exception then. */
export const exceptionWorked = pgTable(
  'exception_worked',
  {
    inboxId: bigint('inbox_id', { mode: 'number' }).notNull(),
    workId: bigint('work_id', { mode: 'number' }).notNull(),
    code: text().notNull(),
    detail: text().notNull(),
    correctedBy: bigint('corrected_by', { mode: 'number' }),
  },
  (t) => [primaryKey({ columns: [t.inboxId, t.workId] })],
)

/** Messages that were applied in one transaction. */
export const batch = pgTable('batch', {
  id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  worker: text().notNull(),
  messages: multirange().notNull(),
  claimedAt: moment('claimed_at').notNull(),
  appliedAt: moment('applied_at').notNull().default(sql`clock_timestamp()`),
})

/** How often a service level was met, minute by minute. */
export const serviceMinute = pgTable(
  'service_minute',
  {
    objective: text().notNull(),
    minute: moment('minute').notNull(),
    good: bigint({ mode: 'number' }).notNull(),
    total: bigint({ mode: 'number' }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.objective, t.minute] })],
)

/** Under which mapping the records of each source system have been mapped. */
export const mappingVersion = pgTable('mapping_version', {
  source: text().primaryKey(),
  version: text().notNull(),
  at: moment('at').notNull().default(sql`clock_timestamp()`),
})
