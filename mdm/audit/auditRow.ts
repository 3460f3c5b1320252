import type { Sql, Transaction } from '../db/database.ts'
import type { HashedEntry } from './entryHash.ts'

/** A row of the audit log, as its hash covers it. */
export interface AuditRow extends Omit<HashedEntry, 'chain' | 'before'> {
  keyId: string | null
  hash: Uint8Array
}

/** The columns of an AuditRow. A time without end, which no entry has, is read as 1970. */
export function auditColumns(sql: Sql | Transaction) {
  return sql`id, case when isfinite(at) then (extract(epoch from at) * 1000000)::bigint else 0 end::text as "atUs",
    actor, event, action_id as action, body::text as body, key_id as "keyId", endorsement, hash`
}
