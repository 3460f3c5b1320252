import type { Cause } from '../../schema/events.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { lock, lockNumber } from '../db/locks.ts'
import { transaction } from '../db/transaction.ts'
import { appendChanges } from '../feed/append.ts'
import { loadGolden } from '../golden/stored.ts'
import { saveNotCompared, settleNotCompared } from '../inbox/notCompared.ts'
import { requeue } from '../inbox/requeue.ts'
import { forgetFeatures, loadById, saveMatched } from '../records/records.ts'
import { newResolutionState, type ResolutionState } from '../resolution/context.ts'
import { referring } from '../resolution/referring.ts'
import { resolve } from '../resolution/resolve.ts'
import { saveSearchText } from '../search/saveSearchText.ts'
import { syncHierarchyRings } from '../tasks/hierarchyRings.ts'
import { syncFindings, type TaskContext } from '../tasks/syncFindings.ts'
import type { Difference } from './rebuild.ts'

/** Source records of one repair transaction, as far as golden records stay whole. */
export const recordsPerStep = 200

export interface Repaired {
  /** Golden records processed. */
  done: number
  events: number
}

export const byRebuild = (): Cause => ({ source: 'rebuild', correlationId: crypto.randomUUID() })

/**
 * Brings the store in line with source records and assertions, a few golden records per
 * transaction, each with its events. It can stop between two transactions and run again: what is
 * right is no difference any more. Types are repaired in the order in which they resolve. Calls
 * `onProgress` with the result of each step.
 */
export async function repair(
  sql: Sql,
  mastering: TaskContext,
  differences: readonly Difference[],
  onProgress: (step: Repaired) => void | Promise<void> = () => {},
  cause: () => Cause = byRebuild,
): Promise<Repaired> {
  const total: Repaired = { done: 0, events: 0 }
  for (const type of mastering.policy.types) {
    const own = new Map(differences.filter((d) => d.type === type.name).map((d) => [d.goldenId, d]))
    for (const step of steps([...own.values()])) {
      const events = await transaction(sql, (tx) =>
        repairStep(tx, mastering, type.name, step, cause()),
      )
      total.events += events
      total.done += step.length
      await onProgress({ done: step.length, events })
    }
  }
  return total
}

function steps(differences: Difference[]): Difference[][] {
  const all: Difference[][] = []
  let size = 0
  for (const d of differences) {
    if (all.length === 0 || size + d.records.length > recordsPerStep) {
      all.push([])
      size = 0
    }
    all.at(-1)?.push(d)
    size += Math.max(1, d.records.length)
  }
  return all
}

/**
 * Resolves the records that some differences name, and all records that refer to them. Returns the
 * number of events.
 */
export async function repairStep(
  tx: Transaction,
  mastering: TaskContext,
  typeName: string,
  step: Difference[],
  cause: Cause,
): Promise<number> {
  const state = newResolutionState()
  const ids = step.flatMap((d) => d.records)
  const named = await loadById(tx, ids)
  await lock(
    tx,
    'record',
    named.map((r) => lockNumber(r.key)),
  )
  for (const type of mastering.policy.types) {
    const own = type.name === typeName ? await loadById(tx, ids) : []
    for (const r of own) state.causes.set(r.key, cause)
    const seen = new Set(own.map((r) => r.id))
    const touched = [
      ...own,
      ...(await referring(tx, mastering, type, state, [])).filter((r) => !seen.has(r.id)),
    ]
    if (touched.length > 0) await resolve(tx, mastering, type, touched, state)
  }
  await syncFindings(tx, mastering, state.findings)
  await removeSurplus(tx, mastering, step, state, cause)
  await settleNotCompared(tx, [...state.keyedIds])
  await saveMatched(tx, [...state.changedRecords.values()], state.keyedIds)
  await forgetFeatures(tx, state.brokenIds)
  await saveNotCompared(tx, state.notCompared)
  await requeue(tx, state.deferredInboxIds)
  await syncHierarchyRings(tx, mastering, state, true)
  await saveSearchText(tx, mastering.policy, state.events)
  await appendChanges(tx, state.events)
  return state.events.length
}

/** Ends golden records without a source record, which resolution cannot reach. */
async function removeSurplus(
  tx: Transaction,
  mastering: TaskContext,
  step: Difference[],
  state: ResolutionState,
  cause: Cause,
): Promise<void> {
  const surplus = step.filter(
    (d) => d.what === 'SURPLUS' && !state.events.some((e) => e.goldenId === d.goldenId),
  )
  await lock(
    tx,
    'golden',
    surplus.map((d) => lockNumber(d.goldenId)),
  )
  const golden = await loadGolden(
    tx,
    surplus.map((d) => d.goldenId),
  )
  for (const d of surplus) {
    const old = golden.get(d.goldenId)
    if (old?.state !== 'ACTIVE') continue
    const [left] = await tx`select 1 from source_record where golden_id = ${d.goldenId} limit 1`
    if (left) continue
    state.events.push({
      goldenId: d.goldenId,
      type: d.type,
      version: old.version + 1,
      op: 'DELETED',
      values: null,
      provenance: null,
      redirect: null,
      changed: Object.keys(old.values).sort(),
      members: [],
      policyVersion: mastering.policy.version,
      cause,
    })
  }
}

/** Recomputes the standing assertions from the appended ones. Returns how many were wrong. */
export async function repairStanding(sql: Sql): Promise<number> {
  return await transaction(sql, async (tx) => {
    await tx`lock table standing in share row exclusive mode`
    const gone = await tx`
      delete from standing where assertion_id not in (select assertion_id from standing_now) returning 1`
    const added = await tx`
      insert into standing (assertion_id, kind, a, b, field, value, expires_at)
      select assertion_id, kind, a, b, field, value, expires_at from standing_now
      on conflict do nothing returning 1`
    return gone.length + added.length
  })
}

/** Returns how many assertions stand and should not, or should stand and do not. */
export async function checkStanding(sql: Sql): Promise<number> {
  const [row] = await sql<{ wrong: number }[]>`
    select count(*)::int as wrong from (
      (select assertion_id from standing except select assertion_id from standing_now)
      union all (select assertion_id from standing_now except select assertion_id from standing)) x`
  return row?.wrong ?? 0
}
