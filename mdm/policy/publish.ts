import { appendAudit } from '../audit/audit.ts'
import type { Sql } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { withExclusiveLock } from '../db/withExclusiveLock.ts'
import type { TaskContext } from '../tasks/syncFindings.ts'
import {
  advancePublication,
  beginPublication,
  endPublication,
  expectOfPublication,
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
  | { code: 'BUSY' }

/** Another policy is being published. */
class Busy extends Error {
  override name = 'Busy'
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
 * one. Takes two connections.
 */
export async function publish(
  sql: Sql,
  policy: StoredPolicy,
  mastering: TaskContext,
  by: { actor: string; reason: string; checkedBy?: string },
  onProgress: OnProgress = () => {},
): Promise<Published> {
  const done = await withExclusiveLock(sql, MATCHING_LOCK, async () => {
    const begun = await transaction(sql, async (tx) => {
      await storePolicy(tx, policy, by.checkedBy)
      const publication = await beginPublication(tx, policy.version, by.actor, by.reason)
      // Rolls back, so that nothing of the policy stays.
      if (!publication) throw new Busy()
      await appendAudit(tx, {
        event: publication.resumed ? 'PUBLISH_RESUMED' : 'PUBLISH',
        actor: by.actor,
        reason: by.reason,
        policy: policy.version,
      })
      return publication
    }).catch((e: unknown) => {
      if (e instanceof Busy) return null
      throw e
    })
    return begun && (await bring(sql, begun, policy.version, mastering, by.actor, onProgress))
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
