import type { Sql } from '../db/database.ts'
import { type ActionRow, actionColumns } from '../stewardship/actions.ts'

/** Returns the action with this correlation id, if there is one. */
export async function actionOfCorrelation(
  sql: Sql,
  correlationId: string,
): Promise<ActionRow | null> {
  const [row] = await sql.unsafe<ActionRow[]>(
    `select ${actionColumns} from action where correlation_id = $1 order by proposed_at limit 1`,
    [correlationId],
  )
  return row ?? null
}

/** Returns steward actions about golden records since a moment, earliest first. */
export async function actionsAbout(
  sql: Sql,
  goldenIds: readonly string[],
  since: Date,
  limit: number,
): Promise<ActionRow[]> {
  if (goldenIds.length === 0) return []
  return await sql.unsafe<ActionRow[]>(
    `select ${actionColumns} from action where subjects && $1::uuid[] and coalesce(done_at, proposed_at) >= $2
     order by proposed_at, id limit ${limit}`,
    [goldenIds as string[], since],
  )
}
