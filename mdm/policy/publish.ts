import { appendAudit } from '../audit/audit.ts'
import type { Sql } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { withExclusiveLock } from '../db/withExclusiveLock.ts'
import type { TaskContext } from '../tasks/syncFindings.ts'
import {
  activePolicy,
  advancePublication,
  beginPublication,
  endPublication,
  expectOfPublication,
  lockActivePolicy,
  publicationFailed,
  runningPublication,
  type StoredPolicy,
  storePolicy,
} from './policies.ts'
import { checkRebuild } from './rebuild.ts'
import { countStale, MATCHING_LOCK, rematch } from './rematch.ts'
import { repair } from './repair.ts'

export type Published =
  | { code: 'DONE'; publication: number; done: number; events: number; resumed: boolean }
  | NotBegun
type NotBegun = { code: 'BUSY' } | { code: 'POLICY_CHANGED'; active: string | null }

/** Rolls back, so that nothing of the policy stays. */
class Aborted extends Error {
  override name = 'Aborted'
  readonly outcome: NotBegun
  constructor(outcome: NotBegun) {
    super(outcome.code)
    this.outcome = outcome
  }
}

type OnProgress = (sofar: { done: number; events: number }) => void | Promise<void>

/**
 * Largest number of passes over the store. Workers that still use the previous policy make a second
 * pass necessary.
 */
const passesMax = 5
/**
 * Makes a policy the active one and brings every record in line with it, in small transactions with
 * their events: first records with features of another matching model, then golden records whose
 * values differ. It can stop at any moment and be called again with the same policy; it continues
 * with the rest. Returns BUSY if another policy is being published or another process works on this
 * one. `instead` is the version that the caller believes to be active, null for the shipped policy:
 * returns POLICY_CHANGED if another one is. Takes two connections.
 */
export async function publish(
  sql: Sql,
  policy: StoredPolicy,
  mastering: TaskContext,
  by: { actor: string; reason: string; checkedBy?: string; instead?: string | null },
  onProgress: OnProgress = () => {},
): Promise<Published> {
  const done = await withExclusiveLock(sql, MATCHING_LOCK, async () => {
    const begun = await transaction(sql, async (tx) => {
      await lockActivePolicy(tx)
      const active = (await activePolicy(tx))?.version ?? null
      await storePolicy(tx, policy, by.checkedBy)
      const publication = await beginPublication(tx, policy.version, by.actor, by.reason)
      if (!publication) throw new Aborted({ code: 'BUSY' })
      // One that resumes is active itself.
      if (by.instead !== undefined && by.instead !== active && !publication.resumed)
        throw new Aborted({ code: 'POLICY_CHANGED', active })
      await appendAudit(tx, {
        event: publication.resumed ? 'PUBLISH_RESUMED' : 'PUBLISH',
        actor: by.actor,
        reason: by.reason,
        policy: policy.version,
        ...(by.instead === undefined ? {} : { instead: by.instead }),
      })
      return publication
    }).catch((e: unknown) => {
      if (e instanceof Aborted) return e.outcome
      throw e
    })
    if ('code' in begun) return begun
    return await bring(sql, begun, policy.version, mastering, by.actor, onProgress)
  })
  return done ?? { code: 'BUSY' }
}

/**
 * Resumes the unfinished publication that nobody works on: a mutation began it, or its process
 * died. Returns null if there is none. `resolutionContextOf` may throw if this process cannot use
 * the policy.
 */
export async function carryOnPublication(
  sql: Sql,
  resolutionContextOf: (policy: StoredPolicy) => TaskContext,
): Promise<Published | null> {
  if (!(await runningPublication(sql))) return null
  return await withExclusiveLock(sql, MATCHING_LOCK, async () => {
    const running = await runningPublication(sql)
    if (!running) return null
    try {
      const mastering = resolutionContextOf(running.policy)
      return await bring(
        sql,
        { id: running.id, resumed: true },
        running.policy.version,
        mastering,
        running.actor,
      )
    } catch (e) {
      await publicationFailed(sql, running.id, e instanceof Error ? e.message : String(e))
      throw e
    }
  })
}

/** Brings every record in line with the policy of a publication that has begun. */
async function bring(
  sql: Sql,
  begun: { id: number; resumed: boolean },
  policy: string,
  mastering: TaskContext,
  actor: string,
  onProgress: OnProgress = () => {},
): Promise<Published> {
  const total = { done: 0, events: 0 }
  const report = async (step: { done: number; events: number }) => {
    total.done += step.done
    total.events += step.events
    await advancePublication(sql, begun.id, step.done, step.events)
    await onProgress(total)
  }
  const correlationId = crypto.randomUUID()
  const cause = () => ({ source: 'publication', object: 'policy', sourceId: policy, correlationId })
  await expectOfPublication(sql, begun.id, await countStale(sql, mastering))
  for (const type of mastering.policy.types) await rematch(sql, mastering, type, report, cause)
  for (let pass = 0; pass < passesMax; pass++) {
    const { differences } = await checkRebuild(sql, mastering)
    if (differences.length === 0) break
    await expectOfPublication(sql, begun.id, differences.length)
    await repair(sql, mastering, differences, report, cause)
  }
  // Covers what a worker wrote under the previous policy meanwhile, even if no golden record
  // differs by it.
  for (const type of mastering.policy.types) await rematch(sql, mastering, type, report, cause)
  await transaction(sql, async (tx) => {
    await endPublication(tx, begun.id)
    await appendAudit(tx, { event: 'PUBLISHED', actor, policy, ...total })
  })
  return { code: 'DONE', publication: begun.id, ...total, resumed: begun.resumed }
}
