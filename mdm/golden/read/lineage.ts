import type { change } from '../../../schema/tables/feed.ts'
import type { SortTerm } from '../../db/keyset.ts'
import type { Listing, Relation } from '../../db/page.ts'

/** A change of the source records of a golden record. */
export interface LineageRow
  extends Pick<
    typeof change.$inferSelect,
    'position' | 'goldenId' | 'version' | 'op' | 'redirect' | 'cause' | 'at'
  > {
  /** Keys of the source records that joined and left. */
  joined: string[]
  left: string[]
}

/**
 * How the parent and the golden records merged into it got their source records: every version
 * whose source records differ from the previous version, and the end of every golden id. Each id
 * that was ever merged in is the key of one of its source records. Walks the versions of these ids.
 */
export const lineageOfGolden = {
  from: `(select p.id as id union select m.key from source_record m where m.golden_id = p.id) w
    join change c on c.golden_id = w.id
    left join change o on o.golden_id = c.golden_id and o.version = c.version - 1`,
  where: 'c.members is distinct from o.members',
} satisfies Relation

/** Changes of the source records of golden records; read with a parent. */
export const lineageListing: Listing = {
  from: lineageOfGolden.from,
  where: 'true',
  columns: () => `c.position, c.golden_id as "goldenId", c.version, c.op, c.redirect, c.cause, c.at,
    array(select unnest(c.members) except select unnest(coalesce(o.members, '{}'))) as joined,
    array(select unnest(coalesce(o.members, '{}')) except select unnest(c.members)) as left`,
  unique: { name: 'position', sql: 'c.position', type: 'bigint', nullable: false },
}

export const latestLineage: SortTerm[] = [{ column: lineageListing.unique, descending: true }]
