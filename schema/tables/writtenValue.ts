import { sql } from 'drizzle-orm'
import { index, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { clock, int8, json, moment, oneOf } from './columns.ts'

/**
 * WRITTEN: not stated by the system yet. SEEN: stated as it was written. REVERTED: the system's own
 * former value was stated since, REPLACED: another value. ENDED: another value took its place.
 */
export const WRITTEN_STATES = ['WRITTEN', 'REVERTED', 'REPLACED', 'SEEN', 'ENDED'] as const

/** What a source system holds at a path because it was written there. */
export const writtenValue = pgTable(
  'written_value',
  {
    intentId: int8('intent_id').notNull(),
    path: text().notNull(),
    source: text().notNull(),
    object: text().notNull(),
    /** Null while the system has not named the record that it created. */
    sourceId: text('source_id'),
    recordKey: uuid('record_key'),
    goldenId: uuid('golden_id').notNull(),
    /** Null where the field was emptied. */
    value: jsonb().notNull(),
    /** The newest version of the record, by the system's clock, that was known when it was written. */
    since: int8('since').notNull(),
    writtenAt: moment('written_at').notNull().default(clock),
    /** When the system confirmed the write. */
    appliedAt: moment('applied_at'),
    state: text({ enum: WRITTEN_STATES }).notNull().default('WRITTEN'),
  },
  (t) => [
    primaryKey({ name: 'written_value_pkey', columns: [t.intentId, t.path] }),
    oneOf('written_value', t.state, WRITTEN_STATES),
    index('written_value_record').on(t.recordKey),
    index('written_value_unnamed').on(t.source, t.object).where(sql`${t.recordKey} is null`),
  ],
)

/**
 * The statements of a record since it was written to, so that an echo is told from a change in any
 * order of arrival.
 */
export const writtenRecord = pgTable('written_record', {
  recordKey: uuid('record_key').primaryKey(),
  /** The record before these statements, and the states of written values then. */
  base: json().notNull(),
  /** The stamp of the newest one. */
  newest: jsonb().notNull(),
  /** Their messages. */
  messages: int8('messages').array().notNull(),
})
