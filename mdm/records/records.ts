import type { Issue } from '../../connectors/contract.ts'
import type { sourceRecord } from '../../schema/tables/sourceRecord.ts'
import { documents } from '../db/arrays.ts'
import type { Transaction } from '../db/database.ts'
import type { Tied } from './fold.ts'
import type { Stamp } from './stamp.ts'

/** A row of source_record. `features` belongs to the matching engine and is opaque here. */
export interface SourceRecord
  extends Omit<
    typeof sourceRecord.$inferSelect,
    'fieldVersions' | 'tied' | 'issues' | 'raw' | 'inboxId' | 'createdAt' | 'updatedAt'
  > {
  fieldVersions: Record<string, Stamp> | null
  tied: Tied | null
  issues: Issue[] | null
}

/** A record with `raw`, for records about to change. */
export interface WholeRecord
  extends SourceRecord,
    Pick<typeof sourceRecord.$inferSelect, 'inboxId'> {
  raw: Record<string, unknown>
}

/** Returns rows by record key; an index scan on `key`. */
export async function loadByKey(tx: Transaction, keys: string[]): Promise<WholeRecord[]> {
  if (keys.length === 0) return []
  return await tx<WholeRecord[]>`
    select id, key, source, object, source_id as "sourceId", type, version, tie, field_versions as "fieldVersions", tied,
      deleted, complete, canonical, issues, features, features_version as "featuresVersion", keys,
      golden_id as "goldenId", anchor, stated_golden as "statedGolden", raw, inbox_id as "inboxId"
    from source_record where key = any(${keys}::uuid[])`
}

/** Returns rows by id, without `raw`; an index scan on the primary key. */
export async function loadById(tx: Transaction, ids: number[]): Promise<SourceRecord[]> {
  if (ids.length === 0) return []
  return await tx<SourceRecord[]>`
    select id, key, source, object, source_id as "sourceId", type, version, tie, null as "fieldVersions", null as tied,
      deleted, complete, canonical, null as issues, features, features_version as "featuresVersion", keys,
      golden_id as "goldenId", anchor, stated_golden as "statedGolden"
    from source_record where id = any(${ids}::bigint[])`
}

/** The columns that a comparison needs. */
export type Candidate = Pick<
  SourceRecord,
  'id' | 'deleted' | 'complete' | 'features' | 'featuresVersion'
>

/** Returns only the features of records: most candidates turn out not to match. */
export async function loadFeatures(tx: Transaction, ids: number[]): Promise<Candidate[]> {
  if (ids.length === 0) return []
  return await tx<Candidate[]>`
    select id, deleted, complete, features, features_version as "featuresVersion"
    from source_record where id = any(${ids}::bigint[])`
}

/** Reserves ids for new records, in the order of arrival. */
export async function nextIds(tx: Transaction, count: number): Promise<number[]> {
  if (count === 0) return []
  const rows = await tx<{ id: number }[]>`
    select nextval(pg_get_serial_sequence('source_record', 'id'))::bigint as id from generate_series(1, ${count})`
  return rows.map((r) => r.id)
}

/** Inserts new records and replaces changed ones, whole rows in one statement. */
export async function saveRecords(tx: Transaction, records: WholeRecord[]): Promise<void> {
  if (records.length === 0) return
  await tx`
    insert into source_record as s (id, key, source, object, source_id, type, version, tie, field_versions, tied,
      deleted, complete, raw, canonical, issues, features, features_version, keys, golden_id, anchor, stated_golden, inbox_id)
    overriding system value
    select id, key, source, object, source_id, type, version, tie, field_versions, tied, deleted, complete, raw,
      canonical, issues, features, features_version,
      -- unnest cannot hand over arrays of different lengths, so keys travel as text
      ('{' || keys || '}')::bigint[], golden_id, anchor, stated_golden, inbox_id
    from unnest(${records.map((r) => r.id)}::bigint[], ${records.map((r) => r.key)}::uuid[],
      ${records.map((r) => r.source)}::text[], ${records.map((r) => r.object)}::text[],
      ${records.map((r) => r.sourceId)}::text[], ${records.map((r) => r.type)}::text[],
      ${records.map((r) => r.version)}::bigint[], ${records.map((r) => r.tie)}::text[],
      string_to_array(${documents(records.map((r) => r.fieldVersions))}, E'\\x1f', '')::jsonb[],
      string_to_array(${documents(records.map((r) => r.tied))}, E'\\x1f', '')::jsonb[], ${records.map((r) => String(r.deleted))}::text[]::boolean[],
      ${records.map((r) => String(r.complete))}::text[]::boolean[], string_to_array(${documents(records.map((r) => r.raw))}, E'\\x1f', '')::json[],
      string_to_array(${documents(records.map((r) => r.canonical))}, E'\\x1f', '')::jsonb[],
      string_to_array(${documents(records.map((r) => (r.issues?.length ? r.issues : null)))}, E'\\x1f', '')::jsonb[],
      string_to_array(${documents(records.map((r) => r.features))}, E'\\x1f', '')::json[], ${records.map((r) => r.featuresVersion)}::text[],
      ${records.map((r) => r.keys.join(','))}::text[], ${records.map((r) => r.goldenId)}::uuid[],
      ${records.map((r) => r.anchor)}::uuid[], ${records.map((r) => r.statedGolden)}::uuid[],
      ${records.map((r) => r.inboxId)}::bigint[])
      as r (id, key, source, object, source_id, type, version, tie, field_versions, tied, deleted, complete, raw,
        canonical, issues, features, features_version, keys, golden_id, anchor, stated_golden, inbox_id)
    on conflict (id) do update set type = excluded.type, version = excluded.version, tie = excluded.tie,
      field_versions = excluded.field_versions, tied = excluded.tied, deleted = excluded.deleted, complete = excluded.complete,
      raw = excluded.raw, canonical = excluded.canonical, issues = excluded.issues, features = excluded.features,
      features_version = excluded.features_version, keys = excluded.keys, golden_id = excluded.golden_id, anchor = excluded.anchor,
      stated_golden = excluded.stated_golden, inbox_id = excluded.inbox_id, updated_at = clock_timestamp()`
}

/** Saves stamps of records whose content stays as it is. */
export async function saveStamps(tx: Transaction, records: WholeRecord[]): Promise<void> {
  if (records.length === 0) return
  await tx`
    update source_record s set version = r.version, tie = r.tie, field_versions = r.field_versions, tied = r.tied
    from unnest(${records.map((r) => r.id)}::bigint[], ${records.map((r) => r.version)}::bigint[],
      ${records.map((r) => r.tie)}::text[],
      string_to_array(${documents(records.map((r) => r.fieldVersions))}, E'\\x1f', '')::jsonb[],
      string_to_array(${documents(records.map((r) => r.tied))}, E'\\x1f', '')::jsonb[])
      as r (id, version, tie, field_versions, tied)
    where s.id = r.id`
}

/** Saves raw content of records of which nothing else changes. */
export async function saveRaw(tx: Transaction, records: readonly WholeRecord[]): Promise<void> {
  if (records.length === 0) return
  await tx`
    update source_record s set raw = r.raw
    from unnest(${records.map((r) => r.id)}::bigint[],
      string_to_array(${documents(records.map((r) => r.raw))}, E'\\x1f')::json[]) as r (id, raw)
    where s.id = r.id`
}

/**
 * Saves the matching results of records whose content did not change: a new golden id, or features
 * that a reference changed. Features and keys are written only for records in `keyed`; the rows in
 * match_key of others are still the old ones.
 */
export async function saveMatched(
  tx: Transaction,
  records: SourceRecord[],
  keyed: ReadonlySet<number>,
): Promise<void> {
  if (records.length === 0) return
  const [matched, placed] = [
    records.filter((r) => keyed.has(r.id)),
    records.filter((r) => !keyed.has(r.id)),
  ]
  if (placed.length > 0)
    await tx`
      update source_record s set golden_id = r.golden_id, anchor = r.anchor
      from unnest(${placed.map((r) => r.id)}::bigint[], ${placed.map((r) => r.goldenId)}::uuid[],
        ${placed.map((r) => r.anchor)}::uuid[]) as r (id, golden_id, anchor)
      where s.id = r.id`
  if (matched.length === 0) return
  await tx`
    update source_record s set golden_id = r.golden_id, anchor = r.anchor, features = r.features, features_version = r.features_version,
      keys = ('{' || r.keys || '}')::bigint[]
    from unnest(${matched.map((r) => r.id)}::bigint[], ${matched.map((r) => r.goldenId)}::uuid[],
      string_to_array(${documents(matched.map((r) => r.features))}, E'\\x1f', '')::json[], ${matched.map((r) => r.featuresVersion)}::text[],
      ${matched.map((r) => r.keys.join(','))}::text[], ${matched.map((r) => r.anchor)}::uuid[])
      as r (id, golden_id, features, features_version, keys, anchor)
    where s.id = r.id`
}

/**
 * Clears stored features that cannot be used. These records and their types count as unmatched for
 * the next pass (mdm/policy/rematch.ts).
 */
export async function forgetFeatures(tx: Transaction, ids: ReadonlySet<number>): Promise<void> {
  if (ids.size > 0)
    await tx`
      with forgotten as (
        update source_record set features_version = null where id = any(${[...ids]}::bigint[]) returning type)
      delete from match_version where type in (select type from forgotten)`
}
