import { sql } from 'drizzle-orm'
import { boolean, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import type { Cause } from '../events.ts'
import { OPS } from '../events.ts'
import { clock, int8, moment, oneOf, oneRow } from './columns.ts'
import { type ProvenanceColumn, rowTags } from './golden.ts'

/** The change feed and the history in one: a row is one version of one golden record. */
export const change = pgTable(
  'change',
  {
    position: int8('position').primaryKey(),
    goldenId: uuid('golden_id').notNull(),
    type: text().notNull(),
    version: integer().notNull(),
    op: text({ enum: OPS }).notNull(),
    values: jsonb().$type<Record<string, unknown>>(),
    provenance: jsonb().$type<ProvenanceColumn>(),
    redirect: uuid(),
    changed: text().array().notNull(),
    members: uuid().array().notNull(),
    policyVersion: text('policy_version').notNull(),
    cause: jsonb().$type<Cause>().notNull(),
    at: moment('at').notNull(),
    ...rowTags(),
    customer: uuid(),
    before: jsonb().$type<Record<string, unknown>>(),
  },
  (t) => [
    unique('change_golden_id_version_key').on(t.goldenId, t.version),
    oneOf('change', t.op, OPS),
    index('change_message')
      .on(sql`((${t.cause} ->> 'inboxId')::bigint)`)
      .where(sql`${t.cause} ->> 'inboxId' is not null`),
  ],
)

/** One row: where the feed ends. Locked last by every transaction that appends. */
export const feedHead = pgTable(
  'feed_head',
  {
    one: boolean().primaryKey().default(true),
    position: int8('position').notNull(),
    oldest: int8('oldest').notNull().default(1),
    feed: uuid().notNull().defaultRandom(),
    epoch: uuid().notNull(),
    epochXid: int8('epoch_xid'),
    server: text(),
  },
  (t) => [oneRow('feed_head', t.one)],
)

/** The epochs of the feed: another one begins when the store may have gone back. */
export const feedEpoch = pgTable(
  'feed_epoch',
  {
    id: uuid().primaryKey().defaultRandom(),
    number: integer().notNull().generatedAlwaysAsIdentity(),
    feed: uuid().notNull(),
    beganAfter: int8('began_after').notNull(),
    reason: text().notNull(),
    at: moment('at').notNull().default(clock),
  },
  (t) => [unique('feed_epoch_number_key').on(t.number)],
)

/** Sinks that keep their own position in the feed. */
export const sink = pgTable('sink', {
  name: text().primaryKey(),
  /** The epoch of the position. */
  feed: uuid().notNull(),
  position: int8('position').notNull(),
  missed: int8('missed').notNull().default(0),
  updatedAt: moment('updated_at').notNull().default(clock),
})
