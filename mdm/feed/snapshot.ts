import type { change } from '../../schema/tables/feed.ts'
import type { Sql } from '../db/database.ts'

/** A golden record as it was at the position of the snapshot. */
export interface SnapshotItem {
  goldenId: string
  type: string
  version: number
  /** Position of the event that made this version. */
  position: number
  values: Record<string, unknown>
}

/**
 * Golden records in order of id: all that pass the filter between the previous page's last id and
 * this page's last.
 */
export interface SnapshotPage {
  items: SnapshotItem[]
  bytes: number
  oldest: number
  /** No golden records come after these. */
  done: boolean
  /** The epoch of the feed when this was read. */
  epoch: string
}

export interface SnapshotRange {
  /** As of this position. */
  position: number
  /** Golden ids greater than this one. */
  scanned: string | null
  types: readonly string[] | null
  ids: readonly string[] | null
  rowsMax: number
  /**
   * The connection sees only a caller's rows, so an older visible version must not replace a hidden
   * current one.
   */
  rowRights?: boolean
}

interface SnapshotRow extends Pick<typeof change.$inferSelect, 'type' | 'version' | 'position'> {
  /** Null in the one row of an empty page. */
  id: string | null
  values: string
  oldest: number
  epoch: string
}

/** Memory of an item beside its values. */
const itemOverheadBytes = 300

/**
 * Returns the next golden records in order of id, each in the version it had at `position`. So the
 * snapshot is of one moment whatever is written during the scan, and the tail after `position` has
 * no seam. Expiry keeps the newest version before `oldest`, so the result is complete as long as
 * `oldest` <= position + 1, which the same statement returns. The plan it counts on: a scan of
 * golden's primary key with one look-up by (golden_id, version) for each row.
 */
export async function readSnapshot(sql: Sql, range: SnapshotRange): Promise<SnapshotPage> {
  const rows = await sql<SnapshotRow[]>`
    select h.oldest, h.epoch, s.*
    from feed_head h left join lateral (
      select g.id, v.type, v.version, v.position, v.values::text as values
      from golden g cross join lateral (
        select c.type, c.version, c.position, c.values from change c
        where c.golden_id = g.id and c.position <= ${range.position}
          ${range.rowRights ? sql`and c.version = version_at_position(g.id, ${range.position})` : sql``}
        order by c.version desc limit 1
      ) v
      where v.values is not null
        ${range.scanned ? sql`and g.id > ${range.scanned}` : sql``}
        ${range.types ? sql`and g.type = any(${range.types as string[]}::text[])` : sql``}
        ${range.ids ? sql`and g.id = any(${range.ids as string[]}::uuid[])` : sql``}
      order by g.id
      limit ${range.rowsMax}
    ) s on true
    order by s.id`
  const items: SnapshotItem[] = []
  let bytes = 0
  for (const { id, type, version, position, values } of rows) {
    if (id === null) continue
    items.push({ goldenId: id, type, version, position, values: JSON.parse(values) })
    bytes += itemOverheadBytes + 2 * values.length
  }
  const [head] = rows
  if (!head) throw new Error('feed_head has no row: the migrations have not run')
  const { oldest, epoch } = head
  return { items, bytes, oldest, epoch, done: items.length < range.rowsMax }
}
