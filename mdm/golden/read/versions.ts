import type { change } from '../../../schema/tables/feed.ts'
import type { ProvenanceColumn } from '../../../schema/tables/golden.ts'
import { isUuid } from '../../../schema/uuid.ts'
import type { Sql } from '../../db/database.ts'
import type { SortTerm } from '../../db/keyset.ts'
import type { Listing, Relation } from '../../db/page.ts'
import { Parameters, read } from '../../db/statement.ts'
import type { GoldenRow } from './list.ts'
import { type Tombstone, tombstoneColumns } from './tombstone.ts'

/** One version of a golden record, from the change that made it. */
export type VersionRow = Omit<
  typeof change.$inferSelect,
  'provenance' | 'rowPlace' | 'rowEntities' | 'rowParent'
>

const columns = `c.position, c.golden_id as "goldenId", c.version, c.op, c.type, c.values, c.redirect, c.changed, c.members,
  c.policy_version as "policyVersion", c.cause, c.at`

/** Lists versions of golden records. A version number is unique within its golden record. */
export const versionListing: Listing = {
  from: 'change c',
  where: 'true',
  columns: () => columns,
  unique: { name: 'version', sql: 'c.version', type: 'bigint', nullable: false },
}

/** The versions of the parent golden record; walks (golden_id, version). */
export const versionsOfGolden: Relation = { from: 'change c', where: 'c.golden_id = p.id' }

export const newestVersions: SortTerm[] = [{ column: versionListing.unique, descending: true }]

/** Largest number of redirects followed from one id. A longer chain would mean a cycle. */
const redirectsMax = 64

export interface GoldenAsOf extends GoldenRow {
  /** Keys of the source records of that version. */
  members: string[]
  policyVersion: string
  provenance: ProvenanceColumn
  /** Null unless the golden record had ended; its values are then the last ones. */
  tombstone: Tombstone | null
}

/**
 * Returns the golden record that an id resolved to at a moment: its last version at or before it,
 * over redirects valid then. One that had ended has its last values and a tombstone. Null if it did
 * not exist yet. An id that was never a golden id stands for its source record, and so for the
 * golden record that contains it now.
 */
export async function readAsOf(
  sql: Sql,
  type: string,
  id: string,
  asOf: Date,
): Promise<GoldenAsOf | null> {
  let at = isUuid(id) ? id.toLowerCase() : null
  // The version is found without a check of rights and read with the caller's rights: a hidden
  // version must not yield to an earlier one.
  for (let step = 0; at !== null && step < redirectsMax; step++) {
    const p = new Parameters()
    const text = `select c.version, c.values, c.redirect, c.members, c.type, c.provenance,
        c.policy_version as "policyVersion", (select min(f.at) from change f where f.golden_id = c.golden_id) as "createdAt",
        ${tombstoneColumns}, ${lastValues} as "lastValues"
      from change c where c.golden_id = ${p.add(at, 'uuid')}
        and c.version = version_at(${p.add(at, 'uuid')}, ${p.add(asOf.toISOString(), 'timestamptz')})`
    const [found] = await read<Version>(sql, text, p)
    if (!found) return step === 0 ? await followRecord(sql, type, at, asOf) : null
    const { redirect } = found
    if (redirect === null) return found.type === type ? goldenAt(at, found) : null
    at = redirect
  }
  return null
}

/** A version with what a tombstone needs. */
type Version = Pick<
  VersionRow,
  'version' | 'values' | 'redirect' | 'members' | 'type' | 'policyVersion'
> &
  Pick<GoldenAsOf, 'provenance' | 'createdAt'> &
  Tombstone & { lastValues: Record<string, unknown> | null }

/** The values before a version that ended its golden record, also if they have expired. */
const lastValues = `case when c.values is null and c.redirect is null then coalesce((
      select f.values from change f
      where f.golden_id = c.golden_id and f.version < c.version and f.values is not null
      order by f.version desc limit 1),
    (select g.values from golden g where g.id = c.golden_id and g.state = 'DELETED')) end`

function goldenAt(id: string, found: Version): GoldenAsOf | null {
  const { values, lastValues, since, reason, position, cause } = found
  const { type, version, createdAt, members, policyVersion, provenance } = found
  const shown = values ?? lastValues
  if (!shown) return null
  return {
    __typename: type,
    id,
    version,
    values: shown,
    createdAt,
    updatedAt: since,
    members,
    policyVersion,
    provenance: values ? provenance : {},
    tombstone: values ? null : { since, reason, position, cause },
  }
}

async function followRecord(
  sql: Sql,
  type: string,
  key: string,
  asOf: Date,
): Promise<GoldenAsOf | null> {
  const p = new Parameters()
  const text = `select golden_id as id from source_record where key = ${p.add(key, 'uuid')}`
  const [record] = await read<{ id: string | null }>(sql, text, p)
  return record?.id && record.id !== key ? await readAsOf(sql, type, record.id, asOf) : null
}
