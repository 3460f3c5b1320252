import { sql } from 'drizzle-orm'
import { bigint, customType, integer, jsonb, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core'

const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' })
const moment = (name: string) => timestamp(name, { withTimezone: true })
const place = (name: string) => bigint(name, { mode: 'number' })
const now = sql`clock_timestamp()`

/** An endpoint, and how far it is in the feed. */
export const webhook = pgTable('webhook', {
  id: uuid().primaryKey().defaultRandom(),
  url: text().notNull(),
  description: text().notNull(),
  filter: jsonb().notNull(),
  schemaVersion: integer('schema_version').notNull(),
  scopes: text().array().notNull(),
  regions: text().array(),
  legalEntities: text('legal_entities').array(),
  state: text({ enum: ['ACTIVE', 'DISABLED'] }).notNull(),
  because: text(),
  revision: integer().notNull().default(1),
  actor: text().notNull(),
  createdAt: moment('created_at').notNull().default(now),
  updatedAt: moment('updated_at').notNull().default(now),
  position: place('position').notNull(),
  missed: place('missed').notNull().default(0),
  failures: integer().notNull().default(0),
  opened: integer().notNull().default(0),
  pausedUntil: moment('paused_until'),
  leasedBy: uuid('leased_by'),
  leasedUntil: moment('leased_until'),
})

/** What an endpoint's deliveries are signed with. */
export const webhookSecret = pgTable('webhook_secret', {
  id: place('id').primaryKey().generatedAlwaysAsIdentity(),
  webhook: uuid().notNull(),
  sealed: bytea().notNull(),
  until: moment('until'),
})

/** Golden records whose next event failed. */
export const webhookParked = pgTable(
  'webhook_parked',
  {
    webhook: uuid().notNull(),
    goldenId: uuid('golden_id').notNull(),
    position: place('position').notNull(),
    attempts: integer().notNull(),
    firstAt: moment('first_at'),
    nextAt: moment('next_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.webhook, t.goldenId] })],
)

/** The delivery log. */
export const webhookDelivery = pgTable(
  'webhook_delivery',
  {
    webhook: uuid().notNull(),
    position: place('position').notNull(),
    goldenId: uuid('golden_id').notNull(),
    version: integer().notNull(),
    state: text({ enum: ['DELIVERED', 'RETRYING', 'DEAD', 'REPLAY'] }).notNull(),
    attempts: integer().notNull(),
    status: integer(),
    error: text(),
    response: text(),
    durationMs: integer('duration_ms'),
    firstAt: moment('first_at'),
    lastAt: moment('last_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.webhook, t.position] })],
)
