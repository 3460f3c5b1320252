import { bigint, boolean, integer, jsonb, pgTable, text, timestamp, unique, uuid } from 'drizzle-orm/pg-core'
import type { Cause } from '../events.ts'
import { OPS } from '../events.ts'
import { type ProvenanceColumn, rowTags } from './golden.ts'

/** The change feed and the history in one: a row is one version of one golden record. */
export const change = pgTable(
  'change',
  {
    position: bigint({ mode: 'number' }).primaryKey(),
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
    at: timestamp({ withTimezone: true }).notNull(),
    ...rowTags(),
  },
  (t) => [unique().on(t.goldenId, t.version)],
)

/** One row: where the feed ends. Locked last by whoever appends. */
export const feedHead = pgTable('feed_head', {
  one: boolean().primaryKey().default(true),
  position: bigint({ mode: 'number' }).notNull(),
  oldest: bigint({ mode: 'number' }).notNull().default(1),
  feed: uuid().notNull().defaultRandom(),
})

/** Sinks that keep their own place, and how far they are. */
export const sink = pgTable('sink', {
  name: text().primaryKey(),
  feed: uuid().notNull(),
  position: bigint({ mode: 'number' }).notNull(),
  missed: bigint({ mode: 'number' }).notNull().default(0),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
})
