import { sql } from 'drizzle-orm'
import {
  bigint,
  date,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uuid,
} from 'drizzle-orm/pg-core'
import { clock, moment } from './columns.ts'

/** What a check of mdm/reconcile found: two systems, or two objects, that should agree. */
export const reconcileDifference = pgTable(
  'reconcile_difference',
  {
    checkName: text('check_name').notNull(),
    /** What it is about; the same in every run. */
    key: text().notNull(),
    /** Key of the source record, or golden id, at which to look. */
    record: uuid(),
    source: text(),
    /** The golden customer. */
    customer: uuid(),
    amountMinor: doublePrecision('amount_minor'),
    currency: text(),
    day: date(),
    /** The legal entity. */
    entity: text(),
    detail: text().notNull(),
    firstSeen: moment('first_seen').notNull().default(clock),
    lastSeen: moment('last_seen').notNull().default(clock),
    /** When a run no longer found it. Null while it is open. */
    clearedAt: moment('cleared_at'),
  },
  (t) => [
    primaryKey({ name: 'reconcile_difference_pkey', columns: [t.checkName, t.key] }),
    index('reconcile_difference_open')
      .on(t.firstSeen.desc().nullsFirst(), t.checkName, t.key)
      .where(sql`${t.clearedAt} is null`),
    index('reconcile_difference_customer').on(t.customer).where(sql`${t.clearedAt} is null`),
  ],
)

/** The result of one run of a check. */
export const reconcileRun = pgTable(
  'reconcile_run',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    checkName: text('check_name').notNull(),
    at: moment('at').notNull().default(clock),
    skipped: text(),
    open: integer().notNull(),
    found: integer().notNull(),
    cleared: integer().notNull(),
    ms: integer().notNull(),
    /** Currency -> sum of the open amounts in minor units. */
    amounts: jsonb().$type<Record<string, number>>().notNull(),
  },
  (t) => [index('reconcile_run_place').on(t.checkName, t.at.desc().nullsFirst())],
)
