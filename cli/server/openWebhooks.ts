import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Sql } from '../../mdm/db/database.ts'
import { createPoster } from '../../mdm/webhooks/post.ts'
import { Vault } from '../../mdm/webhooks/secrets.ts'
import type { Webhooks } from '../../mdm/webhooks/webhooks.ts'
import { ConfigError } from '../../schema/kit/configError.ts'
import type { Config } from '../config/config.ts'
import { readSealingKeys } from './sealingKeys.ts'

export const WEBHOOK_CONFIG = [
  'webhookNetworks',
  'webhookPorts',
  'webhookHttp',
  'webhookTimeoutMs',
  'webhookKey',
  'webhookCa',
] as const

/**
 * Opens webhooks with their allowed addresses and the keys that encrypt their secrets
 * (readSealingKeys). Throws ConfigError.
 */
export async function openWebhooks(
  sql: Sql,
  config: Config<(typeof WEBHOOK_CONFIG)[number] | 'dataDir'>,
  options: { createKey: boolean } = { createKey: true },
): Promise<Webhooks> {
  const keys = await readSealingKeys(sql, config, options)
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
