import type { Transaction } from '../db/database.ts'

/**
 * Makes golden records due because one of their records changed in a source system that is written
 * to. Golden records that change themselves become due in `appendChanges`. It costs one small
 * statement, and no row where nothing is written back.
 */
export async function markMembersDue(
  tx: Transaction,
  records: readonly { source: string; goldenId: string | null }[],
): Promise<void> {
  const own = records.filter((r) => r.goldenId !== null)
  if (own.length === 0) return
  await tx`
    insert into write_due (golden_id)
    select distinct r.golden_id
    from unnest(${own.map((r) => r.source)}::text[], ${own.map((r) => r.goldenId)}::uuid[]) as r (source, golden_id)
      join write_target t on t.source = r.source`
}

/**
 * SQL condition: a row of `write_due`, of the alias d, is due. One that waits for a message is due once
 * the message is applied, or has become an exception.
 */
export const IS_DUE = `(d.due_at <= clock_timestamp()
  and (d.after_inbox is null or not exists (select from pending p where p.inbox_id = d.after_inbox)))`

/** Makes golden records due now, or after a pause and a message. */
export async function markDue(
  tx: Transaction,
  goldenIds: readonly string[],
  { ms = 0, inboxId = null }: { ms?: number; inboxId?: number | null } = {},
): Promise<void> {
  if (goldenIds.length === 0) return
  await tx`
    insert into write_due (golden_id, due_at, after_inbox)
    select id, clock_timestamp() + make_interval(secs => ${ms / 1_000}), ${inboxId}::bigint
    from unnest(${[...new Set(goldenIds)]}::uuid[]) as g (id)`
}
