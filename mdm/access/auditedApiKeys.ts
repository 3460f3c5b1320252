import { appendAudit } from '../audit/audit.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { createKey, type KeyStep, type NewKey, revokeKey, rotateKey } from './apiKeys.ts'

/** What is done about API keys, in the audit log with who did it; in the same transaction, so neither is without the other. */
export function apiKeys(sql: Sql, actor: string) {
  const said = (tx: Transaction, step: KeyStep) => appendAudit(tx, { actor, ...step })
  return {
    create: (key: Omit<NewKey, 'createdBy'>) => createKey(sql, { ...key, createdBy: actor }, said),
    rotate: (name: string, overlapMs: number) => rotateKey(sql, name, overlapMs, actor, said),
    revoke: (nameOrId: string) => revokeKey(sql, nameOrId, said),
  }
}
