import type { Sql } from '../db/database.ts'
import { isTransientDatabaseError } from '../db/isTransientDatabaseError.ts'
import { type Lease, LeaseLost, leaseMs, renewLease } from './lease.ts'

/** Runs `work` while the lease of an object is renewed. */
export async function holdLease<T>(
  sql: Sql,
  lease: Lease,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return await holdWhile(() => renewLease(sql, lease), signal, work)
}

/**
 * Runs `work` while a lease is renewed. The signal of `work` aborts with LeaseLost when the lease is
 * lost, and with the reason of `signal`. A database that is away for longer than the lease lets it
 * expire; the fence then decides.
 */
export async function holdWhile<T>(
  renewOnce: () => Promise<void>,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController()
  const renew = async () => {
    try {
      await renewOnce()
    } catch (e) {
      if (e instanceof LeaseLost || !isTransientDatabaseError(e)) ended.abort(e)
    }
  }
  const timer = setInterval(() => void renew(), leaseMs / 3)
  try {
    return await work(AbortSignal.any([signal, ended.signal]))
  } finally {
    clearInterval(timer)
  }
}
