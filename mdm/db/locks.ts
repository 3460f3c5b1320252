import type { Transaction } from './database.ts'

/**
 * Kinds of locks. Every transaction takes them in this order, golden type by golden type, and
 * sorted within each kind. So deadlocks are rare; Postgres ends one of the transactions, and
 * `transaction` retries it.
 */
export const LOCK = { record: 1, reference: 2, blockingKey: 3, golden: 4 } as const

const lockFree = new WeakSet<Transaction>()

/** Lets a transaction that has one snapshot and is rolled back (`dryRunTransaction`) take no locks. */
export function markLockFree(tx: Transaction): Transaction {
  lockFree.add(tx)
  return tx
}

export function isLockFree(tx: Transaction): boolean {
  return lockFree.has(tx)
}

/**
 * Locks 52-bit numbers until the end of the transaction, in sorted order: one statement, and unnest
 * keeps the order. The numbers in `shared` are locked in shared mode. Each lock takes a slot of the
 * server's lock table (max_locks_per_transaction x connections): see `lockSlots`.
 */
export async function lock(
  tx: Transaction,
  kind: keyof typeof LOCK,
  numbers: Iterable<number>,
  shared: ReadonlySet<number> = NONE,
): Promise<void> {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b)
  if (sorted.length === 0 || isLockFree(tx)) return
  await tx`
    select count(case when s then pg_advisory_xact_lock_shared((${LOCK[kind]}::bigint << 56) | n)::text
      else pg_advisory_xact_lock((${LOCK[kind]}::bigint << 56) | n)::text end)
    from unnest(${sorted}::bigint[], ${sorted.map((n) => String(shared.has(n)))}::text[]::boolean[]) as l (n, s)`
}
const NONE: ReadonlySet<number> = new Set()

/** Locks a name until the end of the transaction. */
export async function lockName(tx: Transaction, name: string): Promise<void> {
  if (isLockFree(tx)) return
  await tx`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`
}

/** Locks the numbers that are free and returns them. */
export async function tryLock(
  tx: Transaction,
  kind: keyof typeof LOCK,
  numbers: Iterable<number>,
): Promise<Set<number>> {
  const wanted = [...new Set(numbers)]
  if (wanted.length === 0 || isLockFree(tx)) return new Set(wanted)
  const rows = await tx<{ n: number }[]>`
    select n from unnest(${wanted}::bigint[]) as n where pg_try_advisory_xact_lock((${LOCK[kind]}::bigint << 56) | n)`
  return new Set(rows.map((r) => r.n))
}

/**
 * Returns a uuid's first 52 bits. Two uuids that share them share a lock, which costs a wait and
 * nothing else.
 */
export function lockNumber(uuid: string): number {
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(15, 16), 16)
}

/** Returns the size of the server's lock table. */
export async function lockSlots(tx: { unsafe: Transaction['unsafe'] }): Promise<number> {
  const [row] = await tx.unsafe<{ slots: number }[]>(
    `select current_setting('max_locks_per_transaction')::int
       * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int) as slots`,
  )
  return row?.slots ?? 6_400
}

/**
 * True if a transaction failed because the server's lock table is full. The hint names the setting
 * in every language; the code alone stands for any lack of memory.
 */
export function isLockTableFull(error: unknown): boolean {
  const { code, hint } = (error ?? {}) as { code?: unknown; hint?: unknown }
  return code === '53200' && /max_locks_per_transaction/.test(String(hint))
}
