import type { Transaction } from './database.ts'

/**
 * What a lock guards. Every transaction takes them in this order, golden type by golden type and each kind sorted, so
 * that two hardly ever wait in a circle; where they do, Postgres ends one and `transaction` tries it again.
 */
export const LOCK = { record: 1, reference: 2, blockingKey: 3, golden: 4 } as const

/**
 * Advisory locks until the end of the transaction, on 52-bit numbers, sorted. One statement; unnest keeps the order.
 * Those of `shared` let others hold them shared too, and nobody alone.
 * Each takes a slot of the server's lock table (max_locks_per_transaction x connections): see lockSlots.
 */
export async function lock(
  tx: Transaction,
  kind: keyof typeof LOCK,
  numbers: Iterable<number>,
  shared: ReadonlySet<number> = NONE,
): Promise<void> {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b)
  if (sorted.length === 0) return
  await tx`
    select count(case when s then pg_advisory_xact_lock_shared((${LOCK[kind]}::bigint << 56) | n)::text
      else pg_advisory_xact_lock((${LOCK[kind]}::bigint << 56) | n)::text end)
    from unnest(${sorted}::bigint[], ${sorted.map((n) => String(shared.has(n)))}::text[]::boolean[]) as l (n, s)`
}
const NONE: ReadonlySet<number> = new Set()

/** Takes those locks that nobody holds, and says which. */
export async function tryLock(
  tx: Transaction,
  kind: keyof typeof LOCK,
  numbers: Iterable<number>,
): Promise<Set<number>> {
  const wanted = [...new Set(numbers)]
  if (wanted.length === 0) return new Set()
  const rows = await tx<{ n: number }[]>`
    select n from unnest(${wanted}::bigint[]) as n where pg_try_advisory_xact_lock((${LOCK[kind]}::bigint << 56) | n)`
  return new Set(rows.map((r) => r.n))
}

/** A uuid's first 52 bits. Two that share them share a lock, which costs a wait and nothing else. */
export function lockNumber(uuid: string): number {
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(15, 16), 16)
}

/** How many locks the server can hold in all. */
export async function lockSlots(tx: { unsafe: Transaction['unsafe'] }): Promise<number> {
  const [row] = await tx.unsafe<{ slots: number }[]>(
    `select current_setting('max_locks_per_transaction')::int
       * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int) as slots`,
  )
  return row?.slots ?? 6_400
}

/**
 * Whether a transaction failed because the server's lock table is full. The hint names the setting in every language;
 * the code alone is that of all lack of memory.
 */
export function isLockTableFull(error: unknown): boolean {
  const { code, hint } = (error ?? {}) as { code?: unknown; hint?: unknown }
  return code === '53200' && /max_locks_per_transaction/.test(String(hint))
}
