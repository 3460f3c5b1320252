import { setTimeout as sleep } from 'node:timers/promises'
import { type DatabaseRole, databaseRole, grantApplication } from '../mdm/db/applicationRole.ts'
import { openConnection, openDatabase, requirePatchedDriver, type Sql } from '../mdm/db/database.ts'
import { databaseHost } from '../mdm/db/databaseUrl.ts'
import { isTransientDatabaseError } from '../mdm/db/isTransientDatabaseError.ts'
import { migrate } from '../mdm/db/migrate.ts'
import { setUpNameOrder } from '../mdm/db/nameOrder.ts'
import { CodedError } from '../schema/kit/codedError.ts'
import { withDeadline } from '../schema/kit/deadline.ts'
import { counted } from '../schema/kit/numberText.ts'
import { configureAuditKeys } from './config/auditKeys.ts'
import { type Config, configFromEnv } from './config/config.ts'
import { describeDatabase } from './config/describeDatabase.ts'
import { packagePath } from './config/packagePath.ts'
import { openEmbedded } from './embeddedPostgres/openEmbedded.ts'
import { knownMigrations, readMigrationState } from './migrationState.ts'
import { printError } from './terminal/print.ts'

/** The settings of every command that uses the database. */
export const DATABASE_CONFIG = [
  'databaseUrl',
  'databaseOwnerUrl',
  'dataDir',
  'embeddedPort',
  'databaseWaitSecondsMax',
  'auditKeys',
  'auditKeyFile',
] as const
export type DatabaseConfig = Config<(typeof DATABASE_CONFIG)[number]>

/**
 * Returns whether the owner of the tables has a URL of its own, so the user of the program must not
 * be the owner.
 */
export function hasOwnOwner(config: Config<'databaseUrl' | 'databaseOwnerUrl'>): boolean {
  return !config.databaseUrl || config.databaseOwnerUrl !== undefined
}

export interface Connection {
  /** A pool on a database with all migrations of this version. */
  sql: Sql
  /** The URL for further pools, for example in worker threads. */
  url: string
  /**
   * The URL of the tables' owner, for what the user of the program may not do. Undefined if only
   * the latter is known.
   */
  ownerUrl: string | undefined
  /** Closes the pool and releases the embedded server, which stops with its last user. */
  close(): Promise<void>
}

export type Notify = (line: string, level: 'info' | 'warn') => void

export interface ConnectOptions {
  /** The application name in pg_stat_activity; default `touchstone`. */
  name?: string
  /** Maximum connections of the pool; default 4. */
  connectionsMax?: number
  /** Settings of the flags; otherwise they are read from the environment. */
  config?: DatabaseConfig
  /**
   * Creates the embedded database if it is missing, and applies migrations. Without it a missing or
   * outdated database is rejected and left unchanged. A command with the wrong location must not
   * return results from an empty database.
   */
  create?: boolean
  /** Opens the pool as the owner of the tables, if that is known. */
  asOwner?: boolean
  /** With `create`: the locale by which names sort. Left out: as the database has it. */
  sortLocale?: string
  /**
   * Receives which database is used (info) and why the command waits (warn). By default both are
   * printed to the standard error.
   */
  notify?: Notify
}

/** The database cannot be used. The message names it and states what to do. */
export class DatabaseError extends Error {
  override name = 'DatabaseError'
}

/**
 * Connects to the database of this installation: that of DATABASE_URL, otherwise the embedded one,
 * which is started if necessary. Any command may use it beside a running Touchstone.
 */
export async function connect(options: ConnectOptions = {}): Promise<Connection> {
  requirePatchedDriver() // Before the embedded server: an install without scripts leaves that broken too.
  const { create = false, notify = (line) => printError(line), connectionsMax = 4 } = options
  const config = options.config ?? configFromEnv(DATABASE_CONFIG)
  const described = describeDatabase(config)
  configureAuditKeys(config)
  notify(`database: ${described}`, 'info')
  const embedded = config.databaseUrl
    ? null
    : await openEmbedded(config.dataDir, {
        create,
        notify: (line) => notify(line, 'warn'),
        tcpPort: config.embeddedPort,
      })
  const url = embedded?.url ?? config.databaseUrl ?? ''
  const ownerUrl = embedded?.ownerUrl ?? config.databaseOwnerUrl
  let sql: Sql | undefined
  try {
    await waitForDatabase(url, described, config.databaseWaitSecondsMax, notify)
    const open = (place: string, connections: number) =>
      openDatabase(place, { connectionsMax: connections, name: options.name ?? 'touchstone' })
    sql = open(url, connectionsMax)
    const role = await firstAnswer(databaseRole(sql), url, config.databaseWaitSecondsMax)
    const owner = ownerUrl === undefined ? sql : open(ownerUrl, 1)
    try {
      await firstAnswer(owner`select 1`, ownerUrl ?? url, config.databaseWaitSecondsMax)
      await withRights(owner, async (acting) => {
        if (create && acting.owns) await migrate(owner, packagePath('migrations'))
        else await requireMigrations(owner, described)
        if (!create) return
        await orderNames(owner, options.sortLocale, notify)
        if (acting.owns && !role.owns) await grantApplication(owner, role.name)
        if (role.owns && !embedded) notify(tooMighty(role), 'info')
      })
    } finally {
      if (owner !== sql) await owner.end({ timeout: 5 })
    }
    if (options.asOwner && ownerUrl !== undefined) {
      await sql.end({ timeout: 5 })
      sql = open(ownerUrl, connectionsMax)
    }
  } catch (e) {
    await sql?.end({ timeout: 1 })
    await embedded?.release()
    throw e
  }
  const pool = sql
  return {
    sql: pool,
    url,
    ownerUrl,
    async close() {
      await pool.end({ timeout: 5 })
      await embedded?.release()
    },
  }
}

const INSUFFICIENT_PRIVILEGE = '42501'

/** Names the remedy if the user of the connection may not do this work. */
async function withRights(sql: Sql, work: (role: DatabaseRole) => Promise<void>): Promise<void> {
  const role = await databaseRole(sql)
  try {
    await work(role)
  } catch (e) {
    if (!(e instanceof Error && 'code' in e && e.code === INSUFFICIENT_PRIVILEGE)) throw e
    throw new DatabaseError(
      `the database's user ${role.name} may not do this (${e.message}): set DATABASE_OWNER_URL ` +
        'to the owner of the tables, or run "npx touchstone migrate" with it',
      { cause: e },
    )
  }
}

function tooMighty({ name, superuser }: DatabaseRole): string {
  return (
    `the database's user ${name} ${superuser ? 'is a superuser' : 'owns the tables'}: ` +
    'Touchstone can run with fewer rights, see DATABASE_OWNER_URL'
  )
}

async function orderNames(sql: Sql, locale: string | undefined, notify: Notify): Promise<void> {
  if (locale === undefined) return
  const changed = await setUpNameOrder(sql, locale)
  if (!changed) return
  const { before, version } = changed
  notify(
    `names now sort by the locale ${locale}, version ${version ?? 'unknown'} of its order ` +
      `(before: ${before.locale}, version ${before.version ?? 'unknown'}); the index over names was built again`,
    'info',
  )
}

/** Runs `work` on the database of this installation and closes the connection afterwards. */
export async function withDatabase<T>(
  options: ConnectOptions,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const { sql, close } = await connect(options)
  try {
    return await work(sql)
  } finally {
    await close()
  }
}

async function requireMigrations(sql: Sql, described: string): Promise<void> {
  const state = await readMigrationState(sql, knownMigrations())
  if (!state)
    throw new DatabaseError(
      `no database of Touchstone here: ${described} has no tables of Touchstone. ` +
        'Name another one with DATABASE_URL, or create the tables with "npx touchstone migrate"',
    )
  if (state.unknown.length > 0)
    throw new DatabaseError(
      `a newer version of Touchstone has used this database (${described}): ` +
        `this version does not know ${listed(state.unknown)}. Use the newer version`,
    )
  if (state.missing.length > 0)
    throw new DatabaseError(
      `an older version of Touchstone has used this database (${described}): it lacks ${listed(state.missing)}. ` +
        'Bring it to this version with "npx touchstone migrate"',
    )
}

const listedMax = 3

function listed(names: readonly string[]): string {
  const more = names.length - listedMax
  return `${names.slice(0, listedMax).join(', ')}${more > 0 ? ` and ${counted(more, 'more migration')}` : ''}`
}

const versionMin = 150_000
/** How long a server may take for the login and a first statement. */
const answerMsMax = 10_000

/**
 * Returns the answer to the first statement of a pool. Throws DatabaseError if it takes too long: a
 * server that accepts a login and then is silent, as one that is stopped, would hold a command for
 * ever, because its own bound on statements does not run.
 */
async function firstAnswer<T>(answer: Promise<T>, url: string, secondsMax: number): Promise<T> {
  const seconds = Math.max(1, secondsMax)
  return await withDeadline(answer, seconds * 1_000, () => {
    throw new DatabaseError(
      `the database at ${databaseHost(url)} accepts connections and does not answer a statement in ${seconds} s: restart it, or set DATABASE_URL to another`,
    )
  })
}

/**
 * Waits until the database accepts connections. Throws at once if waiting cannot help, for example
 * for a wrong password.
 */
async function waitForDatabase(
  url: string,
  described: string,
  secondsMax: number,
  notify: Notify,
): Promise<void> {
  const host = databaseHost(url)
  const until = Date.now() + secondsMax * 1_000
  for (let notified = false; ; await sleep(500)) {
    const sql = openConnection(url, { connectSecondsMax: 5 })
    try {
      const [row] = await withDeadline(
        sql<{ version: number }[]>`select current_setting('server_version_num')::int as version`,
        answerMsMax,
        () => {
          throw new CodedError('ETIMEDOUT', 'no answer to a first statement')
        },
      )
      const version = row?.version ?? 0
      if (!(version >= versionMin))
        throw new DatabaseError(
          `the Postgres at ${host} is version ${Math.floor(version / 10_000)}; 15 or later is needed`,
        )
      return
    } catch (e) {
      if (e instanceof DatabaseError) throw e
      const reason = e instanceof Error ? e.message : String(e)
      if (!isTransientDatabaseError(e))
        throw new DatabaseError(`${described}: ${reason}`, { cause: e })
      const why = e instanceof Error && 'code' in e ? String(e.code) : reason
      if (Date.now() > until)
        throw new DatabaseError(
          `the database at ${host} does not respond (${why}): start it, or set DATABASE_URL to another`,
        )
      if (!notified)
        notify(`waiting for the database at ${host} (${why}), at most ${secondsMax} s`, 'warn')
      notified = true
    } finally {
      await sql.end({ timeout: 1 })
    }
  }
}
