import { sql } from 'drizzle-orm'
import {
  bigint,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { OPEN_STATES, WAITING_STATES, WRITE_STATES } from '../writeStates.ts'
import { clock, int8, moment, oneOf } from './columns.ts'

const OPERATIONS = ['CREATE', 'UPDATE'] as const

/** Golden records whose writes have to be planned. One may occur several times. */
export const writeDue = pgTable(
  'write_due',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    goldenId: uuid('golden_id').notNull(),
    dueAt: moment('due_at').notNull().default(clock),
    /** Of the event that made it due; null for another reason. */
    position: int8('position'),
    /** A message that has to be applied before: the plan depends on what it states. Or null. */
    afterInbox: int8('after_inbox'),
  },
  (t) => [index('write_due_at').on(t.dueAt, t.id), index('write_due_golden').on(t.goldenId)],
)

/**
 * The source systems that are written to. Only while this table has a row do changes become due, so
 * every process that changes golden records knows it without a configuration of its own.
 */
export const writeTarget = pgTable('write_target', {
  source: text().primaryKey(),
  /** Of its configuration, its mapping and the policy. Another one makes all golden records due. */
  version: text().notNull(),
  /** The transaction that stored the version. What began before it may not have made rows due. */
  registeredBy: int8('registered_by').notNull(),
  /** The last golden id that became due for this version; null before the first page. */
  scanAfter: uuid('scan_after'),
  scanned: int8('scanned').notNull().default(0),
  scanTotal: int8('scan_total'),
  scannedAt: moment('scanned_at'),
  /** Circuit breaker: consecutive failures, and until when nothing is sent. */
  failures: integer().notNull().default(0),
  opened: integer().notNull().default(0),
  pausedUntil: moment('paused_until'),
  failedSince: moment('failed_since'),
  code: text(),
  detail: text(),
  verdict: text(),
  fence: int8('fence').notNull().default(0),
  leasedBy: uuid('leased_by'),
  leasedUntil: moment('leased_until'),
})

/** Writes to source systems: what was planned, sent and came of it. */
export const writeIntent = pgTable(
  'write_intent',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    /** The same for every attempt, also as the idempotency key of a request. */
    key: uuid().notNull().defaultRandom(),
    goldenId: uuid('golden_id').notNull(),
    type: text().notNull(),
    source: text().notNull(),
    object: text().notNull(),
    /** Null for a record that the system does not have yet. */
    sourceId: text('source_id'),
    operation: text({ enum: OPERATIONS }).notNull(),
    state: text({ enum: WRITE_STATES }).notNull(),
    /** Of the golden record. */
    version: integer().notNull(),
    /** Golden field -> canonical values before and after, and the paths that it writes. */
    changes: jsonb()
      .$type<Record<string, { before: unknown; after: unknown; paths: string[] }>>()
      .notNull(),
    /** Raw values by path, as they are written and as they are expected now. */
    values: jsonb().$type<Record<string, unknown>>().notNull(),
    former: jsonb().$type<Record<string, unknown>>().notNull(),
    /** Fields that cannot be written, and why. */
    refused: jsonb().$type<{ field: string; code: string; detail: string }[]>(),
    hash: text().notNull(),
    /** The cause: the last event of the golden record, its correlation id and policy. */
    position: int8('position').notNull(),
    correlationId: text('correlation_id'),
    policyVersion: text('policy_version').notNull(),
    /** The golden record that has to be created in the target first. */
    waitsFor: uuid('waits_for'),
    code: text(),
    detail: text(),
    verdict: text(),
    attempts: integer().notNull().default(0),
    /** Conflicts of this record in a row, this one included. */
    conflicts: integer().notNull().default(0),
    notBefore: moment('not_before'),
    /** What `written_value` had at the paths before; restored if the write is refused. */
    overwrote: jsonb().$type<Record<string, { value: unknown; intentId: number; seen: boolean }>>(),
    plannedAt: moment('planned_at').notNull().default(clock),
    firstSentAt: moment('first_sent_at'),
    sentAt: moment('sent_at'),
    endedAt: moment('ended_at'),
    /** When a person released a refusal, so that it is planned again. */
    releasedAt: moment('released_at'),
    actor: text(),
  },
  (t) => {
    const waits = sql.raw(`state in (${WAITING_STATES.map((s) => `'${s}'`).join(', ')})`)
    const open = sql.raw(`state in (${OPEN_STATES.map((s) => `'${s}'`).join(', ')})`)
    return [
      oneOf('write_intent', t.operation, OPERATIONS),
      oneOf('write_intent', t.state, WRITE_STATES),
      uniqueIndex('write_intent_waiting')
        .on(t.source, t.object, sql`coalesce(${t.sourceId}, ${t.goldenId}::text)`)
        .where(waits),
      uniqueIndex('write_intent_open')
        .on(t.source, t.object, sql`coalesce(${t.sourceId}, ${t.goldenId}::text)`)
        .where(open),
      index('write_intent_record').on(t.source, t.object, t.sourceId, t.id),
      index('write_intent_golden').on(t.goldenId),
      index('write_intent_waits_for').on(t.waitsFor).where(sql`${t.waitsFor} is not null`),
      index('write_intent_state').on(t.source, t.state, t.id),
      index('write_intent_sent').on(t.source, t.sentAt),
      index('write_intent_planned').on(t.source, t.plannedAt),
      // Walked by metrics, and by what removes ended writes. Records that were created stay known.
      index('write_intent_ended')
        .on(t.endedAt, t.id)
        .where(sql.raw(`ended_at is not null and not (operation = 'CREATE' and state = 'DONE')`)),
      index('write_intent_stopped')
        .on(t.source, t.object, sql`coalesce(${t.sourceId}, ${t.goldenId}::text)`)
        .where(sql.raw(`state in ('REFUSED', 'CONFLICT') and released_at is null`)),
    ]
  },
)

/** Requests of people about writes, so that one which is repeated changes nothing. */
export const writeRequest = pgTable(
  'write_request',
  {
    actor: text().notNull(),
    idempotencyKey: text('idempotency_key').notNull(),
    request: jsonb().notNull(),
    answer: jsonb().notNull(),
    at: moment('at').notNull().default(clock),
  },
  (t) => [
    primaryKey({ name: 'write_request_pkey', columns: [t.actor, t.idempotencyKey] }),
    index('write_request_at').on(t.at),
  ],
)
