import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql, Transaction } from './database.ts'

const attemptsMax = 8
/**
 * serialization_failure, deadlock_detected, lock_not_available: the next attempt sees what the
 * others committed.
 */
const RETRYABLE = new Set(['40001', '40P01', '55P03'])

/**
 * Runs `work` in one READ COMMITTED transaction. The locks that it takes first give the isolation;
 * every later statement must see what the last holders of the locks committed, which a snapshot of
 * the whole transaction would hide. Retries deadlocks and lock timeouts, with random backoff that
 * doubles.
 */
export async function transaction<T>(sql: Sql, work: (tx: Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await sql.begin('isolation level read committed', work)) as T
    } catch (e) {
      const code = e instanceof Error && 'code' in e ? String(e.code) : ''
      if (!RETRYABLE.has(code) || attempt === attemptsMax) throw e
      await sleep(Math.random() * 20 * 2 ** attempt)
    }
  }
}
