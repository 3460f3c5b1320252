import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { secretFile } from '../../gateway/identity/development.ts'
import { CursorSeal } from '../../mdm/db/cursorSeal.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { hasSecrets } from '../../mdm/webhooks/endpoints.ts'
import { ConfigError } from '../../schema/kit/configError.ts'
import type { Config } from '../config/config.ts'

const KEY_FILE = 'webhook-key'
const keyCharsMin = 32

/**
 * Returns the keys that seal what the installation stores or gives out: secrets of webhooks, and
 * cursors of callers with row rights. They are those of the settings, otherwise one that all
 * processes on the data directory share. A server creates that key, unless the database has secrets
 * already: a new key would open none of them. A command never does (`createKey: false`). Throws
 * ConfigError.
 */
export async function readSealingKeys(
  sql: Sql,
  config: Config<'webhookKey' | 'dataDir'>,
  { createKey }: { createKey: boolean } = { createKey: true },
): Promise<readonly string[]> {
  if (config.webhookKey) return config.webhookKey
  const isMissing = !existsSync(join(config.dataDir, KEY_FILE))
  if (isMissing && !createKey)
    throw new ConfigError(
      `no webhook key in ${resolve(config.dataDir)}: name the data directory of the server with --data-dir, ` +
        'or set TOUCHSTONE_WEBHOOK_KEY as the server has it',
    )
  if (isMissing && (await hasSecrets(sql)))
    throw new ConfigError(
      `${resolve(config.dataDir, KEY_FILE)} is missing, and the database has secrets of webhooks that its key opens: ` +
        'restore the file from the backup, or set TOUCHSTONE_WEBHOOK_KEY as other processes have it. ' +
        'If the key is lost, set TOUCHSTONE_WEBHOOK_KEY to a new one and rotate the secret of each webhook with overlapHours: 0',
    )
  const make = () => randomBytes(32).toString('base64url')
  const key = await secretFile(config.dataDir, KEY_FILE, make)
  // A file that a full disk or a restore has cut off would be a key that others can guess.
  if (key.trim().length < keyCharsMin)
    throw new ConfigError(
      `${resolve(config.dataDir, KEY_FILE)} has less than ${keyCharsMin} characters: restore it from the backup, or remove it for a new one and rotate the secrets of the webhooks`,
    )
  return [key]
}

export async function openCursorSeal(
  sql: Sql,
  config: Config<'webhookKey' | 'dataDir'>,
): Promise<CursorSeal> {
  return new CursorSeal(await readSealingKeys(sql, config))
}
