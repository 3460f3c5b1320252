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

const reconnectSecondsMax = 1
const statementMsDefault = 60_000

/**
 * A pool of connections. bigint columns come as numbers: ids, positions, microseconds and minor units all stay under 2^53,
 * and key hashes are cut to 52 bits for this. Timestamps come as Date.
 * Settings are per session: a statement may run 60 s, its waits for locks included, and a transaction may idle 60 s, so
 * that a client that stands still holds others up for a minute at most (test/faults/pausedWorker.soak.ts).
 */
export function openDatabase(url: string, options: DatabaseOptions): Sql {
  const sql = postgres(url, {
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
