import { appendAudit } from '../audit/audit.ts'
import { holdAlone } from '../db/alone.ts'
import type { Sql } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
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

type Told = (sofar: { done: number; events: number }) => void | Promise<void>

/** Passes over the store at most: workers that still follow the policy before make a second one necessary. */
const passesMax = 5
/**
 * Puts a policy in force and brings every record to it, in small transactions with their events: first the records whose
 * features are of another matching model, then the golden records whose values differ. It can be stopped at any moment
 * and called again with the same policy: it goes on with what is left. BUSY: another policy is being published, or
 * somebody else works on this one. Takes two connections.
 */
export async function publish(
  sql: Sql,
  kept: StoredPolicy,
  mastering: TaskContext,
  by: { actor: string; reason: string },
  told: Told = () => {},
): Promise<Published> {
  const done = await holdAlone(sql, MATCHING_LOCK, async () => {
    const begun = await transaction(sql, async (tx) => {
      await storePolicy(tx, kept)
      const publication = await beginPublication(tx, kept.version, by.actor, by.reason)
      if (publication)
        await appendAudit(tx, {
          event: publication.resumed ? 'PUBLISH_RESUMED' : 'PUBLISH',
          actor: by.actor,
          reason: by.reason,
          policy: kept.version,
        })
      return publication
    })
    return begun && (await bring(sql, begun, kept.version, mastering, by.actor, told))
  })
  return done ?? { code: 'BUSY' }
}

/**
 * Takes up the publication that is under way, if there is one and nobody works on it: it was begun by a mutation, or
 * whoever worked on it is gone. Null where there is nothing to do. `masteringOf` may throw where the policy cannot be
 * used here.
 */
export async function carryOnPublication(
  sql: Sql,
  masteringOf: (kept: StoredPolicy) => TaskContext,
): Promise<Published | null> {
  if (!(await runningPublication(sql))) return null
  return await holdAlone(sql, MATCHING_LOCK, async () => {
    const running = await runningPublication(sql)
    if (!running) return null
    try {
      const mastering = masteringOf(running.kept)
      return await bring(sql, { id: running.id, resumed: true }, running.kept.version, mastering, running.actor)
    } catch (e) {
      await publicationFailed(sql, running.id, e instanceof Error ? e.message : String(e))
      throw e
    }
  })
}

/** Brings every record to the policy of a publication that has begun. */
async function bring(
  sql: Sql,
  begun: { id: number; resumed: boolean },
  policy: string,
  mastering: TaskContext,
  actor: string,
  told: Told = () => {},
): Promise<Published> {
  const total = { done: 0, events: 0 }
  const report = async (step: { done: number; events: number }) => {
    total.done += step.done
    total.events += step.events
    await advancePublication(sql, begun.id, step.done, step.events)
    await told(total)
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
  // What a worker that still followed the policy before has written meanwhile, though no golden record differs by it.
  for (const type of mastering.policy.types) await rematch(sql, mastering, type, report, cause)
  await transaction(sql, async (tx) => {
    await endPublication(tx, begun.id)
    await appendAudit(tx, { event: 'PUBLISHED', actor, policy, ...total })
  })
  return { code: 'DONE', publication: begun.id, ...total, resumed: begun.resumed }
}
