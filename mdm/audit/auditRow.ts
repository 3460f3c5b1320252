import type { Sql, Transaction } from '../db/database.ts'

/** A row of the audit log, as its hash covers it. */
export interface AuditRow {
  id: number
  /** Microseconds since 1970. */
  atUs: string
  actor: string | null
  event: string | null
  action: string | null
  body: string
  keyId: string | null
  endorsement: Uint8Array | null
  hash: Uint8Array
}

/** The columns of an AuditRow. A time without end, which no entry has, is read as 1970. */
export function auditColumns(sql: Sql | Transaction) {
  return sql`id, case when isfinite(at) then (extract(epoch from at) * 1000000)::bigint else 0 end::text as "atUs",
    actor, event, action_id as action, body::text as body, key_id as "keyId", endorsement, hash`
}
