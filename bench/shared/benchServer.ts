import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { openInstallation } from '../../cli/config/installation.ts'
import { startServer } from '../../cli/embeddedPostgres/server.ts'
import { acceptWorld } from '../../cli/server/acceptWorld.ts'
import { resourceLimits } from '../../cli/server/ingestRole.ts'
import type { WorkerData } from '../../cli/server/ingestWorkerData.ts'
import { openConnection, openDatabase, type Sql } from '../../mdm/db/database.ts'
import { migrate } from '../../mdm/db/migrate.ts'
import { PENDING_CHANNEL } from '../../mdm/inbox/accept.ts'
import type { Applied } from '../../mdm/ingest/pipeline.ts'
import { benchAuditKeys } from './benchAuditKeys.ts'

const messagesPerCompany = 13
const warmUpCompanies = 300
const migrations = fileURLToPath(new URL('../../migrations', import.meta.url))

export interface BenchServer {
  /** Creates an empty database with the schema; drops one of the same name. */
  database(name: string): Promise<Sql>
  drop(sql: Sql, name: string): Promise<void>
  /** Opens an existing database; null if there is none of that name. */
  open(name: string): Promise<Sql | null>
  url(name: string): string
  /** Processor seconds that the server has used; 0 without /proc. */
  cpuSeconds(): number
  stop(): Promise<void>
}

/** Starts an embedded Postgres with fsync, deleted when it stops; one in a given folder is kept. */
export async function benchServer(kept?: string): Promise<BenchServer> {
  benchAuditKeys()
  const dir = kept ?? mkdtempSync(join(tmpdir(), 'touchstone-bench-'))
  const server = await startServer({ dir, durable: true, superuser: true })
  const admin = openConnection(server.url('postgres'))
  return {
    url: server.url,
    cpuSeconds: () => cpuSecondsOf(server.pid),
    async database(name) {
      await admin.unsafe(`drop database if exists ${name} with (force)`)
      await admin.unsafe(`create database ${name}`)
      const sql = openDatabase(server.url(name), { connectionsMax: 4, name: 'bench' })
      await migrate(sql, migrations)
      return sql
    },
    async open(name) {
      const [known] = await admin`select from pg_database where datname = ${name}`
      if (!known) return null
      const sql = openDatabase(server.url(name), { connectionsMax: 4, name: 'bench' })
      await migrate(sql, migrations)
      return sql
    },
    async drop(sql, name) {
      await sql.end()
      await admin.unsafe(`drop database ${name} with (force)`)
    },
    async stop() {
      await admin.end()
      await server.stop()
      if (kept === undefined) rmSync(dir, { recursive: true, force: true })
    },
  }
}

const ticksPerSecond = 100

/** Sums the time of a process, of its children, and of those that have ended. */
function cpuSecondsOf(pid: number): number {
  let ticks = 0
  for (const name of existsSync('/proc') ? readdirSync('/proc') : []) {
    if (!/^\d+$/.test(name)) continue
    // Fields after the name, which is in parentheses: state, parent … utime, stime, cutime, cstime.
    const stat =
      readStat(name)
        ?.replace(/^.*\) /s, '')
        .split(' ') ?? []
    if (name === String(pid)) for (const i of [11, 12, 13, 14]) ticks += Number(stat[i])
    else if (stat[1] === String(pid)) ticks += Number(stat[11]) + Number(stat[12])
  }
  return ticks / ticksPerSecond
}

function readStat(pid: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    // The process has ended since the folder was read.
    return null
  }
}

export interface Filled {
  messages: number
  /** Messages that warmed the threads up before the measurement began. */
  warmUp: number
  acceptSeconds: number
  applySeconds: number
}

/**
 * Takes a demo world of about `messages` messages through the whole path, as `touchstone start`
 * does.
 */
export async function fill(
  sql: Sql,
  databaseUrl: string,
  messages: number,
  options: { workers: number; rowsMax: number; sources?: string },
): Promise<Filled> {
  const { connectors } = openInstallation(options.sources)
  const pool = startWorkers(databaseUrl, options)
  // The first batches of a thread compile its code; they are of another world and are not counted.
  const warm = await acceptWorld(sql, connectors, { companies: warmUpCompanies, seed: 2 })
  await pool.claimed(warm.accepted)

  // Fills the queue before any of it may be claimed.
  await sql`alter table pending alter column not_before set default 'infinity'`
  const acceptedAt = performance.now()
  const world = { companies: Math.ceil(messages / messagesPerCompany), seed: 1 }
  const { accepted } = await acceptWorld(sql, connectors, world)
  const acceptSeconds = (performance.now() - acceptedAt) / 1_000
  await sql`alter table pending alter column not_before set default '-infinity'`
  await sql`update pending set not_before = '-infinity'`
  await sql`vacuum pending`
  await sql.notify(PENDING_CHANNEL, '')
  const began = performance.now()
  await pool.claimed(warm.accepted + accepted)
  const applySeconds = (performance.now() - began) / 1_000
  await pool.stop()
  const [left] = await sql<{ n: number }[]>`select count(*)::int as n from pending`
  if (left?.n) throw new Error(`${left.n} messages were not applied`)
  return { messages: accepted, warmUp: warm.accepted, acceptSeconds, applySeconds }
}

/** Starts ingest workers, each on its own thread, as `touchstone start` does. */
function startWorkers(
  databaseUrl: string,
  options: { workers: number; rowsMax: number; sources?: string },
): { claimed(total: number): Promise<void>; stop(): Promise<unknown> } {
  let claimed = 0
  const data: Omit<WorkerData, 'number'> = {
    databaseUrl,
    sources: undefined,
    ...options,
    attemptsMax: 3,
    logLevel: 'error',
  }
  const threads = Array.from({ length: options.workers }, (_, n) => {
    const worker = new Worker(new URL('../../cli/server/ingestWorker.ts', import.meta.url), {
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
