import type { Transaction } from '../db/database.ts'

export interface ReferenceChange {
  recordId: number
  targets: string[]
}

/** Saves which records refer to which others; deletes old rows of changed references first. */
export async function saveReferences(tx: Transaction, changes: ReferenceChange[]): Promise<void> {
  if (changes.length === 0) return
  await tx`delete from record_reference where record_id = any(${changes.map((c) => c.recordId)}::bigint[])`
  const rows = changes.flatMap((c) => c.targets.map((target) => ({ target, id: c.recordId })))
  if (rows.length > 0)
    await tx`insert into record_reference (target, record_id)
      select * from unnest(${rows.map((r) => r.target)}::uuid[], ${rows.map((r) => r.id)}::bigint[]) on conflict do nothing`
}

interface Referring {
  recordId: number
  key: string
  /** The message that last changed it. */
  inboxId: number
  target: string
}

/** Returns records of a golden type that refer to any of these in a field compared by reference. */
export async function loadReferring(
  tx: Transaction,
  targets: string[],
  type: string,
): Promise<Referring[]> {
  if (targets.length === 0) return []
  return await tx<Referring[]>`
    select r.record_id as "recordId", s.key, s.inbox_id as "inboxId", r.target from record_reference r join source_record s on s.id = r.record_id
    where r.target = any(${targets}::uuid[]) and s.type = ${type}`
}
