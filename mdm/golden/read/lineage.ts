import type { change } from '../../../schema/tables/feed.ts'
import type { Sql } from '../../db/database.ts'
import { Parameters, read } from '../../db/statement.ts'

/** A change of the source records of a golden record. */
export interface LineageRow
  extends Pick<typeof change.$inferSelect, 'position' | 'goldenId' | 'version' | 'op' | 'redirect' | 'cause' | 'at'> {
  /** Keys of the source records that joined and left. */
  joined: string[]
  left: string[]
}

/**
 * Returns how a golden record and those merged into it got their source records, the latest change
 * first: every version whose source records differ from the previous version, and the end of every
 * golden id. Each id that was ever merged in is the key of one of its source records. Walks the
 * versions of these ids.
 */
export async function readLineage(
  sql: Sql,
  goldenId: string,
  limit: number,
  before: number | null,
): Promise<LineageRow[]> {
  const p = new Parameters()
  const id = p.add(goldenId, 'uuid')
  const below = before === null ? '' : `and c.position < ${p.add(before, 'bigint')}`
  const text = `select c.position, c.golden_id as "goldenId", c.version, c.op, c.redirect, c.cause, c.at,
      array(select unnest(c.members) except select unnest(coalesce(o.members, '{}'))) as joined,
      array(select unnest(coalesce(o.members, '{}')) except select unnest(c.members)) as left
    from (select ${id} as id union select m.key from source_record m where m.golden_id = ${id}) w
    join change c on c.golden_id = w.id
    left join change o on o.golden_id = c.golden_id and o.version = c.version - 1
    where c.members is distinct from o.members ${below}
    order by c.position desc limit ${limit}`
  return await read<LineageRow>(sql, text, p)
}
