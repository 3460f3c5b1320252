import { bigint, boolean, integer, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { bytea } from './review.ts'

/** Keys by which services ask; only a hash of each secret is kept. */
export const apiKey = pgTable('api_key', {
  id: text().primaryKey(),
  name: text().notNull(),
  hash: bytea().notNull(),
  roles: text().array().notNull(),
  scopes: text().array().notNull(),
  regions: text().array(),
  legalEntities: text('legal_entities').array(),
  createdBy: text('created_by').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
  expiresAt: timestamp('expires_at', { withTimezone: true }),
  revokedAt: timestamp('revoked_at', { withTimezone: true }),
  lastUsedAt: timestamp('last_used_at', { withTimezone: true }),
  replaces: text(),
})

/** Who saw or changed sensitive fields, without their values. */
export const sensitiveAccess = pgTable('sensitive_access', {
  id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  at: timestamp({ withTimezone: true }).notNull(),
  actor: text().notNull(),
  correlationId: text('correlation_id').notNull(),
  operation: text().notNull(),
  through: text().notNull(),
  type: text().notNull(),
  fields: text().array().notNull(),
  ids: uuid().array().notNull(),
  more: integer().notNull().default(0),
})

/** What of row rights is set up in this database, by content hash; one row. */
export const rowRights = pgTable('row_rights', {
  one: boolean().primaryKey().default(true),
  role: text().notNull(),
  policies: text().notNull(),
  tags: text().notNull(),
})

/** Operations that clients have published, by the hash of their text. */
export const operation = pgTable(
  'operation',
  {
    hash: text().notNull(),
    client: text().notNull(),
    text: text().notNull(),
    names: text().array().notNull(),
    publishedBy: text('published_by').notNull(),
    publishedAt: timestamp('published_at', { withTimezone: true }).notNull(),
    retiredAt: timestamp('retired_at', { withTimezone: true }),
    lastUsedAt: timestamp('last_used_at', { withTimezone: true }),
  },
  (t) => [primaryKey({ columns: [t.hash, t.client] })],
)

/** Operations that callers began in a minute, over all gateways. */
export const callerMinute = pgTable(
  'caller_minute',
  {
    minute: timestamp({ withTimezone: true }).notNull(),
    actor: text().notNull(),
    operations: bigint({ mode: 'number' }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.minute, t.actor] })],
)
