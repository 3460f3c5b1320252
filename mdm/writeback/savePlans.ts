import { documents } from '../db/arrays.ts'
import type { Transaction } from '../db/database.ts'
import type { GoldenFacts } from './facts.ts'
import { isWaiting, type PlannedWrite } from './plannedWrite.ts'
import type { Target } from './target.ts'

/** What one golden record has to state in one target. */
export interface Planned {
  golden: GoldenFacts
  target: Target
  writes: PlannedWrite[]
}

/** The time over which the changed records of a target are counted. */
export const planningWindowHours = 1

interface StoredIntent {
  id: number
  goldenId: string
  source: string
  object: string
  sourceId: string | null
  state: string
  hash: string
  /** The person who approved or released it. */
  actor: string | null
}

/**
 * Stores plans. A plan that is the same stays, in its place in the queue and with its approval. A
 * newer one replaces what waits for the same record, and what is not needed any more is removed. A
 * refusal that does not hold any more is closed.
 */
export async function savePlans(tx: Transaction, planned: readonly Planned[]): Promise<void> {
  const goldenIds = [...new Set(planned.map((p) => p.golden.id))]
  const sources = [...new Set(planned.map((p) => p.target.source))]
  const wanted = planned.flatMap((p) => p.writes.map((write) => ({ ...p, write })))
  const waiting = await tx<StoredIntent[]>`
    select id, golden_id as "goldenId", source, object, source_id as "sourceId", state, hash, actor
    from write_intent
    where golden_id = any(${goldenIds}::uuid[]) and source = any(${sources}::text[])
      and (state in ('SHADOW', 'PLANNED', 'WAITING', 'WAITING_APPROVAL', 'HELD')
        or state in ('REFUSED', 'CONFLICT') and released_at is null)
    for update`
  const hashes = new Set(
    wanted.map(({ golden, target, write }) => nameOf(golden.id, target, write.hash)),
  )
  const isWanted = (i: StoredIntent) => hashes.has(`${i.goldenId} ${i.source} ${i.hash}`)
  const isEnded = (i: StoredIntent) => i.state === 'REFUSED' || i.state === 'CONFLICT'
  const gone = waiting.filter((i) => !isEnded(i) && !isWanted(i)).map((i) => i.id)
  const closed = waiting.filter((i) => isEnded(i) && !isWanted(i)).map((i) => i.id)
  if (gone.length > 0) await tx`delete from write_intent where id = any(${gone}::bigint[])`
  if (closed.length > 0)
    await tx`update write_intent set released_at = clock_timestamp() where id = any(${closed}::bigint[])`
  const kept = waiting.filter((i) => !isEnded(i) && isWanted(i))
  const same = new Map(kept.map((i) => [`${i.goldenId} ${i.source} ${i.hash}`, i]))
  const fresh = wanted.filter(({ golden, target, write }) => {
    const before = same.get(nameOf(golden.id, target, write.hash))
    return !write.isStopped && !(before && fitsMode(before, target.mode))
  })
  await insertIntents(tx, fresh)
}

/** Returns whether a plan may stay as it is in this mode. Without approval it may have to wait. */
function fitsMode({ state, actor }: StoredIntent, mode: Target['mode']): boolean {
  if (state === 'WAITING') return true
  if (mode === 'SHADOW') return state === 'SHADOW'
  if (mode === 'APPROVE') return state === 'WAITING_APPROVAL' || state === 'HELD' || actor !== null
  return state === 'PLANNED' || state === 'HELD'
}

function nameOf(goldenId: string, target: Target, hash: string): string {
  return `${goldenId} ${target.source} ${hash}`
}

interface Wanted extends Planned {
  write: PlannedWrite
}

/** Inserts plans in place of those that wait for the same records. */
async function insertIntents(tx: Transaction, wanted: readonly Wanted[]): Promise<void> {
  if (wanted.length === 0) return
  const room = await roomOf(tx, [...new Set(wanted.map((w) => w.target))])
  const rows = wanted.map(({ golden, target, write }) => {
    const { state, code, detail } = stateOf(write, target, room)
    return { golden, target, write, state, code, detail }
  })
  const replacing = rows.filter((r) => r.state !== 'REFUSED')
  await tx`
    delete from write_intent i
    using unnest(${replacing.map((r) => r.target.source)}::text[], ${replacing.map((r) => r.write.object)}::text[],
      ${replacing.map((r) => r.write.sourceId ?? r.golden.id)}::text[]) as r (source, object, subject)
    where i.source = r.source and i.object = r.object and coalesce(i.source_id, i.golden_id::text) = r.subject
      and i.state in ('SHADOW', 'PLANNED', 'WAITING', 'WAITING_APPROVAL', 'HELD')`
  await tx`
    insert into write_intent (golden_id, type, source, object, source_id, operation, state, version, changes, values, former,
      refused, hash, position, correlation_id, policy_version, waits_for, code, detail, ended_at)
    select golden_id, type, source, object, source_id, operation, state, version, changes::jsonb, values::jsonb,
      former::jsonb, refused::jsonb, hash, position, correlation_id, policy_version, waits_for, code, detail,
      case when state = 'REFUSED' then clock_timestamp() end
    from unnest(${rows.map((r) => r.golden.id)}::uuid[], ${rows.map((r) => r.golden.type)}::text[],
      ${rows.map((r) => r.target.source)}::text[], ${rows.map((r) => r.write.object)}::text[],
      ${rows.map((r) => r.write.sourceId)}::text[], ${rows.map((r) => r.write.operation)}::text[],
      ${rows.map((r) => r.state)}::text[], ${rows.map((r) => r.golden.version)}::int[],
      string_to_array(${documents(rows.map((r) => r.write.changes))}, E'\\x1f', ''),
      string_to_array(${documents(rows.map((r) => r.write.values))}, E'\\x1f', ''),
      string_to_array(${documents(rows.map((r) => r.write.former))}, E'\\x1f', ''),
      string_to_array(${documents(rows.map((r) => (r.write.refused.length > 0 ? r.write.refused : null)))}, E'\\x1f', ''),
      ${rows.map((r) => r.write.hash)}::text[], ${rows.map((r) => r.golden.position)}::bigint[],
      ${rows.map((r) => r.golden.correlationId)}::text[], ${rows.map((r) => r.golden.policyVersion)}::text[],
      ${rows.map((r) => r.write.waitsFor)}::uuid[], ${rows.map((r) => r.code)}::text[], ${rows.map((r) => r.detail)}::text[])
      as r (golden_id, type, source, object, source_id, operation, state, version, changes, values, former, refused, hash,
        position, correlation_id, policy_version, waits_for, code, detail)`
}

/** How many more records of each target may be changed in this planning window. */
async function roomOf(tx: Transaction, targets: readonly Target[]): Promise<Map<string, number>> {
  const rows = await tx<{ source: string; changed: number; held: boolean }[]>`
    select source, count(distinct coalesce(source_id, golden_id::text)) filter (where state <> 'HELD')::int as changed,
      bool_or(state = 'HELD') as held
    from write_intent
    where source = any(${targets.map((t) => t.source)}::text[]) and state <> 'SHADOW'
      and (planned_at > clock_timestamp() - make_interval(hours => ${planningWindowHours}) or state = 'HELD')
    group by source`
  const bySource = new Map(rows.map((r) => [r.source, r]))
  return new Map(
    targets.map(({ source, limits }) => {
      const used = bySource.get(source)
      return [source, used?.held ? 0 : limits.changedRecordsMax - (used?.changed ?? 0)]
    }),
  )
}

/** Returns the state of a new plan. Takes its place in the room of its target. */
function stateOf(
  write: PlannedWrite,
  target: Target,
  room: Map<string, number>,
): { state: string; code: string | null; detail: string | null } {
  const [first] = write.refused
  const reason = { code: first?.code ?? null, detail: first?.detail ?? null }
  const isEmpty = Object.keys(write.values).length === 0
  if (isWaiting(write)) return { state: 'WAITING', ...reason }
  if (isEmpty) return { state: 'REFUSED', ...reason }
  if (target.mode === 'SHADOW') return { state: 'SHADOW', ...reason }
  if (target.mode === 'APPROVE') return { state: 'WAITING_APPROVAL', ...reason }
  const left = room.get(target.source) ?? 0
  room.set(target.source, left - 1)
  return left > 0
    ? { state: 'PLANNED', ...reason }
    : {
        state: 'HELD',
        code: 'TOO_MANY_RECORDS',
        detail: `more than ${target.limits.changedRecordsMax} records of ${target.source} would be changed within an hour: look at what changed, then release or approve them`,
      }
}
