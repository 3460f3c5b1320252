import { sql } from 'drizzle-orm'
import { bigint, boolean, jsonb, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { json } from './ingest.ts'

/** One system's version of a thing, with its canonical form and, for golden types, its crosswalk. */
export const sourceRecord = pgTable('source_record', {
  id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  key: uuid().notNull().unique(),
  source: text().notNull(),
  object: text().notNull(),
  sourceId: text('source_id').notNull(),
  type: text().notNull(),
  /** Microseconds since 1970, as the source system counts; 0 where it gives none. */
  version: bigint({ mode: 'number' }).notNull(),
  tie: text().notNull(),
  fieldVersions: jsonb('field_versions'),
  deleted: boolean().notNull().default(false),
  complete: boolean().notNull(),
  raw: json().notNull(),
  canonical: jsonb().$type<Record<string, unknown>>().notNull(),
  issues: jsonb(),
  features: json(),
  featuresVersion: text('features_version'),
  keys: bigint({ mode: 'number' }).array().notNull().default(sql`'{}'`),
  goldenId: uuid('golden_id'),
  /** Of a record that is deleted or incomplete: the one it goes with. */
  anchor: uuid(),
  inboxId: bigint('inbox_id', { mode: 'number' }).notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().default(sql`clock_timestamp()`),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().default(sql`clock_timestamp()`),
})

/** Which source records name which other one in a field that is compared by reference. */
export const recordReference = pgTable(
  'record_reference',
  { target: uuid().notNull(), recordId: bigint('record_id', { mode: 'number' }).notNull() },
  (t) => [primaryKey({ columns: [t.target, t.recordId] })],
)
