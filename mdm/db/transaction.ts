import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql, Transaction } from './database.ts'

const attemptsMax = 8
/** serialization_failure, deadlock_detected, lock_not_available: another attempt sees a settled state. */
const AGAIN = new Set(['40001', '40P01', '55P03'])

/**
 * Runs `work` in one transaction, READ COMMITTED: the locks taken first give the isolation, and every statement after
 * them must see what their last holders committed, which a snapshot of the whole transaction would hide.
 * Deadlocks and lock time-outs are tried again, with growing random pauses.
 */
export async function transaction<T>(sql: Sql, work: (tx: Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await sql.begin('isolation level read committed', work)) as T
    } catch (e) {
      const code = e instanceof Error && 'code' in e ? String(e.code) : ''
      if (!AGAIN.has(code) || attempt === attemptsMax) throw e
      await sleep(Math.random() * 20 * 2 ** attempt)
    }
  }
}
