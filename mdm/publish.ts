import type { Sql } from './db/database.ts'
import { transaction } from './db/transaction.ts'
import type { Mastering } from './mastering.ts'
import { checkRebuild } from './rebuild.ts'
import { rematch, repair } from './repair.ts'
import { appendAudit } from './review/audit.ts'
import { advancePublication, beginPublication, endPublication, type KeptPolicy, keepPolicy } from './review/policies.ts'

export type Published =
  | { code: 'DONE'; publication: number; done: number; events: number; resumed: boolean }
  | { code: 'BUSY' }

/** Passes over the store at most: workers that still follow the policy before make a second one necessary. */
const passesMax = 5

/**
 * Puts a policy in force and brings every record to it, in small transactions with their events: first the records whose
 * features are of another matching model, then the golden records whose values differ. It can be stopped at any moment
 * and called again with the same policy: it goes on with what is left. BUSY: another policy is being published.
 */
export async function publish(
  sql: Sql,
  kept: KeptPolicy,
  mastering: Mastering,
  by: { actor: string; reason: string },
  told: (sofar: { done: number; events: number }) => void | Promise<void> = () => {},
): Promise<Published> {
  const begun = await transaction(sql, async (tx) => {
    await keepPolicy(tx, kept)
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
  if (!begun) return { code: 'BUSY' }
  const total = { done: 0, events: 0 }
  const report = async (step: { done: number; events: number }) => {
    total.done += step.done
    total.events += step.events
    await advancePublication(sql, begun.id, step.done, step.events)
    await told(total)
  }
  const correlationId = crypto.randomUUID()
  const cause = () => ({ source: 'publication', object: 'policy', sourceId: kept.version, correlationId })
  for (const type of mastering.policy.types) await rematch(sql, mastering, type, report, cause)
  for (let pass = 0; pass < passesMax; pass++) {
    const { differences } = await checkRebuild(sql, mastering)
    if (differences.length === 0) break
    await repair(sql, mastering, differences, report, cause)
  }
  // What a worker that still followed the policy before has written meanwhile, though no golden record differs by it.
  for (const type of mastering.policy.types) await rematch(sql, mastering, type, report, cause)
  await transaction(sql, async (tx) => {
    await endPublication(tx, begun.id)
    await appendAudit(tx, { event: 'PUBLISHED', actor: by.actor, policy: kept.version, ...total })
  })
  return { code: 'DONE', publication: begun.id, ...total, resumed: begun.resumed }
}
