import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { configureAuditKeys } from '../cli/config/auditKeys.ts'
import { configFromEnv } from '../cli/config/config.ts'
import { type PostgresServer, startServer } from '../cli/embeddedPostgres/server.ts'
import { openConnection, openDatabase, type Sql } from '../mdm/db/database.ts'
import { migrate } from '../mdm/db/migrate.ts'

const migrations = fileURLToPath(new URL('../migrations', import.meta.url))

export interface TestDatabase {
  sql: Sql
  url: string
  /**
   * Closes `sql`, drops the database, and stops the server if this file started it. Call it in
   * `after`.
   */
  drop(): Promise<void>
}

/**
 * Creates a database for one test file, with all migrations, cloned from a template that the whole
 * run shares. Uses the server of DATABASE_URL or of the test launcher; without either it starts one
 * for this file. `empty: true` omits the migrations.
 */
export async function testDatabase(
  options: { connectionsMax?: number; empty?: boolean } = {},
): Promise<TestDatabase> {
  // Commands that a test runs, in this process or in others, have the same keys.
  process.env.TOUCHSTONE_AUDIT_KEYS ??= `test:${'test audit key '.repeat(3).replaceAll(' ', '-')}`
  configureAuditKeys(configFromEnv(['auditKeys', 'auditKeyFile', 'dataDir']))
  const { server, stop } = await testServer()
  const name = `t_${process.pid}_${randomBytes(5).toString('hex')}`
  const admin = openConnection(server)
  try {
    const template = options.empty ? 'template0' : await templateDatabase(admin, server)
    await admin.unsafe(`create database ${name} template ${template}`)
  } finally {
    await admin.end()
  }
  const url = withDatabase(server, name)
  const sql = openDatabase(url, {
    connectionsMax: options.connectionsMax ?? 10,
    name: 'touchstone-test',
  })
  return {
    sql,
    url,
    async drop() {
      await sql.end({ timeout: 5 })
      const closing = openConnection(server)
      await closing.unsafe(`drop database if exists ${name} with (force)`)
      await closing.end()
      await stop()
    },
  }
}

export interface TemporaryServer {
  dir: string
  url(database: string): string
  /** Restarts it on the same data and port. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Stops it and deletes its data. */
  stop(): Promise<void>
}

/**
 * Starts a server without fsync in a temporary folder, which is deleted with it. For tests that
 * stop and start servers.
 */
export async function temporaryServer(): Promise<TemporaryServer> {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-test-'))
  let server: PostgresServer | null = await startServer({ dir, durable: false, superuser: true })
  const { url } = server
  // A test file that fails or is interrupted does not reach its `after`.
  const abandon = () => {
    try {
      if (server) process.kill(server.pid, 'SIGQUIT')
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  }
  const interrupted = () => process.exit(130)
  process.once('exit', abandon).once('SIGTERM', interrupted).once('SIGINT', interrupted)
  const pause = async () => {
    await server?.stop()
    server = null
  }
  return {
    dir,
    url,
    pause,
    async resume() {
      server = await startServer({ dir, durable: false, superuser: true })
    },
    async stop() {
      process.off('exit', abandon).off('SIGTERM', interrupted).off('SIGINT', interrupted)
      await pause()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** One server for each process, started with its first test database and stopped with its last. */
let own: { server: Promise<TemporaryServer>; users: number } | null = null

async function testServer(): Promise<{ server: string; stop: () => Promise<void> }> {
  const given = process.env.DATABASE_URL
  if (given) return { server: given, stop: async () => {} }
  own ??= { server: temporaryServer(), users: 0 }
  const mine = own
  mine.users++
  const server = await mine.server
  return {
    server: server.url('postgres'),
    async stop() {
      if (--mine.users > 0) return
      own = null
      await server.stop()
    },
  }
}

async function templateDatabase(
  admin: ReturnType<typeof openConnection>,
  server: string,
): Promise<string> {
  const hash = createHash('sha256')
  for (const f of readdirSync(migrations).sort())
    hash.update(f).update(readFileSync(join(migrations, f)))
  const name = `touchstone_template_${hash.digest('hex').slice(0, 16)}`
  await admin`select pg_advisory_lock(hashtext('touchstone test template'))`
  try {
    // It is marked as a template only when complete, so a killed run does not spoil the next one.
    const found = await admin<{ ready: boolean }[]>`
      select datistemplate as ready from pg_database where datname = ${name}`
    if (found[0]?.ready) return name
    if (found[0]) await admin.unsafe(`drop database ${name} with (force)`)
    await admin.unsafe(`create database ${name} template template0`)
    const sql = openDatabase(withDatabase(server, name), {
      connectionsMax: 1,
      name: 'touchstone-test-template',
    })
    await migrate(sql, migrations)
    await sql.end()
    await admin.unsafe(`alter database ${name} is_template true`)
    return name
  } finally {
    await admin`select pg_advisory_unlock(hashtext('touchstone test template'))`
  }
}

function withDatabase(server: string, name: string): string {
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}
