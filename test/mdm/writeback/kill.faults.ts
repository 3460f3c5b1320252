import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { drain, send } from '../../fixtures/store.ts'
import { firstSeed } from '../../property.ts'
import { seeded } from '../feed/world.ts'
import { type Fault, type Once, startHttpTarget } from './httpTarget.ts'
import { markLoaded } from './loadedObject.ts'
import { emptyAll, shopPipeline } from './shopRun.ts'

const kills = Number(process.env.TOUCHSTONE_WRITE_KILLS ?? 10)
/** So many that no field is written 20 times, which stops its writes for a day. */
const customers = Math.max(12, Math.ceil(kills / 8))
const program = fileURLToPath(new URL('./writeProcess.ts', import.meta.url))

let db: TestDatabase
let pipeline: Pipeline
before(async () => {
  db = await testDatabase()
  pipeline = shopPipeline(db.sql)
})
after(() => db?.drop())

/** Writes of a system that nothing makes once may come late, so TWICE is for those that have a key. */
const faultsOf: Record<Once, Fault[]> = {
  KEY: ['LATE', 'TWICE', 'NEVER', 'CUT', 'BROKEN', 'DOWN'],
  UPSERT: ['LATE', 'TWICE', 'NEVER', 'CUT', 'BROKEN', 'DOWN'],
  NONE: ['LATE', 'NEVER', 'CUT', 'BROKEN', 'DOWN'],
}

for (const by of ['KEY', 'UPSERT', 'NONE'] as const)
  test(`no record is doubled and no write is lost when the writer is killed ${kills} times, creates once by ${by} (seed ${firstSeed})`, async (t) => {
    await emptyAll(db.sql)
    await markLoaded(db.sql, 'shop', 'customers')
    const random = seeded(firstSeed)
    const system = await startHttpTarget(by)
    let process: ChildProcess | null = null
    t.after(async () => {
      process?.kill('SIGKILL')
      await system.close()
    })
    const faults = faultsOf[by]
    system.fault = () =>
      random() < 0.3 ? (faults[Math.floor(random() * faults.length)] ?? null) : null
    let version = 0
    const names = new Map<number, string>()
    const change = async (n: number) => {
      const name = `Customer ${n} of ${++version}`
      names.set(n, name)
      const fields = {
        name,
        taxIds: [`DE${100_000_000 + n}`],
        lifecycle: 'CUSTOMER',
        currency: 'EUR',
      }
      const message = { type: 'Customer', id: String(n), version: version * 1_000_000, fields }
      await send(db.sql, [{ source: 'erp', message }])
    }
    const start = () =>
      spawn(globalThis.process.execPath, [program, db.url, system.url, by], { stdio: 'inherit' })
    for (let n = 0; n < customers; n++) await change(n)
    await drain(pipeline)
    let struck = 0
    for (let kill = 0; kill < kills; kill++) {
      process ??= start()
      const before = system.writes
      // A busy machine takes seconds to start a process.
      for (let m = 0; m < 1_500 && system.writes === before; m++) {
        await sleep(20)
        await db.sql`update write_target set paused_until = null`
      }
      if (system.writes > before) struck++
      await sleep(random() * 60)
      process.kill('SIGKILL')
      await once(process, 'exit')
      process = null
      // In production 30 s pass here: the lease of the killed process expires.
      await db.sql`update write_target set leased_until = null`
      await change(Math.floor(random() * customers))
      await drain(pipeline)
    }
    process = start()
    const wished = () => [...names.values()].sort()
    const held = () => [...system.rows.values()].map((r) => String(r.name)).sort()
    for (let m = 0; m < 400; m++) {
      if (m > 100) system.fault = () => null
      await drain(pipeline)
      await db.sql`update write_target set paused_until = null`
      await db.sql`update write_due set due_at = clock_timestamp()`
      const [open] = await db.sql`
        select 1 from write_intent where state in ('PLANNED', 'SENT', 'UNKNOWN') union all select 1 from write_due`
      if (!open && JSON.stringify(held()) === JSON.stringify(wished())) break
      await sleep(50)
    }
    t.diagnostic(`${struck} of ${kills} kills within 60 ms of a write`)
    assert.ok(struck > kills / 2, `${struck} of ${kills} kills after a write`)
    assert.deepEqual(held(), wished())
    const golden = [...system.rows.values()].map((r) => r.golden)
    assert.equal(new Set(golden).size, golden.length, 'one record of each golden record')
    const refused = await db.sql`
      select operation, source_id, code, detail from write_intent where state = 'REFUSED' order by id`
    assert.deepEqual([...refused], [])
  })
