import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { openInstallation } from '../cli/installation.ts'
import { masteringOf, readPolicyFiles } from '../cli/policyFiles.ts'
import { startServer } from '../cli/postgres/server.ts'
import { worldMessages } from '../demo/world.ts'
import { openDatabase, type Sql } from '../mdm/db/database.ts'
import { migrate } from '../mdm/db/migrate.ts'
import { transaction } from '../mdm/db/transaction.ts'
import { appendChanges, eventsPerAppendMax } from '../mdm/feed/append.ts'
import { arrive } from '../mdm/ingest/arrive.ts'
import type { Message } from '../mdm/ingest/claim.ts'
import { saveRecords } from '../mdm/ingest/records.ts'
import type { Mastering } from '../mdm/mastering.ts'
import { publish } from '../mdm/publish.ts'
import { rebuildType, unhurried } from '../mdm/rebuild.ts'
import { changesNothing, type Simulation, simulate } from '../mdm/simulate.ts'

// What-if over a demo world: seconds and memory, then publishing and the way back.
//   node bench/simulate.ts [--records 100000] [--publish no]
// The world is brought into the store without matching record by record: what ingest would make of it is computed in one go.
// Figures and their history: bench/README.md.

const option = (name: string, value: string) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? value : (process.argv[at + 1] ?? value)
}
const wanted = Number(option('records', '100000'))
const perBatch = 2_000

const dir = mkdtempSync(join(tmpdir(), 'touchstone-bench-'))
const server = await startServer({ dir, durable: false })
const admin = postgres(server.url('postgres'), { max: 1, onnotice: () => {} })
await admin.unsafe('create database whatif')
const sql = openDatabase(server.url('whatif'), { connectionsMax: 4, name: 'bench' })
try {
  await migrate(sql, fileURLToPath(new URL('../migrations', import.meta.url)))
  const { systems, connectors } = openInstallation()
  const shipped = readPolicyFiles('schema/model')
  const before = masteringOf(shipped, systems)
  const records = await fill(sql, before, connectors)
  await store(sql, before)
  await sql`vacuum analyze`
  const same = await simulate(sql, before)
  console.log(
    `${records} source records of golden types, the policy as it is: ${figures(same)}; nothing would change: ${changesNothing(same)}`,
  )
  const text = shipped.model['customer.graphql'] ?? ''
  const model = {
    ...shipped.model,
    'customer.graphql': text.replaceAll('order: [ERP, CRM, BILLING]', 'order: [BILLING, CRM, ERP]'),
  }
  const changed = { version: 'another', model, parameters: {} }
  const other = await simulate(sql, masteringOf(changed, systems))
  const values = other.types.flatMap((t) => t.fields).reduce((n, f) => n + f.count, 0)
  console.log(`another owner of three fields: ${figures(other)}; ${values} values would change`)
  const sample = await simulate(sql, masteringOf(changed, systems), { sample: 500 })
  console.log(`a sample of 500 golden records of each type: ${figures(sample)}`)
  if (option('publish', 'no') !== 'no') {
    const state = async () =>
      JSON.stringify(
        await sql`select md5(string_agg(id::text || values::text, ',' order by id)) from golden where state = 'ACTIVE'`,
      )
    const was = await state()
    for (const kept of [changed, shipped]) {
      const began = performance.now()
      const done = await publish(sql, kept, masteringOf(kept, systems), { actor: 'bench', reason: 'bench' })
      const seconds = (performance.now() - began) / 1000
      console.log(`published: ${JSON.stringify(done)}, ${seconds.toFixed(1)} s`)
    }
    console.log(`the way back restores: ${was === (await state())}`)
  }
} finally {
  await sql.end()
  await admin.end()
  await server.stop()
  rmSync(dir, { recursive: true, force: true })
}

/** Source records of a demo world, as ingest would store them before matching. */
async function fill(
  sql: Sql,
  mastering: Mastering,
  connectors: ReturnType<typeof openInstallation>['connectors'],
): Promise<number> {
  let records = 0
  let batch: Message[] = []
  const flush = async () => {
    const arrived = await transaction(sql, async (tx) => {
      const found = await arrive(tx, connectors, batch)
      await saveRecords(
        tx,
        found.records.map((r) => r.record),
      )
      return found.records
    })
    records += arrived.filter((r) => mastering.engines.has(r.record.type) && r.record.inboxId > 0).length
    batch = []
  }
  let inboxId = 0
  for (const m of worldMessages({ companies: Math.ceil(wanted / 4), seed: 3 })) {
    const connector = connectors.get(m.source)
    if (!connector) continue
    for (const part of connector.split(m.body, m.object, null)) {
      inboxId++
      batch.push({
        inboxId,
        source: m.source,
        messageId: part.messageId,
        object: part.object,
        format: part.format,
        body: part.body,
        correlationId: randomUUID(),
        receivedAt: new Date(),
        corrects: null,
        statedAt: null,
        replay: false,
      })
    }
    if (batch.length >= perBatch) await flush()
    if (records >= wanted) break
  }
  await flush()
  const [row] = await sql<{ n: number }[]>`
    select count(*)::int as n from source_record where type = any(${[...mastering.engines.keys()]}::text[])`
  return row?.n ?? 0
}

/** Golden records of what is there, all at once. */
async function store(sql: Sql, mastering: Mastering): Promise<void> {
  await sql.begin(async (tx) => {
    await unhurried(tx)
    const crosswalk = new Map<string, string>()
    for (const type of mastering.policy.types) {
      const { rebuilt } = await rebuildType(tx, mastering, type, crosswalk)
      const places = rebuilt.flatMap(({ at }) => at.members.map((m) => ({ id: m.id, golden: at.goldenId })))
      await tx`update source_record s set golden_id = p.golden
        from unnest(${places.map((p) => p.id)}::bigint[], ${places.map((p) => p.golden)}::uuid[]) as p (id, golden) where s.id = p.id`
      for (let i = 0; i < rebuilt.length; i += eventsPerAppendMax)
        await appendChanges(
          tx,
          rebuilt.slice(i, i + eventsPerAppendMax).flatMap(({ at, golden }) =>
            golden
              ? [
                  {
                    goldenId: at.goldenId,
                    type: type.name,
                    version: 1,
                    op: 'CREATED' as const,
                    values: golden.values,
                    provenance: { ...golden.provenance },
                    redirect: null,
                    changed: Object.keys(golden.values),
                    members: at.members.map((m) => m.key),
                    policyVersion: mastering.policy.version,
                    cause: { source: 'bench' },
                  },
                ]
              : [],
          ),
        )
    }
  })
}

function figures(s: Simulation): string {
  return `${s.golden} golden records in ${s.seconds.toFixed(1)} s, ${s.memoryMb} MB at most`
}
