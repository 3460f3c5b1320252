import { sql } from 'drizzle-orm'
import {
  type AnyPgColumn,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uuid,
} from 'drizzle-orm/pg-core'
import { bytea, clock, int8, moment, oneOf } from './columns.ts'

const STATES = ['ACTIVE', 'DISABLED'] as const
const DELIVERY_STATES = ['DELIVERED', 'RETRYING', 'DEAD', 'REPLAY'] as const

/** An endpoint and its position in the feed. */
export const webhook = pgTable(
  'webhook',
  {
    id: uuid().primaryKey().defaultRandom(),
    url: text().notNull(),
    description: text().notNull(),
    filter: jsonb().notNull(),
    schemaVersion: integer('schema_version').notNull(),
    scopes: text().array().notNull(),
    regions: text().array(),
    legalEntities: text('legal_entities').array(),
    state: text({ enum: STATES }).notNull(),
    /** Why it is disabled; GONE if it returned 410. */
    because: text(),
    revision: integer().notNull().default(1),
    actor: text().notNull(),
    createdAt: moment('created_at').notNull().default(clock),
    updatedAt: moment('updated_at').notNull().default(clock),
    /** Everything up to here is delivered or parked. */
    position: int8('position').notNull(),
    missed: int8('missed').notNull().default(0),
    failures: integer().notNull().default(0),
    opened: integer().notNull().default(0),
    pausedUntil: moment('paused_until'),
    leasedBy: uuid('leased_by'),
    leasedUntil: moment('leased_until'),
  },
  (t) => [oneOf('webhook', t.state, STATES)],
)

function ofEndpoint(table: string, column: AnyPgColumn) {
  const name = `${table}_webhook_fkey`
  return foreignKey({ name, columns: [column], foreignColumns: [webhook.id] }).onDelete('cascade')
}

/** Secrets that sign the deliveries of an endpoint. */
export const webhookSecret = pgTable(
  'webhook_secret',
  {
    id: int8('id').primaryKey().generatedAlwaysAsIdentity(),
    webhook: uuid().notNull(),
    sealed: bytea().notNull(),
    until: moment('until'),
  },
  (t) => [ofEndpoint('webhook_secret', t.webhook), index('webhook_secret_webhook').on(t.webhook)],
)

/** Golden records whose next event failed. */
export const webhookParked = pgTable(
  'webhook_parked',
  {
    webhook: uuid().notNull(),
    goldenId: uuid('golden_id').notNull(),
    position: int8('position').notNull(),
    attempts: integer().notNull(),
    firstAt: moment('first_at'),
    nextAt: moment('next_at').notNull(),
  },
  (t) => [
    primaryKey({ name: 'webhook_parked_pkey', columns: [t.webhook, t.goldenId] }),
    ofEndpoint('webhook_parked', t.webhook),
  ],
)

/** The delivery log. */
export const webhookDelivery = pgTable(
  'webhook_delivery',
  {
    webhook: uuid().notNull(),
    position: int8('position').notNull(),
    goldenId: uuid('golden_id').notNull(),
    version: integer().notNull(),
    state: text({ enum: DELIVERY_STATES }).notNull(),
    attempts: integer().notNull(),
    status: integer(),
    error: text(),
    response: text(),
    durationMs: integer('duration_ms'),
    firstAt: moment('first_at'),
    lastAt: moment('last_at').notNull(),
  },
  (t) => [
    primaryKey({ name: 'webhook_delivery_pkey', columns: [t.webhook, t.position] }),
    oneOf('webhook_delivery', t.state, DELIVERY_STATES),
    ofEndpoint('webhook_delivery', t.webhook),
    index('webhook_delivery_entity').on(t.goldenId, t.position),
    index('webhook_delivery_last').on(t.lastAt),
    index('webhook_delivery_place').on(t.position, t.webhook),
    index('webhook_delivery_unsettled')
      .on(t.webhook, t.state, t.position)
      .where(sql`${t.state} <> 'DELIVERED'`),
  ],
)
