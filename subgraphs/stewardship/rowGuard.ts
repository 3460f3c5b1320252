import { readNamed } from '../../mdm/golden/read/read.ts'
import { readActionsById } from '../../mdm/stewardship/history.ts'
import { readTasksById } from '../../mdm/tasks/queue.ts'
import { isUuid } from '../../schema/uuid.ts'
import type { RequestContext } from '../shared/context.ts'

/**
 * Returns the first id in an action that a caller with row rights may not see, or null if there is
 * none. Actions run with every right, so this check precedes each. Its result is the same as for an
 * id that does not exist.
 */
export async function findUnauthorizedId(
  what: unknown,
  context: RequestContext,
): Promise<string | null> {
  if (!context.bound) return null
  const ids = [...uuidsIn(what)]
  const { sql } = context
  const [named, actions, tasks] = await Promise.all([
    readNamed(sql, ids),
    readActionsById(sql, ids),
    readTasksById(sql, ids),
  ])
  return ids.find((id) => !named.has(id) && !actions.has(id) && !tasks.has(id)) ?? null
}

/** Returns every id in a value, however deep. A text that looks like an id counts as well. */
function uuidsIn(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value === 'string' && isUuid(value)) found.add(value.toLowerCase())
  else if (Array.isArray(value)) for (const v of value) uuidsIn(v, found)
  else if (typeof value === 'object' && value !== null) {
    for (const [k, v] of Object.entries(value)) {
      uuidsIn(k, found)
      uuidsIn(v, found)
    }
  }
  return found
}

/** Returns the records of a preview that consist only of records visible to the caller. */
export async function recordsWithin<T extends { members: string[]; goldenId: string }>(
  records: T[],
  context: RequestContext,
): Promise<T[]> {
  if (!context.bound) return records
  const named = await readNamed(context.sql, [
    ...new Set(records.flatMap((r) => [...r.members, r.goldenId])),
  ])
  return records.filter(
    (r) => r.members.every((m) => named.has(m)) && (r.members.length > 0 || named.has(r.goldenId)),
  )
}
