import type { Transaction } from '../db/database.ts'

/**
 * Code of the exception of a record that is applied and served but could not be compared with
 * others.
 */
const CODE = 'NOT_COMPARED'

/**
 * Opens an exception, with the reason, for each record that cannot be compared. It belongs to the
 * record's last message and so to that message's owner. A second comparison adds none and does not
 * reopen a discarded one. Call it after the records are saved.
 */
export async function saveNotCompared(
  tx: Transaction,
  reasons: ReadonlyMap<number, string>,
): Promise<void> {
  if (reasons.size === 0) return
  await tx`
    insert into outcome (inbox_id, outcome, code, detail, source, object, source_id)
    select distinct on (s.inbox_id) s.inbox_id, 'EXCEPTION', ${CODE},
      'it is applied, and compared with no other record: ' || left(r.reason, 1900), s.source, s.object, s.source_id
    from unnest(${[...reasons.keys()]}::bigint[], ${[...reasons.values()]}::text[]) as r (id, reason)
      join source_record s on s.id = r.id
    where exists (select from inbox i where i.id = s.inbox_id)
    order by s.inbox_id, s.id
    on conflict (inbox_id) do update set outcome = excluded.outcome, code = excluded.code, detail = excluded.detail,
      object = excluded.object, source_id = excluded.source_id, field = null, at = clock_timestamp()
      where outcome.outcome = 'SKIPPED'`
}

/**
 * Closes the exceptions of records that are compared again. Call it before the records are saved.
 */
export async function settleNotCompared(
  tx: Transaction,
  recordIds: readonly number[],
): Promise<void> {
  if (recordIds.length > 0)
    await tx`
      delete from outcome o using source_record s
      where s.id = any(${recordIds as number[]}::bigint[]) and o.inbox_id = s.inbox_id
        and o.outcome = 'EXCEPTION' and o.code = ${CODE}`
}

/** Returns those messages that have an open exception of this kind. */
export async function loadNotCompared(
  tx: Transaction,
  inboxIds: readonly number[],
): Promise<Set<number>> {
  if (inboxIds.length === 0) return new Set()
  const rows = await tx<{ id: number }[]>`
    select inbox_id as id from outcome
    where inbox_id = any(${inboxIds as number[]}::bigint[]) and outcome = 'EXCEPTION' and code = ${CODE}`
  return new Set(rows.map((r) => r.id))
}
