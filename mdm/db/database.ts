import postgres from 'postgres'
import { tracingIsOn } from '../../schema/trace.ts'
import { ARRAYS } from './arrays.ts'
import { driverTarget } from './databaseUrl.ts'
import { traceStatements } from './traceStatements.ts'

export type Sql = postgres.Sql<{ bigint: number }>
export type Transaction = postgres.TransactionSql<{ bigint: number }>

export interface DatabaseOptions {
  connectionsMax: number
  /** Shows in pg_stat_activity. */
  name: string
  /**
   * How prepared statements are planned. By default each execution is planned: plans of the
   * pipeline's set-based statements must not flip to a generic one that expects few rows. `auto` is
   * for the short keyed reads of queries, where planning costs as much as execution.
   */
  planCache?: 'auto' | undefined
  /** Connections idle for this long are closed. By default they stay open. */
  idleSecondsMax?: number
  /** The server cancels a statement after this time, which includes its waits for locks. */
  statementMsMax?: number
  /** Further server settings of each connection. */
  settings?: Record<string, string | boolean>
}

/**
 * The number that patches/postgres+….patch writes into the driver. It grows with each change of the
 * patch.
 */
const driverPatch = 4
const reconnectSecondsMax = 1
const statementMsDefault = 60_000

/**
 * Opens a pool of connections. Columns of type bigint become numbers: ids, positions, microseconds
 * and minor units stay under 2^53, and key hashes are cut to 52 bits for this. Timestamps become
 * Date. A statement may run 60 s, its waits for locks included, and a transaction may idle 60 s. So
 * a client that hangs blocks others for a minute at most (test/faults/pausedWorker.soak.ts).
 */
export function openDatabase(url: string, options: DatabaseOptions): Sql {
  const target = driverTarget(url)
  const sql = requirePatchedDriver()(target.url, {
    ...target.options,
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
    // The driver's own backoff grows to 20 s, and everything would wait that long after an outage.
    backoff: (attempts: number) => Math.min(0.05 * 2 ** attempts, reconnectSecondsMax),
    max_lifetime: null,
  })
  return tracingIsOn() ? traceStatements(sql) : sql
}

/**
 * Opens one plain connection, without the settings of our pools: to wait for a server, or to create
 * a database.
 */
export function openConnection(
  url: string,
  options: { connectSecondsMax?: number } = {},
): postgres.Sql {
  const target = driverTarget(url)
  return requirePatchedDriver()(target.url, {
    ...target.options,
    max: 1,
    onnotice: () => {},
    ...(options.connectSecondsMax === undefined
      ? {}
      : { connect_timeout: options.connectSecondsMax }),
  })
}

/**
 * Returns the driver. Throws if it lacks our patch, as after an install without scripts, which says
 * nothing of it: such a driver ends the process when the database restarts, sends the password in
 * cleartext to a server that asks for it, and accepts a server that never asks.
 */
export function requirePatchedDriver(): typeof postgres {
  const found: unknown = Reflect.get(postgres, 'touchstonePatch')
  if (found === driverPatch) return postgres
  throw new Error(
    `the installed Postgres driver ${found === undefined ? 'is not patched' : `has patch ${found}, not ${driverPatch}`}: run "npm ci", with install scripts allowed (PATCHES.md says why)`,
  )
}
