import { readNamed } from '../../mdm/golden/read/read.ts'
import { readActionsById } from '../../mdm/stewardship/history.ts'
import { readTasksById } from '../../mdm/tasks/queue.ts'
import { isUuid } from '../../schema/uuid.ts'
import type { RequestContext } from '../shared/context.ts'

/**
 * The first id among what a caller who is bound to some rows wants to act on that is not among
 * them; null where there is none. Actions are done with every right, so this comes before each, and
 * says no more than if nothing had the id.
 */
export async function beyondRows(what: unknown, context: RequestContext): Promise<string | null> {
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

/** Every id in it, however deep: a value that looks like one counts as well. */
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

/** Of the records of a preview those that consist of nothing but what the caller may see. */
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
