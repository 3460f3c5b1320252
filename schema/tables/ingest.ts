import { sql } from 'drizzle-orm'
import { bigint, customType, pgTable, smallint, text, timestamp, unique, uuid } from 'drizzle-orm/pg-core'

/** `json`, kept as it was written. */
export const json = customType<{ data: unknown; driverData: unknown }>({ dataType: () => 'json' })

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
})

/** What became of a message that was not simply applied. */
export const outcome = pgTable('outcome', {
  inboxId: bigint('inbox_id', { mode: 'number' })
    .primaryKey()
    .references(() => inbox.id, { onDelete: 'cascade' }),
  outcome: text({ enum: ['SKIPPED', 'EXCEPTION'] }).notNull(),
  code: text().notNull(),
  detail: text().notNull(),
  source: text().notNull(),
  object: text(),
  sourceId: text('source_id'),
  field: text(),
  at: timestamp({ withTimezone: true }).notNull().default(sql`clock_timestamp()`),
})
