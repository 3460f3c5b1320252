import { sql } from 'drizzle-orm'
import { bigint, boolean, index, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { clock, int8, json, moment } from './columns.ts'

/**
 * One system's version of a thing, with its canonical form and, for golden types, its crosswalk.
 */
export const sourceRecord = pgTable(
  'source_record',
  {
    /** Increases in the order of first arrival: the lowest id of a cluster is its oldest member. */
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    key: uuid().notNull().unique('source_record_key_key'),
    source: text().notNull(),
    object: text().notNull(),
    sourceId: text('source_id').notNull(),
    type: text().notNull(),
    /** Microseconds since 1970 by the source system's clock; 0 if it states none. */
    version: int8('version').notNull(),
    /** The place among statements of the same version. */
    tie: text().notNull(),
    fieldVersions: jsonb('field_versions'),
    /** Statements of the same version whose order needs more than their stamps. */
    tied: jsonb(),
    deleted: boolean().notNull().default(false),
    complete: boolean().notNull(),
    raw: json().notNull(),
    canonical: jsonb().$type<Record<string, unknown>>().notNull(),
    issues: jsonb(),
    /** Opaque except to the matching engine. */
    features: json(),
    featuresVersion: text('features_version'),
    /** Hashes of the blocking keys. */
    keys: bigint({ mode: 'number' }).array().notNull().default(sql`'{}'`),
    goldenId: uuid('golden_id'),
    /** For a record that is deleted or incomplete: its host record. */
    anchor: uuid(),
    /** The golden id that the record bears, as its system states it, or for which it was created. */
    statedGolden: uuid('stated_golden'),
    inboxId: int8('inbox_id').notNull(),
    createdAt: moment('created_at').notNull().default(clock),
    updatedAt: moment('updated_at').notNull().default(clock),
  },
  (t) => [
    index('source_record_golden').on(t.goldenId),
    index('source_record_stated').on(t.statedGolden).where(sql`${t.statedGolden} is not null`),
    // Search by the id of a source system, whole or from its beginning.
    index('source_record_source_id')
      .on(sql`(lower(${t.sourceId} collate "C")) collate "C"`)
      .where(sql`${t.goldenId} is not null`),
    index('source_record_incomplete').on(t.source, t.object).where(sql`not ${t.complete}`),
  ],
)

/** Source records that reference another record by a field that is compared. */
export const recordReference = pgTable(
  'record_reference',
  { target: uuid().notNull(), recordId: int8('record_id').notNull() },
  (t) => [primaryKey({ name: 'record_reference_pkey', columns: [t.target, t.recordId] })],
)

/**
 * Records that hold another text in the place of their golden id: what others use the field for, or
 * what somebody typed.
 */
export const foreignGoldenId = pgTable(
  'foreign_golden_id',
  {
    recordKey: uuid('record_key').primaryKey(),
    source: text().notNull(),
    object: text().notNull(),
    sourceId: text('source_id').notNull(),
    path: text().notNull(),
    /** At most 200 characters. */
    value: text().notNull(),
  },
  (t) => [index('foreign_golden_id_place').on(t.source, t.object, t.path, t.sourceId)],
)
