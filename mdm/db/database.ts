import postgres from 'postgres'

export type Sql = postgres.Sql<{ bigint: bigint }>
export type Transaction = postgres.TransactionSql<{ bigint: bigint }>

export interface DatabaseOptions {
  /** Connections at most. */
  connectionsMax: number
  /** Shows in pg_stat_activity. */
  name: string
}

/**
 * A pool of connections. bigint columns come as JavaScript bigint; timestamps as Date.
 * Settings are per session: a statement may run 60 s, a transaction may idle 60 s and wait 20 s for a lock, so that a
 * stuck client never holds others for ever.
 */
export function openDatabase(url: string, options: DatabaseOptions): Sql {
  return postgres(url, {
    max: options.connectionsMax,
    onnotice: () => {},
    connection: {
      application_name: options.name,
      statement_timeout: 60_000,
      idle_in_transaction_session_timeout: 60_000,
      // Plans of the set-based statements must not flip to a generic one that expects few rows.
      plan_cache_mode: 'force_custom_plan',
      jit: false,
    },
    types: { bigint: postgres.BigInt },
    connect_timeout: 10,
    max_lifetime: null,
  })
}
