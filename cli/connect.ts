import { setTimeout as sleep } from 'node:timers/promises'
import { isDatabaseAway } from '../mdm/db/away.ts'
import { openConnection, openDatabase, requirePatchedDriver, type Sql } from '../mdm/db/database.ts'
import { migrate } from '../mdm/db/migrate.ts'
import { type Config, configFromEnv } from './config/config.ts'
import { packagePath } from './config/packagePath.ts'
import { openEmbedded } from './embeddedPostgres/embedded.ts'

export interface Connection {
  /** A pool; migrations have been applied. */
  sql: Sql
  /** For further pools, in worker threads for example. */
  url: string
  /** Closes the pool and leaves the embedded server, which stops with its last user. */
  close(): Promise<void>
}

export interface ConnectOptions {
  /** Shows in pg_stat_activity; default `touchstone`. */
  name?: string
  /** Of the pool; default 4. */
  connectionsMax?: number
  /** Settings given by flags; else from the environment. */
  config?: Config<'databaseUrl' | 'dataDir' | 'databaseWaitSecondsMax'>
  /** Told while the database does not answer yet, and when the embedded one had to be started again. */
  onWait?: (why: string) => void
}

/**
 * The database of this installation: that of DATABASE_URL, else the embedded one, which is started when it does not run.
 * Any command may call it beside a running Touchstone.
 */
export async function connect(options: ConnectOptions = {}): Promise<Connection> {
  requirePatchedDriver() // Before the embedded server: an install without scripts leaves that broken too.
  const config = options.config ?? configFromEnv(['databaseUrl', 'dataDir', 'databaseWaitSecondsMax'])
  const tell = options.onWait ?? ((why: string) => console.error(why))
  const embedded = config.databaseUrl ? null : await openEmbedded(config.dataDir, tell)
  const url = embedded?.url ?? config.databaseUrl ?? ''
  try {
    await answers(url, config.databaseWaitSecondsMax, tell)
    const sql = openDatabase(url, { connectionsMax: options.connectionsMax ?? 4, name: options.name ?? 'touchstone' })
    await migrate(sql, packagePath('migrations'))
    return {
      sql,
      url,
      async close() {
        await sql.end({ timeout: 5 })
        await embedded?.release()
      },
    }
  } catch (e) {
    await embedded?.release()
    throw e
  }
}

const versionMin = 150_000

/** Waits for the first answer. What waiting cannot mend, a wrong password for example, fails at once. */
async function answers(url: string, secondsMax: number, onWait: (why: string) => void): Promise<void> {
  const { host } = new URL(url)
  const until = Date.now() + secondsMax * 1_000
  for (let told = false; ; await sleep(500)) {
    const sql = openConnection(url, { connectSecondsMax: 5 })
    try {
      const [row] = await sql`select current_setting('server_version_num')::int as version`
      if (row?.version < versionMin)
        throw new Error(
          `the Postgres at ${host} is version ${Math.floor(row?.version / 10_000)}; 15 or later is needed`,
        )
      return
    } catch (e) {
      if (!isDatabaseAway(e)) throw e
      const why = e instanceof Error ? ('code' in e ? String(e.code) : e.message) : String(e)
      if (Date.now() > until)
        throw new Error(`the database at ${host} does not answer (${why}): start it, or set DATABASE_URL to another`)
      if (!told) onWait(`waiting for the database at ${host} (${why}), at most ${secondsMax} s`)
      told = true
    } finally {
      await sql.end({ timeout: 1 })
    }
  }
}
