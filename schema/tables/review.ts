import { sql } from 'drizzle-orm'
import { bigint, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'

/** A steward's lasting statements; withdrawn, never changed. */
export const assertion = pgTable('assertion', {
  id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  kind: text({ enum: ['SAME', 'NOT_SAME', 'VALUE'] }).notNull(),
  a: uuid().notNull(),
  b: uuid(),
  field: text(),
  value: jsonb(),
  actor: text().notNull(),
  reason: text().notNull(),
  at: timestamp({ withTimezone: true }).notNull().default(sql`clock_timestamp()`),
  withdrawnAt: timestamp('withdrawn_at', { withTimezone: true }),
})
