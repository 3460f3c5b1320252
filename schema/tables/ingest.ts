import { sql } from 'drizzle-orm'
import {
  type AnyPgColumn,
  bigint,
  boolean,
  foreignKey,
  index,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'
import { clock, int8, moment, multirange, oneOf } from './columns.ts'

const FORMATS = ['event', 'row'] as const
const OUTCOMES = ['SKIPPED', 'EXCEPTION', 'CORRECTED', 'DISCARDED'] as const
const WORK_KINDS = ['RETRY', 'EDIT', 'DISCARD'] as const

/** Every acknowledged message, whole and never changed. */
export const inbox = pgTable(
  'inbox',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    source: text().notNull(),
    messageId: text('message_id').notNull(),
    object: text(),
    format: text({ enum: FORMATS }).notNull(),
    body: text().notNull(),
    correlationId: uuid('correlation_id').notNull(),
    receivedAt: moment('received_at').notNull().default(clock),
    /** The message that this one corrects. */
    corrects: int8('corrects'),
    /** When the message that a correction corrects was received. */
    statedAt: moment('stated_at'),
    /** W3C traceparent of the request that delivered the message. */
    traceparent: text(),
  },
  (t) => [
    unique('inbox_source_message_id_key').on(t.source, t.messageId),
    oneOf('inbox', t.format, FORMATS),
    foreignKey({ name: 'inbox_corrects_fkey', columns: [t.corrects], foreignColumns: [t.id] }),
    index('inbox_received').using('brin', t.receivedAt),
    index('inbox_correlation').on(t.correlationId),
    index('inbox_corrects').on(t.corrects).where(sql`${t.corrects} is not null`),
  ],
)

/**
 * Messages that wait to be applied. No foreign key leads to the inbox: it took half of the time of
 * Postgres for each message (ADR 0104). A place of a message that is gone ends when it is claimed.
 */
export const pending = pgTable(
  'pending',
  {
    inboxId: int8('inbox_id').primaryKey(),
    attempts: smallint().notNull().default(0),
    notBefore: moment('not_before').notNull().default(sql`'-infinity'`),
    /** Map the stored record again, even if the message states nothing newer. */
    replay: boolean().notNull().default(false),
    /** Counts for the service levels. */
    measured: boolean().notNull().default(true),
    /** The class of work (schema/lane.ts). */
    lane: smallint().notNull().default(1),
  },
  (t) => [index('pending_lane').on(t.lane, t.inboxId)],
)

/** The outcome of a message that was not simply applied. */
export const outcome = pgTable(
  'outcome',
  {
    inboxId: int8('inbox_id').primaryKey(),
    outcome: text({ enum: OUTCOMES }).notNull(),
    code: text().notNull(),
    detail: text().notNull(),
    source: text().notNull(),
    object: text(),
    sourceId: text('source_id'),
    field: text(),
    at: moment('at').notNull().default(clock),
  },
  (t) => {
    const exception = sql`${t.outcome} = 'EXCEPTION'`
    return [
      ofMessage('outcome_inbox_id_fkey', t.inboxId),
      oneOf('outcome', t.outcome, OUTCOMES),
      index('outcome_exceptions').on(t.source, t.object, t.at).where(exception),
      index('outcome_open').on(t.inboxId).where(exception),
    ]
  },
)

function ofMessage(name: string, column: AnyPgColumn) {
  return foreignKey({ name, columns: [column], foreignColumns: [inbox.id] }).onDelete('cascade')
}

/** One request about exceptions. */
export const exceptionWork = pgTable(
  'exception_work',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    kind: text({ enum: WORK_KINDS }).notNull(),
    actor: text().notNull(),
    reason: text().notNull(),
    idempotencyKey: text('idempotency_key').notNull(),
    request: jsonb().notNull(),
    answer: jsonb().notNull(),
    correlationId: text('correlation_id').notNull(),
    at: moment('at').notNull().default(clock),
  },
  (t) => [
    unique('exception_work_actor_idempotency_key_key').on(t.actor, t.idempotencyKey),
    oneOf('exception_work', t.kind, WORK_KINDS),
  ],
)

/** The messages of such a request, and why each was an exception then. */
export const exceptionWorked = pgTable(
  'exception_worked',
  {
    inboxId: int8('inbox_id').notNull(),
    workId: int8('work_id').notNull(),
    code: text().notNull(),
    detail: text().notNull(),
    correctedBy: int8('corrected_by'),
  },
  (t) => [
    primaryKey({ name: 'exception_worked_pkey', columns: [t.inboxId, t.workId] }),
    foreignKey({
      name: 'exception_worked_inbox_id_fkey',
      columns: [t.inboxId],
      foreignColumns: [inbox.id],
    }),
    foreignKey({
      name: 'exception_worked_work_id_fkey',
      columns: [t.workId],
      foreignColumns: [exceptionWork.id],
    }),
    foreignKey({
      name: 'exception_worked_corrected_by_fkey',
      columns: [t.correctedBy],
      foreignColumns: [inbox.id],
    }),
  ],
)

/** Messages that were applied in one transaction. */
export const batch = pgTable(
  'batch',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    worker: text().notNull(),
    messages: multirange().notNull(),
    claimedAt: moment('claimed_at').notNull(),
    appliedAt: moment('applied_at').notNull().default(clock),
  },
  (t) => [
    index('batch_messages').using('gist', t.messages),
    index('batch_applied').using('brin', t.appliedAt),
  ],
)

/** How often a service level was met, minute by minute. */
export const serviceMinute = pgTable(
  'service_minute',
  {
    objective: text().notNull(),
    minute: moment('minute').notNull(),
    good: int8('good').notNull(),
    total: int8('total').notNull(),
  },
  (t) => [primaryKey({ name: 'service_minute_pkey', columns: [t.objective, t.minute] })],
)

/** The mapping version that the records of each source system were mapped with. */
export const mappingVersion = pgTable('mapping_version', {
  source: text().primaryKey(),
  version: text().notNull(),
  at: moment('at').notNull().default(clock),
})
