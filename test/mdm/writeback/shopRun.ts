import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WriteTarget } from '../../../connectors/writeTarget.ts'
import type { Sql } from '../../../mdm/db/database.ts'
import type { Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { planDue } from '../../../mdm/writeback/planDue.ts'
import { registerTargets, scanTargets } from '../../../mdm/writeback/registerTargets.ts'
import { TargetWriter } from '../../../mdm/writeback/writer.ts'
import { directPipeline, drain, empty, policy } from '../../fixtures/store.ts'
import { type HttpTarget, type Once, openHttpTarget, shop, shopTarget } from './httpTarget.ts'
import { markLoaded } from './loadedObject.ts'

/** Creates a pipeline over the direct sources and the shop. */
export function shopPipeline(sql: Sql): Pipeline {
  const direct = directPipeline(sql)
  return {
    ...direct,
    connectors: new Map([...direct.connectors, ['shop', shop]]),
    systems: new Map([...direct.systems, ['shop', { ...shop.system, role: 'BILLING' }]]),
  }
}

/** Empties the store and what was planned and written. The shop and billing count as read as a whole. */
export async function emptyAll(sql: Sql): Promise<void> {
  await empty(sql)
  await sql`truncate write_due, write_intent, write_target, written_value, written_record, task, sync_state, sync_run cascade`
  for (const object of ['Customer', 'Contact']) await markLoaded(sql, 'billing', object)
  await markLoaded(sql, 'shop', 'customers')
}

/**
 * Plans, writes and applies what comes back until nothing happens any more. Nothing is applied while
 * `isBehind` returns true, as where a long queue stands before it.
 */
export async function runShop(
  pipeline: Pipeline,
  system: HttpTarget,
  once: Once,
  more: Partial<WriteTarget> = {},
  roundsMax = 200,
  isBehind = () => false,
): Promise<void> {
  const { sql } = pipeline
  const connection = openHttpTarget(system.url, once)
  const target = shopTarget(connection, more)
  const targets = new Map([['shop', target]])
  const context = { sql, policy, systems: pipeline.systems, targets }
  await registerTargets(sql, targets)
  const writer = new TargetWriter({
    ...{ sql, holder: randomUUID(), settleMs: 150 },
    sources: new Map([['shop', { connection, target: () => target, reader: () => shop }]]),
    onError: (error) => console.error(error),
  })
  writer.start()
  try {
    for (let round = 0, quiet = 0; quiet < 3; round++) {
      assert.ok(round < roundsMax, 'it falls silent')
      const planned = await planDue(context)
      const scanned = await scanTargets(sql, targets)
      const { applied, skipped } = isBehind() ? { applied: 1, skipped: 0 } : await drain(pipeline)
      const [open] = await sql`
        select 1 from write_intent where state in ('PLANNED', 'SENT', 'UNKNOWN')
        union all select 1 from write_due union all select 1 from write_target where scanned_at is null`
      if (open && planned === 0) {
        writer.wake()
        await sleep(20)
        // The pause of a breaker or of a conflict is not waited for.
        await sql`update write_target set paused_until = null`
        await sql`update write_due set due_at = clock_timestamp()`
        await sql`update write_intent set not_before = null`
      }
      quiet = open || planned || scanned || applied + skipped > 0 ? 0 : quiet + 1
    }
  } finally {
    await writer.stop()
  }
}
