import postgres from 'postgres'
import { tracingIsOn } from '../../schema/trace.ts'
import { ARRAYS } from './arrays.ts'
import { observed } from './observed.ts'

export type Sql = postgres.Sql<{ bigint: number }>
export type Transaction = postgres.TransactionSql<{ bigint: number }>

export interface DatabaseOptions {
  /** Connections at most. */
  connectionsMax: number
  /** Shows in pg_stat_activity. */
  name: string
  /**
   * How prepared statements are planned. Without it anew each time: plans of the pipeline's set-based statements must not
   * flip to a generic one that expects few rows. `auto` is for the short keyed reads of queries, where planning costs as
   * much as running.
   */
  planCache?: 'auto' | undefined
  /** Connections that nobody used for so long are closed; without it they stay. */
  idleSecondsMax?: number
  /** How long a statement may run, its waits for locks included; then the server ends it. */
  statementMsMax?: number
  /** Settings of the server that hold for each connection from its beginning, beside our own. */
  settings?: Record<string, string | boolean>
}

/** The number that patches/postgres+….patch writes into the driver. It grows with each change of the patch. */
const driverPatch = 1
const reconnectSecondsMax = 1
const statementMsDefault = 60_000

/**
 * A pool of connections. bigint columns come as numbers: ids, positions, microseconds and minor units all stay under 2^53,
 * and key hashes are cut to 52 bits for this. Timestamps come as Date.
 * Settings are per session: a statement may run 60 s, its waits for locks included, and a transaction may idle 60 s, so
 * that a client that stands still holds others up for a minute at most (test/faults/pausedWorker.soak.ts).
 */
export function openDatabase(url: string, options: DatabaseOptions): Sql {
  const sql = requirePatchedDriver()(url, {
    max: options.connectionsMax,
    onnotice: () => {},
    connection: {
      application_name: options.name,
      statement_timeout: options.statementMsMax ?? statementMsDefault,
      idle_in_transaction_session_timeout: 60_000,
      plan_cache_mode: options.planCache ?? 'force_custom_plan',
      jit: false,
      ...options.settings,
    },
    ...(options.idleSecondsMax === undefined ? {} : { idle_timeout: options.idleSecondsMax }),
    fetch_types: false,
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String }, ...ARRAYS },
    connect_timeout: 10,
    // The driver's own pauses between attempts to connect grow to 20 s, so long would all stand still after an outage.
    backoff: (attempts: number) => Math.min(0.05 * 2 ** attempts, reconnectSecondsMax),
    max_lifetime: null,
  })
  return tracingIsOn() ? observed(sql) : sql
}

/** Opens one plain connection, without the settings of our pools: to wait for a server, or to create a database. */
export function openConnection(url: string, options: { connectSecondsMax?: number } = {}): postgres.Sql {
  return requirePatchedDriver()(url, {
    max: 1,
    onnotice: () => {},
    ...(options.connectSecondsMax === undefined ? {} : { connect_timeout: options.connectSecondsMax }),
  })
}

/**
 * Returns the driver. Throws if it lacks our patch, as after an install without scripts, which says nothing of it: such a
 * driver ends the process when the database restarts, and sends the password in cleartext to a server that asks for it.
 */
export function requirePatchedDriver(): typeof postgres {
  const found: unknown = Reflect.get(postgres, 'touchstonePatch')
  if (found === driverPatch) return postgres
  throw new Error(
    `the installed Postgres driver ${found === undefined ? 'is not patched' : `has patch ${found}, not ${driverPatch}`}: run "npm ci", with install scripts allowed (PATCHES.md says why)`,
  )
}
