import { resolve } from 'node:path'
import type { Logger } from 'pino'
import { settleAuditKey } from '../../mdm/audit/settleAuditKey.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { type AuditKeyConfig, areAuditKeysConfigured } from '../config/auditKeys.ts'
import type { Config } from '../config/config.ts'

/**
 * Brings the audit log under the key of this installation before a server writes to it. Throws
 * AuditKeyError if it continues with a key that this process does not have.
 */
export async function openAuditLog(
  sql: Sql,
  config: AuditKeyConfig & Config<'databaseUrl'>,
  log: Logger,
): Promise<void> {
  if (config.databaseUrl && !areAuditKeysConfigured(config))
    log.warn(
      { directory: resolve(config.dataDir) },
      'no key of the audit log is configured: one in the data directory is used. Processes on other machines need the same key (TOUCHSTONE_AUDIT_KEYS or TOUCHSTONE_AUDIT_KEY_FILE)',
    )
  const done = await settleAuditKey(sql)
  if (done === 'SEALED')
    log.info('entries of the audit log from before keys are sealed by its first entry under a key')
  if (done === 'CHANGED') log.info('the audit log goes on under another key')
}
