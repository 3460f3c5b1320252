import type { Sql } from '../db/database.ts'

/** Name of the sink in the table. */
const name = 'jetstream'
/** Key of the advisory lock that the publisher holds. */
const lockText = 'touchstone jetstream'

/** Another process publishes now. */
export class PublisherLockLost extends Error {
  override name = 'ElectionLost'
}

/**
 * Elects the publisher among several processes: the one whose connection holds the lock, which ends
 * with it. So when a process is killed another takes over at its next attempt. The connection must
 * be used for nothing else (a pool of one). If the driver reconnects, the lock is gone; every save
 * detects that by the backend's process id.
 */
export class PublisherLock {
  readonly #sql: Sql
  #backend = 0

  constructor(sql: Sql) {
    this.#sql = sql
  }

  async acquire(): Promise<boolean> {
    const [row] = await this.#sql<{ held: boolean; backend: number }[]>`
      select pg_try_advisory_lock(hashtextextended(${lockText}, 0)) as held, pg_backend_pid() as backend`
    this.#backend = row?.held ? row.backend : 0
    return row?.held ?? false
  }

  async release(): Promise<void> {
    if (this.#backend === 0) return
    this.#backend = 0
    await this.#sql`select pg_advisory_unlock_all()`
  }

  /** Returns the last saved position; null if nothing was ever published. */
  async readPosition(): Promise<{ epoch: string; position: number } | null> {
    const [row] = await this.#sql<{ epoch: string; position: number }[]>`
      select feed as epoch, position from sink where name = ${name}`
    return row ?? null
  }

  /** Throws PublisherLockLost. */
  async savePosition(epoch: string, position: number, missed: number): Promise<void> {
    const saved = await this.#sql`
      insert into sink as s (name, feed, position, missed)
      select ${name}, ${epoch}::uuid, ${position}::bigint, ${missed}::bigint where pg_backend_pid() = ${this.#backend}
      on conflict (name) do update set feed = excluded.feed, position = excluded.position, missed = s.missed + excluded.missed,
        updated_at = clock_timestamp()`
    if (saved.count === 0) throw new PublisherLockLost('the connection that held the lock was lost')
  }
}
