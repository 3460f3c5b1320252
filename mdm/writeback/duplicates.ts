import type { Transaction } from '../db/database.ts'
import { ownerOf, type StewardshipRules } from '../tasks/rules.ts'
import { closeTasks, openAbout, openTasks, taskId } from '../tasks/tasks.ts'
import type { Target } from './target.ts'

/** Records that one task names. */
const namedMax = 20

interface Row {
  goldenId: string
  type: string
  source: string
  object: string
  sourceId: string
  key: string
  deleted: boolean
}

/**
 * Brings DUPLICATE tasks in line with the records of these golden records: a target that holds a
 * thing twice keeps both records in step, and a person has to merge them there. Nothing is deleted
 * in a target.
 */
export async function syncDuplicateTasks(
  tx: Transaction,
  rules: StewardshipRules,
  targets: ReadonlyMap<string, Target>,
  goldenIds: readonly string[],
): Promise<void> {
  const rows = await tx<Row[]>`
    select golden_id as "goldenId", type, source, object, source_id as "sourceId", key, deleted from source_record
    where golden_id = any(${[...goldenIds]}::uuid[]) and source = any(${[...targets.keys()]}::text[]) order by id`
  const listed = rows.filter(
    (r) => !r.deleted && targets.get(r.source)?.types.get(r.type)?.objects.includes(r.object),
  )
  const groups = [...Map.groupBy(listed, (r) => `${r.goldenId} ${r.source} ${r.object}`).values()]
  const twice = groups.filter((g) => g.length > 1).map((g) => g.slice(0, namedMax))
  const wanted = new Set(twice.map((g) => taskId('DUPLICATE', keysOf(g))))
  const open = await openAbout(tx, ['DUPLICATE'], keysOf(rows))
  await closeTasks(
    tx,
    open.filter((t) => !wanted.has(t.id)).map((t) => t.id),
    'its reason is gone',
  )
  await openTasks(
    tx,
    rules,
    twice.flatMap((group) => {
      const [first] = group
      if (!first) return []
      const { source, object, type } = first
      return {
        kind: 'DUPLICATE' as const,
        type,
        subject: keysOf(group),
        reason: `${source} holds this ${type} ${group.length} times: ${group.map((r) => `${object} ${r.sourceId}`).join(', ')}. Merge them there; until then all are kept in step`,
        weight: null,
        stake: 0,
        owner: ownerOf(rules, { system: source, object, type }),
      }
    }),
  )
}

function keysOf(rows: readonly Row[]): string[] {
  return rows.map((r) => r.key)
}
