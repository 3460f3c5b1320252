import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'
import { secretFile } from '../../gateway/identity/development.ts'
import {
  AuditKeyError,
  type KeyRing,
  parseAuditKeys,
  provideAuditKeys,
} from '../../mdm/audit/auditKeys.ts'
import { ConfigError } from '../../schema/kit/configError.ts'
import { untrustedPart } from '../../schema/kit/trustedPath.ts'
import type { Config } from './config.ts'

export type AuditKeyConfig = Config<'auditKeys' | 'auditKeyFile' | 'dataDir'>

const KEY_FILE = 'audit-key'
/** The name under which the threads of this process find the settings. */
const THREAD_DATA = 'touchstone audit keys'

/**
 * Names where the keys of the audit log come from: the setting, the key file of the setting,
 * otherwise a file in the data directory. It is made when the log has no key yet, beside the folder
 * of the embedded Postgres and not in it. Threads of this process use the same keys.
 */
export function configureAuditKeys({ auditKeys, auditKeyFile, dataDir }: AuditKeyConfig): void {
  if (auditKeys && auditKeyFile)
    throw new ConfigError(
      'TOUCHSTONE_AUDIT_KEYS and TOUCHSTONE_AUDIT_KEY_FILE are both set: set one of them',
    )
  if (auditKeys) parseAuditKeys(auditKeys)
  const config: AuditKeyConfig = { auditKeys, auditKeyFile, dataDir }
  setEnvironmentData(THREAD_DATA, { ...config })
  provideAuditKeys((mayCreate) => openAuditKeys(config, mayCreate))
}

/** For a thread: uses the keys of the process that started it. */
export function configureAuditKeysOfThread(): void {
  const config = getEnvironmentData(THREAD_DATA) as unknown as AuditKeyConfig | undefined
  if (!config) throw new Error('the process of this thread has not configured audit keys')
  provideAuditKeys((mayCreate) => openAuditKeys(config, mayCreate))
}

/** Returns whether the operator has named keys, or relies on the file of one machine. */
export function areAuditKeysConfigured(config: AuditKeyConfig): boolean {
  return config.auditKeys !== undefined || config.auditKeyFile !== undefined
}

async function openAuditKeys(config: AuditKeyConfig, mayCreate: boolean): Promise<KeyRing> {
  if (config.auditKeys) return parseAuditKeys(config.auditKeys)
  if (config.auditKeyFile) return readKeyFile(config.auditKeyFile)
  const file = join(config.dataDir, KEY_FILE)
  if (!mayCreate && !existsSync(file))
    throw new AuditKeyError(
      `no key of the audit log in ${resolve(config.dataDir)}: name the data directory of the server with --data-dir, ` +
        'or set TOUCHSTONE_AUDIT_KEYS or TOUCHSTONE_AUDIT_KEY_FILE as the server has it',
    )
  const make = () => `${randomBytes(4).toString('hex')}:${randomBytes(32).toString('base64url')}\n`
  return parseKeys(file, await secretFile(config.dataDir, KEY_FILE, make))
}

const othersMayRead = 0o007

function readKeyFile(file: string): KeyRing {
  try {
    if (process.platform !== 'win32' && (statSync(file).mode & othersMayRead) !== 0)
      throw new AuditKeyError('everybody on this machine can use it: chmod o-rwx it')
    const untrusted = untrustedPart(file)
    if (untrusted) throw new AuditKeyError(`it is not safe: ${untrusted}`)
    return parseKeys(file, readFileSync(file, 'utf8'))
  } catch (e) {
    if (e instanceof AuditKeyError && e.message.startsWith(file)) throw e
    throw new AuditKeyError(`${file}: ${e instanceof Error ? e.message : String(e)}`)
  }
}

/** Reads one key a line; empty lines and lines with # are skipped. */
function parseKeys(file: string, text: string): KeyRing {
  const lines = text
    .split('\n')
    .map((line, i) => ({ at: i + 1, key: line.trim() }))
    .filter(({ key }) => key !== '' && !key.startsWith('#'))
  for (const { at, key } of lines)
    try {
      parseAuditKeys([key])
    } catch (e) {
      throw new AuditKeyError(`${file}:${at}: ${e instanceof Error ? e.message : String(e)}`)
    }
  if (lines.length === 0) throw new AuditKeyError(`${file} holds no key`)
  return parseAuditKeys(lines.map((l) => l.key))
}
