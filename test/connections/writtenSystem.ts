import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { judgeConnectors } from '../../connectors/judgeConnectors.ts'
import { readSources } from '../../connectors/sources.ts'
import type { Sql } from '../../mdm/db/database.ts'
import type { Pipeline } from '../../mdm/ingest/pipeline.ts'
import { planDue } from '../../mdm/writeback/planDue.ts'
import { registerTargets, scanTargets } from '../../mdm/writeback/registerTargets.ts'
import { openTarget } from '../../mdm/writeback/target.ts'
import { TargetWriter } from '../../mdm/writeback/writer.ts'
import { directPipeline, drain, policy, send } from '../fixtures/store.ts'
import type { PulledSystem } from './pulledSystem.ts'

/** A pulled system that is written to, beside the direct sources, which state what is written. */
export interface WrittenSystem {
  /** Applies messages of all source systems. */
  pipeline: Pipeline
  /** Another source system states a customer. */
  state(source: string, id: string, fields: Record<string, unknown>): Promise<void>
  /** Plans everything that is due. Nothing is sent. */
  plan(): Promise<void>
  /** Plans and sends until nothing happens any more; pauses are not waited for. */
  write(): Promise<void>
  /** Returns all writes, the oldest first. */
  intents(): Promise<{ operation: string; state: string; code: string | null }[]>
}

/** Minutes by which one call of `write` moves the vendor's clock. */
const advancesMax = 3

/** `write:` of sources.yaml decides what is written, as the program judges it. */
export function openWritten(sql: Sql, source: string, pulled: PulledSystem): WrittenSystem {
  const { connection, connector, sources, env, system } = pulled
  const judged = judgeConnectors(readSources(sources, env), policy).targets.get(source)
  assert.equal(judged?.held, null)
  assert.ok(judged.target)
  const target = openTarget(judged.target, connector, connection.writing)
  const direct = directPipeline(sql)
  const pipeline: Pipeline = {
    ...direct,
    connectors: new Map([...direct.connectors, [source, connector]]),
    systems: new Map([...direct.systems, [source, connector.system]]),
  }
  // A pull applies what the others state too: without their roles their values would not count.
  Object.assign(pulled.pipeline, pipeline)
  const targets = new Map([[source, target]])
  const context = { sql, policy, systems: pipeline.systems, targets }
  const apply = async () => {
    // A model's clock may be days ahead, and a version that leads the time of receipt is refused.
    await sql`
      update inbox set received_at = greatest(received_at, ${new Date(system.clock.now())})
      where id in (select inbox_id from pending)`
    return await drain(pipeline)
  }
  const isToScan = async () =>
    (await sql`select 1 from write_target where scanned_at is null`).length > 0
  const plan = async () => {
    await registerTargets(sql, targets)
    // A scan waits for transactions that began before it, also those of other databases of the server.
    while ((await planDue(context)) || (await scanTargets(sql, targets)) || (await isToScan()))
      await apply()
  }
  let version = 0
  return {
    pipeline,
    plan,
    async state(from, id, fields) {
      const message = { type: 'Customer', id, version: ++version * 1_000_000, fields }
      await send(sql, [{ source: from, message }])
      await drain(pipeline)
    },
    async write() {
      await registerTargets(sql, targets)
      const errors: unknown[] = []
      let advances = 0
      const writer = new TargetWriter({
        ...{ sql, holder: randomUUID(), settleMs: 1 },
        sources: new Map([[source, { connection, target: () => target, reader: () => connector }]]),
        onError: (error) => errors.push(error),
      })
      writer.start()
      try {
        for (let round = 0, quiet = 0; quiet < 2; round++) {
          assert.ok(round < 300, 'it falls silent')
          await plan()
          const { applied } = await apply()
          const open = await sql`
            select 1 from write_intent where state in ('PLANNED', 'SENT', 'UNKNOWN') union all select 1 from write_due`
          quiet = open.length > 0 || applied > 0 ? 0 : quiet + 1
          await sql`update write_target set paused_until = null`
          await sql`update write_due set due_at = clock_timestamp()`
          const unknown = await sql`
            update write_intent set not_before = null, sent_at = sent_at - interval '1 minute' where state = 'UNKNOWN' returning 1`
          // A search of the vendor follows late, by its own clock. Our clock stays, and a statement that
          // seems to come 15 minutes after a write is the system's own: a slow round must not add up.
          if (unknown.length > 0 && advances++ < advancesMax) system.clock.advance(60_000)
          await sql`update write_intent set not_before = null where not_before is not null`
          if (quiet > 0) continue
          writer.wake()
          await sleep(10)
        }
      } finally {
        await writer.stop()
      }
      assert.deepEqual(errors, [])
    },
    async intents() {
      return [
        ...(await sql<{ operation: string; state: string; code: string | null }[]>`
          select operation, state, code from write_intent order by id`),
      ]
    },
  }
}
