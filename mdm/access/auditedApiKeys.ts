import { appendAudit } from '../audit/audit.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { createKey, type KeyStep, type NewKey, revokeKey, rotateKey } from './apiKeys.ts'

/**
 * API key operations that append to the audit log in the same transaction, so neither happens
 * without the other.
 */
export function apiKeys(sql: Sql, actor: string) {
  const audit = (tx: Transaction, step: KeyStep) => appendAudit(tx, { actor, ...step })
  return {
    create: (key: Omit<NewKey, 'createdBy'>) => createKey(sql, { ...key, createdBy: actor }, audit),
    rotate: (name: string, overlapMs: number) => rotateKey(sql, name, overlapMs, actor, audit),
    revoke: (nameOrId: string) => revokeKey(sql, nameOrId, audit),
  }
}
