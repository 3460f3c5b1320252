import type { Sql } from '../../mdm/db/database.ts'

const rowsMin = 1_000

/**
 * Updates the planner's statistics during a load. Autovacuum checks once a minute, and a new
 * database has no statistics until then: queries took ten times as long (150 ms against 15 ms).
 * Runs after every doubling of the applied rows, so that all runs together cost about as much as
 * the last one. Also runs when a load has ended.
 */
export class PlannerStatistics {
  readonly #sql: Sql
  readonly #onError: (error: unknown) => void
  #since = 0
  #covered = 0
  #running: Promise<void> | null = null

  constructor(sql: Sql, onError: (error: unknown) => void) {
    this.#sql = sql
    this.#onError = onError
  }

  /** Records that this many messages were applied. */
  applied(rows: number): void {
    this.#since += rows
    if (this.#since >= Math.max(rowsMin, this.#covered)) this.#run()
  }

  /**
   * Called when no message waits. Resolves when the statistics are current, for callers that report
   * the end of a load.
   */
  async settled(): Promise<void> {
    if (this.#since > rowsMin / 10) this.#run()
    await this.#running
  }

  #run(): void {
    if (this.#running) return
    this.#covered += this.#since
    this.#since = 0
    this.#running = analyzeTables(this.#sql)
      .catch(this.#onError)
      .finally(() => {
        this.#running = null
      })
  }
}

/** One statement for each table, so that none is locked for longer than its own turn. */
async function analyzeTables(sql: Sql): Promise<void> {
  const tables = await sql<{ name: string }[]>`
    select oid::regclass::text as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1`
  for (const { name } of tables) await sql`select analyze_table(${name}::regclass)`
}
