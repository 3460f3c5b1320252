import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import postgres from 'postgres'
import { acceptWorld } from '../cli/acceptWorld.ts'
import { resourceLimits, type WorkerData } from '../cli/ingestRole.ts'
import { openInstallation } from '../cli/installation.ts'
import { startServer } from '../cli/postgres/server.ts'
import { openDatabase, type Sql } from '../mdm/db/database.ts'
import { migrate } from '../mdm/db/migrate.ts'
import { PENDING_CHANNEL } from '../mdm/ingest/accept.ts'
import type { Applied } from '../mdm/pipeline.ts'

// Ingest, from messages in the inbox to committed golden records and events, on an embedded Postgres with fsync, beside
// its limit: the same rows written to the same tables by bare multi-row inserts, in the same run.
//   node bench/ingest.ts [--workers 1] [--rows 1000] [10000 100000 500000]
// Figures and their history: bench/README.md.

const messagesPerCompany = 13
const warmUpCompanies = 300
const arguments_ = process.argv.slice(2)
const option = (name: string, value: number) => {
  const at = arguments_.indexOf(`--${name}`)
  return at < 0 ? value : Number(arguments_.splice(at, 2)[1])
}
const workers = option('workers', 1)
const rowsMax = option('rows', 1_000)
const sizes = arguments_.length > 0 ? arguments_.map(Number) : [10_000, 100_000]

const dir = mkdtempSync(join(tmpdir(), 'touchstone-bench-'))
const server = await startServer({ dir, durable: true })
const admin = postgres(server.url('postgres'), { max: 1, onnotice: () => {} })
const migrations = fileURLToPath(new URL('../migrations', import.meta.url))
const rates: number[] = []
try {
  for (const size of sizes) await run(size)
  const [first, last] = [rates[0] ?? 0, rates.at(-1) ?? 1]
  if (sizes.length > 1)
    console.log(
      `cost per message at ${sizes.at(-1)} is ${(first / last).toFixed(2)} times that at ${sizes[0]} (target <= 1.3)`,
    )
} finally {
  await admin.end()
  await server.stop()
  rmSync(dir, { recursive: true, force: true })
}

async function run(messages: number): Promise<void> {
  const sql = await database('ingest')
  const { connectors } = openInstallation()
  const pool = startWorkers()
  // The first batches of a thread compile its code; they are of another world and not counted.
  const warm = await acceptWorld(sql, connectors, { companies: warmUpCompanies, seed: 2 })
  await pool.claimed(warm.accepted)

  // The queue is filled before anything of it may be claimed.
  await sql`alter table pending alter column not_before set default 'infinity'`
  const acceptedAt = performance.now()
  const world = { companies: Math.ceil(messages / messagesPerCompany), seed: 1 }
  const { accepted } = await acceptWorld(sql, connectors, world)
  const acceptSeconds = (performance.now() - acceptedAt) / 1_000
  await sql`update pending set not_before = '-infinity'`
  await sql`vacuum pending`
  await sql.notify(PENDING_CHANNEL, '')
  const began = performance.now()
  await pool.claimed(warm.accepted + accepted)
  const applySeconds = (performance.now() - began) / 1_000
  await pool.stop()

  const rate = accepted / applySeconds
  rates.push(rate)
  const [count] = await sql<{ golden: number; events: number; left: number }[]>`
    select (select count(*)::int from golden where state = 'ACTIVE') as golden,
      (select position from feed_head) as events, (select count(*)::int from pending) as left`
  if (count?.left) throw new Error(`${count.left} messages were not applied`)
  const limit = await bareInserts(sql, accepted / (accepted + warm.accepted))
  console.log(
    `${accepted} messages: accepted ${round(accepted / acceptSeconds)}/s; applied ${round(rate)}/s (target >= 2,000) with ${workers} workers, ` +
      `${count?.golden} golden records, ${count?.events} events; ` +
      `bare inserts of the same rows ${round(accepted / limit)} messages/s, so ${(applySeconds / limit).toFixed(1)} times the limit's time`,
  )
  await sql.end()
  await admin.unsafe('drop database ingest with (force)')
}

async function database(name: string): Promise<Sql> {
  await admin.unsafe(`drop database if exists ${name} with (force)`)
  await admin.unsafe(`create database ${name}`)
  const sql = openDatabase(server.url(name), { connectionsMax: 4, name: 'bench' })
  await migrate(sql, migrations)
  return sql
}

/** Ingest workers, each on its thread, as `touchstone start` runs them. */
function startWorkers(): { claimed(total: number): Promise<void>; stop(): Promise<unknown> } {
  let claimed = 0
  const data: Omit<WorkerData, 'number'> = {
    databaseUrl: server.url('ingest'),
    sources: undefined,
    workers,
    rowsMax,
    attemptsMax: 3,
    logLevel: 'error',
  }
  const threads = Array.from({ length: workers }, (_, n) => {
    const worker = new Worker(new URL('../cli/ingestWorker.ts', import.meta.url), {
      workerData: { ...data, number: n + 1 },
      resourceLimits,
    })
    worker.on('message', (applied: Applied) => {
      claimed += applied.claimed
    })
    return worker
  })
  return {
    async claimed(total) {
      while (claimed < total) await sleep(10)
    },
    stop: () =>
      Promise.all(
        threads.map(
          (w) =>
            new Promise((resolve) => {
              w.once('exit', resolve)
              w.postMessage('stop')
            }),
        ),
      ),
  }
}

/** Seconds that it takes to write `share` of the rows of all tables anew, 500 a statement. */
async function bareInserts(from: Sql, share: number): Promise<number> {
  const to = await database('bare')
  await to.unsafe('delete from feed_head')
  let seconds = 0
  const tables = [
    'inbox',
    'outcome',
    'source_record',
    'match_key',
    'link',
    'record_reference',
    'golden',
    'change',
    'opportunity',
    'subscription',
    'invoice',
    'payment',
    'posting',
  ]
  for (const table of tables) {
    const columns = (
      await from<
        { name: string }[]
      >`select attname as name from pg_attribute where attrelid = ${table}::regclass and attnum > 0 and not attisdropped order by attnum`
    ).map((c) => `"${c.name}"`)
    // As text, so that neither side spends time on parsing values.
    const list = columns.map((c) => `${c}::text`).join(', ')
    const types = await from<
      { type: string }[]
    >`select format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = ${table}::regclass and attnum > 0 and not attisdropped order by attnum`
    const insert = `insert into ${table} (${columns.join(', ')}) overriding system value select ${columns.map((_, i) => `c${i}::${types[i]?.type}`).join(', ')} from unnest(${columns.map((_, i) => `$${i + 1}::text[]`).join(', ')}) as r (${columns.map((_, i) => `c${i}`).join(', ')})`
    for await (const rows of from.unsafe(`select ${list} from ${table}`).values().cursor(500)) {
      const parameters = columns.map((_, i) => rows.map((r) => (r as (string | null)[])[i] ?? null))
      const began = performance.now()
      await to.unsafe(insert, parameters, { prepare: true })
      seconds += (performance.now() - began) / 1_000
    }
  }
  await to.end()
  await admin.unsafe('drop database bare with (force)')
  return seconds * share
}

function round(n: number): string {
  return Math.round(n).toLocaleString('en')
}
