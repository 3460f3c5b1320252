import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql, Transaction } from './database.ts'
import { markLockFree } from './locks.ts'

const attemptsMax = 8
/**
 * serialization_failure, deadlock_detected, lock_not_available: the next attempt sees what the
 * others committed.
 */
const RETRYABLE = new Set(['40001', '40P01', '55P03'])

/** A dry run that waits this long for a row begins again, before Postgres looks for deadlocks. */
const dryRunWaitMsMax = 250

/**
 * Runs `work` in one READ COMMITTED transaction. The locks that it takes first give the isolation;
 * every later statement must see what the last holders of the locks committed, which a snapshot of
 * the whole transaction would hide. Retries deadlocks and lock timeouts, with random backoff that
 * doubles.
 */
export async function transaction<T>(sql: Sql, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return await attempts(sql, 'read committed', work)
}

/**
 * Runs `work`, which must throw to roll back, in one REPEATABLE READ transaction. Its snapshot gives
 * the isolation, so `lock` takes nothing in it: a dry run waits for nobody's decision, and nobody
 * waits for it. The exceptions are rows that both write. Then the dry run begins again, with a
 * snapshot that has what the other committed.
 */
export async function dryRunTransaction<T>(
  sql: Sql,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return await attempts(sql, 'repeatable read', async (tx) => {
    // Previews are small, alike and many: a plan of each statement serves all of them.
    await tx.unsafe(`set local lock_timeout = ${dryRunWaitMsMax}; set local plan_cache_mode = auto`)
    return await work(markLockFree(tx))
  })
}

async function attempts<T>(
  sql: Sql,
  isolation: string,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await sql.begin(`isolation level ${isolation}`, work)) as T
    } catch (e) {
      const code = e instanceof Error && 'code' in e ? String(e.code) : ''
      if (!RETRYABLE.has(code) || attempt === attemptsMax) throw e
      await sleep(Math.random() * 20 * 2 ** attempt)
    }
  }
}
