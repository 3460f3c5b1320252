import { laneNumber } from '../../schema/lane.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import type { Target } from './target.ts'

/** The code of a create that waits until it is known which records the target has. */
export const NOT_LOADED = 'NOT_LOADED'

/** Returns the name of an object of a target in the set of `readLoaded`. */
export function objectName(source: string, object: string): string {
  return `${source} ${object}`
}

/**
 * Returns the objects in which targets create records, as far as they were read as a whole and their
 * rows are applied, as names. Of the others it is not known what they have: a create would make a
 * second record. An object that is read again as a whole has missed changes, so it waits too. Rows
 * of later runs do not count: something is nearly always on its way.
 */
export async function readLoaded(
  tx: Transaction,
  targets: Iterable<Target>,
): Promise<ReadonlySet<string>> {
  const sources = creating(targets).map((t) => t.source)
  if (sources.length === 0) return new Set()
  const rows = await tx<{ source: string; object: string }[]>`
    select s.source, s.object from sync_state s
      cross join lateral (
        select coalesce(min(r.ended_at) filter (where r.mode = 'FULL'), min(r.ended_at), s.success_at) as at
        from sync_run r where r.source = s.source and r.object = s.object and r.state = 'DONE' and r.mode <> 'CENSUS') first
    where s.source = any(${sources}::text[]) and s.success_at is not null and s.rescan_since is null
      and not exists (
        select from pending p join inbox i on i.id = p.inbox_id
        where p.lane = ${laneNumber('MASTER')} and not p.replay and i.source = s.source and i.received_at <= first.at)`
  return new Set(rows.map((r) => objectName(r.source, r.object)))
}

/** Makes golden records due whose creates waited for the load of an object that is complete now. */
export async function markLoadedDue(sql: Sql, targets: Iterable<Target>): Promise<void> {
  const names = creating(targets).map((t) => t.source)
  if (names.length === 0) return
  const [waits] = await sql`
    select 1 from write_intent where source = any(${names}::text[]) and state = 'WAITING' and code = ${NOT_LOADED} limit 1`
  if (!waits) return
  await transaction(sql, async (tx) => {
    const loaded = [...(await readLoaded(tx, targets))]
    await tx`
      insert into write_due (golden_id)
      select distinct golden_id from write_intent
      where source = any(${names}::text[]) and state = 'WAITING' and code = ${NOT_LOADED}
        and source || ' ' || object = any(${loaded}::text[])`
  })
}

function creating(targets: Iterable<Target>): Target[] {
  return [...targets].filter((t) => [...t.types.values()].some((type) => type.createWhen !== null))
}
