import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { secretFile } from '../../gateway/identity/development.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { createPoster } from '../../mdm/webhooks/post.ts'
import { Vault } from '../../mdm/webhooks/secrets.ts'
import type { Webhooks } from '../../mdm/webhooks/webhooks.ts'
import { ConfigError } from '../../schema/kit/configError.ts'
import type { Config } from '../config/config.ts'

export const WEBHOOK_CONFIG = [
  'webhookNetworks',
  'webhookPorts',
  'webhookHttp',
  'webhookTimeoutMs',
  'webhookKey',
  'webhookCa',
] as const

const KEY_FILE = 'webhook-key'

/**
 * Opens webhooks with their allowed addresses and the keys that encrypt their secrets. The keys are
 * those of the settings, otherwise one that all processes on the data directory share. A server
 * creates that key. A command does not (`createKey: false`), because a new key decrypts no stored
 * secret. Throws ConfigError.
 */
export async function openWebhooks(
  sql: Sql,
  config: Config<(typeof WEBHOOK_CONFIG)[number] | 'dataDir'>,
  { createKey }: { createKey: boolean } = { createKey: true },
): Promise<Webhooks> {
  if (!config.webhookKey && !createKey && !existsSync(join(config.dataDir, KEY_FILE)))
    throw new ConfigError(
      `no webhook key in ${resolve(config.dataDir)}: name the data directory of the server with --data-dir, ` +
        'or set TOUCHSTONE_WEBHOOK_KEY as the server has it',
    )
  const make = () => randomBytes(32).toString('base64url')
  const keys = config.webhookKey ?? [await secretFile(config.dataDir, KEY_FILE, make)]
  const reach = {
    networks: config.webhookNetworks ?? [],
    http: config.webhookHttp === 'allowed',
    ports: config.webhookPorts,
  }
  return {
    sql,
    vault: new Vault(keys.map((key) => createHash('sha256').update(key).digest())),
    reach,
    poster: createPoster({
      reach,
      timeoutMs: config.webhookTimeoutMs,
      authorities: authorities(config.webhookCa),
    }),
  }
}

function authorities(file: string | undefined): string[] | undefined {
  if (!file) return undefined
  try {
    const found =
      readFileSync(file, 'utf8').match(
        /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g,
      ) ?? []
    if (found.length === 0) throw new Error(`${file} holds no certificate in PEM`)
    return found.map((pem) => new X509Certificate(pem).toString())
  } catch (e) {
    throw new ConfigError(`TOUCHSTONE_WEBHOOK_CA: ${e instanceof Error ? e.message : e}`)
  }
}
