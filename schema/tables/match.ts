import { sql } from 'drizzle-orm'
import { bigint, pgTable, primaryKey, real, text, timestamp, uuid } from 'drizzle-orm/pg-core'

/** Blocking keys as hashes. */
export const matchKey = pgTable(
  'match_key',
  { key: bigint({ mode: 'number' }).notNull(), recordId: bigint('record_id', { mode: 'number' }).notNull() },
  (t) => [primaryKey({ columns: [t.key, t.recordId] })],
)

/** Pairs whose match weight connects them, lower record id first. */
export const link = pgTable(
  'link',
  { a: bigint({ mode: 'number' }).notNull(), b: bigint({ mode: 'number' }).notNull(), weight: real().notNull() },
  (t) => [primaryKey({ columns: [t.a, t.b] })],
)

/** Pairs that wait for a steward. */
export const possibleMatch = pgTable(
  'possible_match',
  {
    a: uuid().notNull(),
    b: uuid().notNull(),
    type: text().notNull(),
    weight: real().notNull(),
    reason: text().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().default(sql`clock_timestamp()`),
  },
  (t) => [primaryKey({ columns: [t.a, t.b] })],
)

/** Under which matching engine the records of a golden type have been matched. */
export const matchVersion = pgTable('match_version', {
  type: text().primaryKey(),
  version: text().notNull(),
  at: timestamp({ withTimezone: true }).notNull().default(sql`clock_timestamp()`),
})
