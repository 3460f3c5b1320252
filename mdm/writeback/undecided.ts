import type { Transaction } from '../db/database.ts'
import { type TaskKind, taskId } from '../tasks/tasks.ts'
import { bareRecords, type Created } from './created.ts'

/** The code of a create that waits until people decide whether the target holds the thing already. */
export const POSSIBLE_MATCH = 'POSSIBLE_MATCH'

/** Open tasks of these kinds leave it undecided whether two golden records are one thing. */
const KINDS: readonly TaskKind[] = ['POSSIBLE_MATCH', 'CONFLICT', 'SPLIT']
/** Steps from golden record to golden record that are followed. */
const stepsMax = 10
/** Golden records that one search reaches. */
const reachedMax = 5_000

/** Golden records that may turn out to be one thing, and the tasks that ask. */
export interface Undecided {
  /** All golden records of the search, those it began with included. */
  ids: ReadonlySet<string>
  /**
   * Returns the golden records that one may be, the nearest first, each with the task of the first
   * step to it. `isAll` is false if the search stopped at its bound, so there may be more.
   */
  of(goldenId: string): { others: readonly PossiblySame[]; isAll: boolean }
}

export interface PossiblySame {
  goldenId: string
  /** The task by whose decision the golden record comes nearer to this one, or away from it. */
  taskId: string
}

interface Edge {
  ids: string[]
  taskId: string
}

/**
 * Follows open tasks about possible matches, conflicts and splits, and proposals of stewards to join
 * golden records, from golden record to golden record. If A may be B, and B may be C, then A may be C.
 */
export async function loadUndecided(
  tx: Transaction,
  goldenIds: readonly string[],
): Promise<Undecided> {
  const ids = new Set(goldenIds)
  const explored = new Set<string>()
  const edges = new Map<string, Edge>()
  let next = [...ids]
  for (let step = 0; next.length > 0 && step < stepsMax && ids.size <= reachedMax; step++) {
    const found = await edgesOf(tx, next)
    for (const id of next) explored.add(id)
    for (const e of found) edges.set(`${e.taskId} ${e.ids.join()}`, e)
    next = [...new Set(found.flatMap((e) => e.ids))].filter((id) => !ids.has(id))
    for (const id of next) ids.add(id)
  }
  const byId = new Map<string, Edge[]>()
  for (const e of edges.values()) for (const id of e.ids) byId.set(id, [...(byId.get(id) ?? []), e])
  return {
    ids,
    of(goldenId) {
      const others = new Map<string, PossiblySame>()
      let isAll = true
      let from: PossiblySame[] = [{ goldenId, taskId: '' }]
      while (from.length > 0) {
        isAll &&= from.every((f) => explored.has(f.goldenId))
        from = from.flatMap((f) =>
          (byId.get(f.goldenId) ?? []).flatMap((e) =>
            e.ids.flatMap((id) => {
              if (id === goldenId || others.has(id)) return []
              const other = { goldenId: id, taskId: f.taskId || e.taskId }
              others.set(id, other)
              return [other]
            }),
          ),
        )
      }
      return { others: [...others.values()], isAll }
    },
  }
}

async function edgesOf(tx: Transaction, ids: readonly string[]): Promise<Edge[]> {
  const tasks = await tx<Edge[]>`
    select id as "taskId", subject as ids from task
    where subject && ${[...ids]}::uuid[] and state = 'OPEN' and kind = any(${[...KINDS]}::text[]) order by id`
  // The ids that a steward names, as texts: a proposal may name what does not exist any more.
  const proposals = await tx<{ id: string; ids: string[] }[]>`
    select a.id, j.ids from action a
      cross join lateral (
        select case when a.kind = 'MERGE' then array(select jsonb_array_elements_text(a.input -> 'ids')) else a.subjects::text[] end as ids
          where a.kind in ('MERGE', 'ATTACH', 'UNDO')
        union all
        select array(select jsonb_array_elements_text(i -> 'ids')) from jsonb_array_elements(a.input -> 'items') i
          where a.kind = 'BULK' and i ->> 'kind' = 'MERGE'
        union all
        select array[i ->> 'from', i ->> 'to'] from jsonb_array_elements(a.input -> 'items') i
          where a.kind = 'BULK' and i ->> 'kind' = 'ATTACH' and i ->> 'from' is not null) j
    where a.state = 'PROPOSED' and a.subjects && ${[...ids]}::uuid[]
    order by a.id`
  const joined = proposals.map((p) => ({
    ids: p.ids.map((id) => id.toLowerCase()),
    taskId: taskId('APPROVAL', [p.id]),
  }))
  return [...tasks, ...joined.filter((e) => ids.some((id) => e.ids.includes(id)))]
}

/**
 * Returns whether the target holds, or is being sent, a record of a golden record that this one may
 * turn out to be. The writer looks once more right before it creates a record: such a task may have
 * been opened, and such a record have come, since the plan. It finds no more than a plan does, or the
 * two would never agree.
 */
export async function mayBeHeld(
  tx: Transaction,
  goldenId: string,
  source: string,
  objects: readonly string[],
): Promise<boolean> {
  const { others, isAll } = (await loadUndecided(tx, [goldenId])).of(goldenId)
  if (!isAll) return true
  if (others.length === 0) return false
  const ids = others.map((o) => o.goldenId)
  const rows = await tx<(Created & { key: string | null })[]>`
    select golden_id as "goldenId", source, object, source_id as "sourceId", key from source_record
    where golden_id = any(${ids}::uuid[]) and source = ${source} and object = any(${[...objects]}::text[]) and not deleted
    union all
    select k.golden_id, i.source, i.object, i.source_id, null from source_record k join write_intent i on i.golden_id = k.key
    where k.golden_id = any(${ids}::uuid[]) and i.source = ${source} and i.object = any(${[...objects]}::text[])
      and i.operation = 'CREATE' and i.state in ('SENT', 'UNKNOWN', 'DONE')`
  return (
    rows.some((r) => r.key !== null || r.sourceId === null) ||
    (await bareRecords(tx, rows, [])).length > 0
  )
}
