import { pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import { bytea } from './review.ts'

/** Keys by which services ask; only a hash of each secret is kept. */
export const apiKey = pgTable('api_key', {
  id: text().primaryKey(),
  name: text().notNull(),
  hash: bytea().notNull(),
  roles: text().array().notNull(),
  scopes: text().array().notNull(),
  createdBy: text('created_by').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
  expiresAt: timestamp('expires_at', { withTimezone: true }),
  revokedAt: timestamp('revoked_at', { withTimezone: true }),
  lastUsedAt: timestamp('last_used_at', { withTimezone: true }),
  replaces: text(),
})
