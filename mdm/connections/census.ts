import { ConnectionError, type PulledRow } from '../../connectors/connection/contract.ts'
import { MessageError } from '../../connectors/contract.ts'
import { pulledMessage } from '../../connectors/pulledMessage.ts'
import { recordKey } from '../../schema/recordKey.ts'
import type { Sql } from '../db/database.ts'
import type { PullTools } from './pullObject.ts'
import { type RowReader, readRows } from './readRows.ts'
import type { Problem, Run } from './runs.ts'
import { storeDeletions } from './storePage.ts'

/** A census that would delete more than this share of the records, and more than a few, asks. */
export const censusShareMax = 0.05
const censusFewMax = 10
/** Each deletion is confirmed by reading the record, so one census makes only so many. */
export const censusDeletionsMax = 1_000
const pageRowsMax = 500

export interface CensusResult {
  /** Records that the store has and the system does not list. */
  missing: number
  deleted: number
  /** The question to the owner, where the guard stopped it. */
  problem: Problem | null
  /** False where more deletions wait for the next census. */
  complete: boolean
}

/**
 * Lists the ids of all rows and deletes the records that are not among them. Records that came
 * after its beginning are left alone. The ids are compared in the database, so memory is bounded.
 * `allowed`: records that a person allowed it to delete.
 */
export async function takeCensus(
  tools: PullTools,
  run: Run,
  allowed: number | null,
  signal: AbortSignal,
): Promise<CensusResult> {
  const { sql, reader } = tools
  const { source, object } = run.lease
  const name = reader.objectName(object) ?? object
  const [clock] = await sql<{ now: Date }[]>`select clock_timestamp() as now`
  if (!clock) throw new Error('the database gives no time')
  try {
    await listIds(tools, run, signal)
    const { missing, total } = await countMissing(sql, run, name, clock.now)
    const max = Math.max(censusFewMax, Math.floor(total * censusShareMax), allowed ?? 0)
    if (missing > max) {
      const problem = {
        code: 'CENSUS_TOO_MANY',
        verdict: null,
        detail: `${missing} of ${total} records of ${object} are not in the list of ${source}; at most ${max} are deleted without being asked`,
      }
      return { missing, deleted: 0, problem, complete: true }
    }
    const deleted = await deleteMissing(tools, run, name, clock.now, signal)
    return { missing, deleted, problem: null, complete: missing <= censusDeletionsMax }
  } finally {
    await sql`delete from census_seen where run_id = ${run.id}`
  }
}

/** Adds the ids of one list to those that were seen. */
async function listIds(tools: PullTools, run: Run, signal: AbortSignal): Promise<void> {
  const { sql, connection, reader } = tools
  const { source, object } = run.lease
  for await (const ids of connection.census(object, signal)) {
    signal.throwIfAborted()
    const keys = ids.flatMap((id) => keyOf(reader, source, object, id) ?? [])
    await note(sql, run, keys, ids.length)
  }
}

async function note(sql: Sql, run: Run, keys: string[], listed: number): Promise<void> {
  await sql`
    with seen as (
      insert into census_seen (run_id, key) select ${run.id}, k from unnest(${keys}::uuid[]) k on conflict do nothing)
    update sync_run set pages = pages + 1, rows = rows + ${listed} where id = ${run.id}`
}

/** Returns the key of the record that an id names; null for an id that no record can have. */
function keyOf(reader: RowReader, source: string, object: string, id: string): string | null {
  const { body } = pulledMessage(gone(object, id))
  const name = reader.objectName(object)
  try {
    const change = reader.read('row', body, object).find((c) => c.object === name)
    return change ? recordKey(source, change.object, change.sourceId) : null
  } catch (e) {
    if (e instanceof MessageError) return null
    throw e
  }
}

function gone(object: string, id: string): PulledRow {
  return { object, id, version: null, deleted: true, record: null }
}

/** One pass over the records; it happens once for each census. */
async function countMissing(
  sql: Sql,
  run: Run,
  name: string,
  began: Date,
): Promise<{ missing: number; total: number }> {
  const [row] = await sql<{ missing: number; total: number }[]>`
    select count(*)::int as total, (count(*) filter (where c.key is null and s.updated_at < ${began}))::int as missing
    from source_record s left join census_seen c on c.run_id = ${run.id} and c.key = s.key
    where s.source = ${run.lease.source} and s.object = ${name} and not s.deleted`
  return row ?? { missing: 0, total: 0 }
}

/**
 * Deletes what no list has. A list that moved while it was read lacks rows that exist, so each
 * record is read before; where the system reads no single records, a second list must lack it too.
 */
async function deleteMissing(
  tools: PullTools,
  run: Run,
  name: string,
  began: Date,
  signal: AbortSignal,
): Promise<number> {
  const { sql, reader } = tools
  const { source, object } = run.lease
  let deleted = 0
  let isListedTwice = false
  for (let after = 0, read = 0; read < censusDeletionsMax; ) {
    const missing: { id: number; sourceId: string }[] = await sql`
      select id, source_id as "sourceId" from source_record s
      where id > ${after} and source = ${source} and object = ${name} and not deleted and updated_at < ${began}
        and not exists (select from census_seen c where c.run_id = ${run.id} and c.key = s.key)
      order by id limit ${pageRowsMax}`
    if (missing.length === 0) break
    const rows = isListedTwice
      ? missing.map((m) => gone(object, m.sourceId))
      : await readAgain(tools, source, object, missing, signal)
    if (rows === null) {
      await listIds(tools, run, signal)
      isListedTwice = true
      continue
    }
    deleted += (await storeDeletions(sql, run, reader, readRows(source, reader, rows))).deletions
    read += missing.length
    after = missing.at(-1)?.id ?? after
  }
  return deleted
}

/**
 * Reads records one by one. Returns null where the system reads no single records. For a record that
 * was merged into another a system may return the other one.
 */
async function readAgain(
  { connection, reader }: PullTools,
  source: string,
  object: string,
  missing: readonly { sourceId: string }[],
  signal: AbortSignal,
): Promise<PulledRow[] | null> {
  const rows: PulledRow[] = []
  for (const { sourceId } of missing)
    try {
      signal.throwIfAborted()
      const row = await connection.read(object, sourceId, signal)
      if (row) rows.push(row)
      const key = keyOf(reader, source, object, sourceId)
      if (!row || keyOf(reader, source, object, row.id) !== key) rows.push(gone(object, sourceId))
    } catch (e) {
      if (!(e instanceof ConnectionError)) throw e
      if (e.code === 'NO_READ') return null
      if (e.verdict !== 'MISSING') throw e
      rows.push(gone(object, sourceId))
    }
  return rows
}
