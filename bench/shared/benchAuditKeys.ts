import { configureAuditKeys } from '../../cli/config/auditKeys.ts'
import { configFromEnv } from '../../cli/config/config.ts'

/** Gives this process, and those that it starts, a key of the audit log. */
export function benchAuditKeys(): void {
  process.env.TOUCHSTONE_AUDIT_KEYS ??= `bench:${'bench-audit-key-'.repeat(3)}`
  configureAuditKeys(configFromEnv(['auditKeys', 'auditKeyFile', 'dataDir']))
}
