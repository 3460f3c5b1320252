import { sql } from 'drizzle-orm'
import {
  bigint,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  real,
  text,
  uuid,
} from 'drizzle-orm/pg-core'
import { clock, int8, moment, oneOf } from './columns.ts'

const LABEL_ANSWERS = ['SAME', 'NOT_SAME', 'UNSURE'] as const

/** Blocking keys as hashes. */
export const matchKey = pgTable(
  'match_key',
  { key: int8('key').notNull(), recordId: int8('record_id').notNull() },
  (t) => [primaryKey({ name: 'match_key_pkey', columns: [t.key, t.recordId] })],
)

/** Pairs of records that a match weight connects, the lower record id first. */
export const link = pgTable(
  'link',
  { a: int8('a').notNull(), b: int8('b').notNull(), weight: real().notNull() },
  (t) => [
    primaryKey({ name: 'link_pkey', columns: [t.a, t.b] }),
    check('link_check', sql`${t.a} < ${t.b}`),
    index('link_b').on(t.b),
  ],
)

/** Pairs of golden records that wait for a steward. */
export const possibleMatch = pgTable(
  'possible_match',
  {
    a: uuid().notNull(),
    b: uuid().notNull(),
    type: text().notNull(),
    weight: real().notNull(),
    reason: text().notNull(),
    createdAt: moment('created_at').notNull().default(clock),
  },
  (t) => [
    primaryKey({ name: 'possible_match_pkey', columns: [t.a, t.b] }),
    index('possible_match_b').on(t.b),
  ],
)

/**
 * Answers of people to whether two source records are one thing, by their keys. The latest answer
 * to a pair counts. They measure matching and change no golden record.
 */
export const matchLabel = pgTable(
  'match_label',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    a: uuid().notNull(),
    b: uuid().notNull(),
    type: text().notNull(),
    answer: text({ enum: LABEL_ANSWERS }).notNull(),
    actor: text().notNull(),
    at: moment('at').notNull().default(clock),
  },
  (t) => [
    oneOf('match_label', t.answer, LABEL_ANSWERS),
    check('match_label_order', sql`${t.a} < ${t.b}`),
    index('match_label_pair').on(t.a, t.b, t.id),
  ],
)

/** The version of the matching engine that the records of each golden type were matched with. */
export const matchVersion = pgTable('match_version', {
  type: text().primaryKey(),
  version: text().notNull(),
  at: moment('at').notNull().default(clock),
})

/**
 * Matching models trained on the store. A model is active if the active policy has its parameters.
 */
export const matchModel = pgTable(
  'match_model',
  {
    /** Content hash. Features carry the version of their model. */
    version: text().primaryKey(),
    type: text().notNull(),
    policyVersion: text('policy_version').notNull(),
    units: jsonb().$type<unknown[]>().notNull(),
    parameters: jsonb().$type<Record<string, unknown>>().notNull(),
    /**
     * Live source records in the training data, their candidate pairs, and decisions of stewards.
     */
    records: integer().notNull(),
    pairs: int8('pairs').notNull(),
    labels: integer().notNull(),
    /** Compared fields without a value in any record. */
    absent: text().array().notNull(),
    actor: text().notNull(),
    trainedAt: moment('trained_at').notNull().default(clock),
  },
  (t) => [index('match_model_recent').on(t.type, t.trainedAt.desc().nullsFirst())],
)
